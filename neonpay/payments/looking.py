"""What the ledger has of charges that are about to be recorded."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from neonpay.core.payments import Charge, Source
from neonpay.ledger import Among, Transaction
from neonpay.ledger.tables import DatabaseNow, early_refunds, payments
from neonpay.payments.consumers import VERSION

_THERE, _GONE, _NOW, _VERSION = 0, 1, 2, 3


def _part(what: int, *where: sa.ColumnElement[bool], **values: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Rows of one kind; columns that are not given are empty."""
    columns: dict[str, sa.ColumnElement[Any]] = {
        "charge_id": sa.literal_column("''"),
        "number": sa.literal_column("0"),
        "event_id": sa.literal_column("''"),
    }
    named = [column.label(name) for name, column in {**columns, **values}.items()]
    return sa.select(sa.literal_column(str(what)).label("what"), *named).where(*where)


_LOOK = Among(
    lambda ids: sa.union_all(
        _part(
            _THERE,
            payments.c.bot_id == sa.bindparam("b"),
            payments.c.charge_id.in_(ids),
            charge_id=payments.c.charge_id,
            event_id=payments.c.event_id,
        ),
        # Only whether there are any: nearly always there are none, and to look each charge up would cost every payment.
        _part(_GONE, sa.exists().where(early_refunds.c.bot_id == sa.bindparam("b"))),
        _part(_NOW, number=DatabaseNow()),
        _part(_VERSION, number=sa.func.coalesce(VERSION, 0)),
    ),
    "b",
)
_EARLY = Among(
    lambda ids: sa.select(early_refunds.c.charge_id).where(
        early_refunds.c.bot_id == sa.bindparam("b"), early_refunds.c.charge_id.in_(ids)
    ),
    "b",
)
_SUBSCRIBED = Among(
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
    """

    there: Mapping[str, str]
    gone: Container[str]
    now_us: int
    version: int


def look(transaction: Transaction, bot_id: int, charge_ids: Sequence[str]) -> Look:
    """What is known of these charges; after their invoices are locked, as refunds that come now wait for that lock."""
    found = transaction.rows_among(_LOOK, (bot_id,), charge_ids)
    has_gone = any(what == _GONE for what, *_ in found)
    return Look(
        there={charge_id: event_id for what, charge_id, _, event_id in found if what == _THERE},
        gone={row[0] for row in transaction.rows_among(_EARLY, (bot_id,), charge_ids)} if has_gone else (),
        now_us=next(number for what, _, number, _ in found if what == _NOW),
        version=next(number for what, _, number, _ in found if what == _VERSION),
    )


def first_periods(
    transaction: Transaction, bot_id: int, charges: Sequence[tuple[Charge, str | None]]
) -> Container[str]:
    """Charges that begin a subscription although nothing says so: Telegram's list does not tell which ones do.

    Args:
        charges: with the invoice that each one pays, as its verified payload says.
    """
    unsaid: Mapping[str, tuple[int, str]] = {
        charge.charge_id: (charge.user_id, invoice_id)
        for charge, invoice_id in charges
        if charge.is_recurring and charge.source is Source.RECONCILE and invoice_id is not None
    }
    if not unsaid:
        return ()
    user_ids, invoice_ids = zip(*unsaid.values(), strict=True)
    rows = transaction.rows_among(_SUBSCRIBED, (bot_id,), user_ids, invoice_ids)
    known = {(user_id, invoice_id) for user_id, invoice_id in rows}
    return {charge_id for charge_id, period in unsaid.items() if period not in known}
