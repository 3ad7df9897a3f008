"""The books as sheets, row by row, for spreadsheets and programs of the owner's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from neonpay.core.clock import moment
from neonpay.core.reward_rates import rate_on
from neonpay.core.sheets import Kind, Sheet, Value, columns_of, kind_of
from neonpay.core.transactions import NANOSTARS
from neonpay.ledger import Transaction
from neonpay.ledger.tables import events, invoices, journal, payments, people, refunds
from neonpay.store.own_titles import titles_of_versions
from neonpay.store.payment_filter import Selection

_ROWS_AT_A_TIME = 1000
_QUARTER_US: Final = 15 * 60 * 1_000_000
"""Every zone is off by whole quarters of an hour, so that a quarter is on one day wherever that is."""

Write = Callable[[Sequence[Value]], None]
"""Takes one row, its values in the order of ``columns_of``."""


def export(
    transaction: Transaction,
    bot_ids: Sequence[int],
    sheet: Sheet,
    selection: Selection,
    write: Write,
    *,
    with_names: bool = False,
    zone: tzinfo = UTC,
) -> int:
    """The unit of work that hands over every row of a sheet, one bot after the other, oldest first; how many there were.

    Times are ISO 8601 in UTC. When the unit runs again, it begins with the first row again. No more than a thousand rows are
    held at once; of the days, those of one bot.

    Args:
        selection: of all but payments, only ``since`` and ``until`` count.
        with_names: have the names of buyers, where a sheet has buyers.
        zone: whose days are meant.
    """
    names = columns_of(sheet, with_names=with_names)
    count = 0
    for bot_id in bot_ids:
        for row in _rows(transaction, bot_id, sheet, selection, zone):
            write([_value(name, row) for name in names])
            count += 1
    return count


def _rows(
    transaction: Transaction, bot_id: int, sheet: Sheet, selection: Selection, zone: tzinfo
) -> Iterator[Mapping[str, object]]:
    if sheet is Sheet.DAILY:
        yield from _days(transaction, bot_id, selection, zone)
        return
    streamed = _QUERIES[sheet](bot_id, selection).execution_options(yield_per=_ROWS_AT_A_TIME)
    is_priced = sheet in {Sheet.PAYMENTS, Sheet.REFUNDS}
    titles = titles_of_versions(transaction, bot_id) if sheet is Sheet.PAYMENTS else {}
    for row in transaction.connection.execute(streamed).mappings():
        found: dict[str, Any] = {str(name): value for name, value in row.items()}
        if sheet is Sheet.PAYMENTS:
            sold_as = titles.get((found["stage_id"], found["stage_version"]), found["stage_id"])
            found["title"] = found["own_title"] or sold_as
        yield {**found, **_estimate(found)} if is_priced else found


def _estimate(row: Mapping[str, Any]) -> dict[str, object]:
    rate = rate_on((row["paid_at"] if "paid_at" in row else row["requested_at"]).date())
    return {
        "estimate_usd": rate.usd(row["amount_stars"]),
        "estimate_usd_per_star": rate.usd_per_star,
        "estimate_rate_read_on": rate.read_on.isoformat(),
    }


def _value(name: str, row: Mapping[str, object]) -> Value:
    value = row[name]
    if isinstance(value, datetime):
        return value.isoformat()
    if kind_of(name) is Kind.FLAG:
        return bool(value)
    assert value is None or isinstance(value, str | int | float), "a column holds text or a number"
    return value


def _with_names(query: sa.Select[Any], table: sa.Table) -> sa.Select[Any]:
    is_theirs = sa.and_(people.c.bot_id == table.c.bot_id, people.c.user_id == table.c.user_id)
    return query.add_columns(people.c.username, people.c.first_name).outerjoin_from(table, people, is_theirs)


def _payments(bot_id: int, selection: Selection) -> sa.Select[Any]:
    is_its = sa.and_(invoices.c.bot_id == payments.c.bot_id, invoices.c.invoice_id == payments.c.invoice_id)
    query = _with_names(sa.select(payments, invoices.c.title.label("own_title")), payments).outerjoin(invoices, is_its)
    return query.where(*selection.where(bot_id)).order_by(payments.c.paid_at, payments.c.charge_id)


def _refunds(bot_id: int, selection: Selection) -> sa.Select[Any]:
    where = (refunds.c.bot_id == bot_id, *selection.between(refunds.c.requested_at))
    query = _with_names(sa.select(refunds), refunds)
    return query.where(*where).order_by(refunds.c.requested_at, refunds.c.charge_id)


def _journal(bot_id: int, selection: Selection) -> sa.Select[Any]:
    is_event = sa.and_(events.c.bot_id == journal.c.bot_id, events.c.event_id == journal.c.event_id)
    return (
        sa.select(journal, events.c.name.label("event"), events.c.charge_id, events.c.user_id)
        .outerjoin_from(journal, events, is_event)
        .where(journal.c.bot_id == bot_id, *selection.between(journal.c.at))
        .order_by(journal.c.at, journal.c.event_id, journal.c.account)
    )


_QUERIES: Mapping[Sheet, Callable[[int, Selection], sa.Select[Any]]] = MappingProxyType(
    {Sheet.PAYMENTS: _payments, Sheet.REFUNDS: _refunds, Sheet.JOURNAL: _journal}
)


def _days(transaction: Transaction, bot_id: int, selection: Selection, zone: tzinfo) -> list[dict[str, object]]:
    """Debit and credit of each account by day. What is positive in the journal is a debit: what is held, or went out."""
    sums: dict[tuple[str, str], list[int]] = {}
    for quarter, account, debit, credit, rows in transaction.connection.execute(_quarters(bot_id, selection)):
        day = moment(int(quarter) * _QUARTER_US).astimezone(zone).date().isoformat()
        found = sums.setdefault((day, str(account)), [0, 0, 0])
        for place, number in enumerate((debit, credit, rows)):
            found[place] += int(number)
    return [
        {
            "bot_id": bot_id,
            "day": day,
            "account": account,
            "debit_stars": debit // NANOSTARS,
            "credit_stars": credit // NANOSTARS,
            "debit_nanostars": debit % NANOSTARS,
            "credit_nanostars": credit % NANOSTARS,
            "rows": rows,
        }
        for (day, account), (debit, credit, rows) in sorted(sums.items())
    ]


def _quarters(bot_id: int, selection: Selection) -> sa.Select[Any]:
    quarter = sa.type_coerce(journal.c.at, sa.BigInteger) // _QUARTER_US
    value = journal.c.amount_stars * NANOSTARS + journal.c.nanostars
    return (
        sa.select(
            quarter.label("quarter"),
            journal.c.account,
            sa.func.sum(sa.case((value > 0, value), else_=0)),
            sa.func.sum(sa.case((value < 0, -value), else_=0)),
            sa.func.count(),
        )
        .where(journal.c.bot_id == bot_id, *selection.between(journal.c.at))
        .group_by(quarter, journal.c.account)
    )
