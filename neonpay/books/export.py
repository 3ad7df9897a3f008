"""The books as sheets, row by row, for spreadsheets and programs of the owner's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from neonpay.core.sheets import COLUMNS, Sheet, Value
from neonpay.ledger import Transaction
from neonpay.ledger.tables import events, journal, payments, refunds
from neonpay.store.payment_filter import Selection

_ROWS_AT_A_TIME = 1000
_FLAGS = frozenset({"is_recurring", "is_first_recurring"})


def export(
    transaction: Transaction, bot_id: int, sheet: Sheet, selection: Selection, write: Callable[[Sequence[Value]], None]
) -> int:
    """The unit of work that hands over every row of a sheet, oldest first; how many there were.

    Times are ISO 8601 in UTC. When the unit runs again, it begins with the first row again.

    Args:
        selection: of refunds and journal rows, only ``since`` and ``until`` count.
        write: takes one row, its values in the order of ``COLUMNS``.
    """
    names = COLUMNS[sheet]
    count = 0
    for row in _rows(transaction, _QUERIES[sheet](bot_id, selection)):
        write([_value(name, row[name]) for name in names])
        count += 1
    return count


def _rows(transaction: Transaction, query: sa.Select[Any]) -> Iterator[sa.RowMapping]:
    streamed = query.execution_options(yield_per=_ROWS_AT_A_TIME)
    return iter(transaction.connection.execute(streamed).mappings())


def _value(name: str, value: object) -> Value:
    if isinstance(value, datetime):
        return value.isoformat()
    if name in _FLAGS:
        return bool(value)
    assert value is None or isinstance(value, str | int), "a column holds text or a whole number"
    return value


def _payments(bot_id: int, selection: Selection) -> sa.Select[Any]:
    return sa.select(payments).where(*selection.where(bot_id)).order_by(payments.c.paid_at, payments.c.charge_id)


def _refunds(bot_id: int, selection: Selection) -> sa.Select[Any]:
    where = (refunds.c.bot_id == bot_id, *selection.between(refunds.c.requested_at))
    return sa.select(refunds).where(*where).order_by(refunds.c.requested_at, refunds.c.charge_id)


def _journal(bot_id: int, selection: Selection) -> sa.Select[Any]:
    is_event = sa.and_(events.c.bot_id == journal.c.bot_id, events.c.event_id == journal.c.event_id)
    return (
        sa.select(journal, events.c.name.label("event"), events.c.charge_id, events.c.user_id)
        .outerjoin_from(journal, events, is_event)
        .where(journal.c.bot_id == bot_id, *selection.between(journal.c.at))
        .order_by(journal.c.event_id, journal.c.account)
    )


_QUERIES: Mapping[Sheet, Callable[[int, Selection], sa.Select[Any]]] = MappingProxyType(
    {Sheet.PAYMENTS: _payments, Sheet.REFUNDS: _refunds, Sheet.JOURNAL: _journal}
)
