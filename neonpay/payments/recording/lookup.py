"""What the ledger has of charges that are about to be recorded."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import sqlalchemy as sa

from neonpay.core.payments import Charge, Source
from neonpay.ledger import Among, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import early_refunds, invoices, payments
from neonpay.ledger.unit import Row
from neonpay.payments.consumers.registry import VERSION
from neonpay.store.restored import FENCE

_Ids: TypeAlias = Sequence[sa.BindParameter[str]]

OF_INVOICE: Final = (
    *(invoices.c.invoice_id, invoices.c.stage_id, invoices.c.stage_version, invoices.c.user_id, invoices.c.price_stars),
    *(invoices.c.metadata, invoices.c.title, invoices.c.payments_count, invoices.c.seats_taken),
)
"""What has to be known of an invoice that a charge pays."""


def invoices_among(ids: _Ids) -> sa.Select[Any]:
    """The rows of ``OF_INVOICE`` of these invoices."""
    return sa.select(*OF_INVOICE).where(invoices.c.bot_id == sa.bindparam("b"), invoices.c.invoice_id.in_(ids))


# What is true of all charges. To look each one up among the early refunds would cost every payment, and nearly always there are
# none.
_FACTS: Final = (
    DatabaseNow().label("now_us"),
    sa.func.coalesce(VERSION, 0).label("version"),
    sa.case((sa.exists().where(early_refunds.c.bot_id == sa.bindparam("b")), 1), else_=0).label("has_early"),
    sa.func.coalesce(FENCE, 0).label("fence_us"),
)
_NONE: Final[sa.ColumnElement[Any]] = sa.literal_column("NULL")


def _recorded(ids: _Ids, *more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    is_there = (payments.c.bot_id == sa.bindparam("b"), payments.c.charge_id.in_(ids))
    return sa.select(payments.c.charge_id, payments.c.event_id, *more).where(*is_there)


_LOOK: Final = Among(
    lambda ids: sa.union_all(
        # First, and always there.
        sa.select(_NONE.label("charge_id"), _NONE.label("event_id"), *_FACTS),
        _recorded(ids, *[sa.literal_column("0").label(fact.name) for fact in _FACTS]),
    ),
    "b",
)
_FACT_ROW, _CHARGE_ROW, _INVOICE_ROW = range(3)


def _row(kind: int, select: sa.Select[Any]) -> sa.Select[Any]:
    missing = len(OF_INVOICE) - len(select.selected_columns)
    return select.add_columns(*[_NONE] * missing, sa.literal_column(str(kind)))


# SQLite alone takes rows whose columns are of one type here and of another there.
_LOOK_AT_ALL: Final = Among(
    lambda ids, invoice_ids: sa.union_all(
        _row(_FACT_ROW, sa.select(*_FACTS)),
        _row(_CHARGE_ROW, _recorded(ids)),
        _row(_INVOICE_ROW, invoices_among(invoice_ids)),
    ),
    "b",
    lists=2,
)
_EARLY: Final = Among(
    lambda ids: sa.select(early_refunds.c.charge_id).where(
        early_refunds.c.bot_id == sa.bindparam("b"), early_refunds.c.charge_id.in_(ids)
    ),
    "b",
)
_SUBSCRIBED: Final = Among(
    lambda user_ids, invoice_ids: (
        sa.select(payments.c.user_id, payments.c.invoice_id)
        .distinct()
        .where(
            payments.c.bot_id == sa.bindparam("b"),
            payments.c.user_id.in_(user_ids),
            payments.c.invoice_id.in_(invoice_ids),
            payments.c.is_recurring == 1,
        )
    ),
    "b",
    lists=2,
)


class Look(NamedTuple):
    """What one statement says of charges.

    Attributes:
        there: those that are recorded, with the event that tells of each.
        gone: those that are not, and have been refunded.
        now_us: the time that all workers share.
        version: that of the registry of consumers.
        fence_us: what was charged before that may have been delivered by a ledger that this one was restored in place of;
            0 when it never was.
    """

    there: Mapping[str, str]
    gone: Container[str]
    now_us: int
    version: int
    fence_us: int = 0


def look(transaction: Transaction, bot_id: int, charge_ids: Sequence[str]) -> Look:
    """What is known of these charges; after their invoices are locked, as refunds that come now wait for that lock."""
    there: dict[str, str] = {}
    now_us = version = has_early = fence_us = 0
    for charge_id, event_id, *facts in transaction.rows_among(_LOOK, (bot_id,), charge_ids):
        if charge_id is None:
            now_us, version, has_early, fence_us = facts
        else:
            there[charge_id] = event_id
    gone = _early(transaction, bot_id, charge_ids) if has_early else ()
    return Look(there, gone, now_us, version, fence_us)


def look_at_all(
    transaction: Transaction, bot_id: int, charge_ids: Sequence[str], invoice_ids: Sequence[str]
) -> tuple[Look, list[Row]]:
    """``look``, and in the same statement the invoices, as rows of ``OF_INVOICE``: for the only writer, who has locked them."""
    there: dict[str, str] = {}
    of_invoices: list[Row] = []
    facts: Row = (0, 0, 0, 0)
    for *row, kind in transaction.rows_among(_LOOK_AT_ALL, (bot_id,), charge_ids, invoice_ids):
        if kind == _INVOICE_ROW:
            of_invoices.append(row)
        elif kind == _FACT_ROW:
            facts = row
        else:
            there[row[0]] = row[1]
    now_us, version, has_early, fence_us = facts[:4]
    gone = _early(transaction, bot_id, charge_ids) if has_early else ()
    return Look(there, gone, now_us, version, fence_us), of_invoices


def _early(transaction: Transaction, bot_id: int, charge_ids: Sequence[str]) -> Container[str]:
    return {row[0] for row in transaction.rows_among(_EARLY, (bot_id,), charge_ids)}


def first_periods(transaction: Transaction, bot_id: int, charges: Sequence[tuple[Charge, str]]) -> Container[str]:
    """Charges that begin a subscription although nothing says so: Telegram's list does not tell which ones do.

    Args:
        charges: recurring ones, with the invoice that each one pays, as its verified payload says.
    """
    unsaid: Mapping[str, tuple[int, str]] = {
        charge.charge_id: (charge.user_id, invoice_id)
        for charge, invoice_id in charges
        if charge.source is Source.RECONCILE
    }
    if not unsaid:
        return ()
    user_ids, invoice_ids = zip(*unsaid.values(), strict=True)
    rows = transaction.rows_among(_SUBSCRIBED, (bot_id,), user_ids, invoice_ids)
    known = {(user_id, invoice_id) for user_id, invoice_id in rows}
    return {charge_id for charge_id, period in unsaid.items() if period not in known}
