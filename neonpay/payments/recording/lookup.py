"""What the ledger has of charges that are about to be recorded."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core.payments import Charge, Source
from neonpay.ledger import Among, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import early_refunds, payments
from neonpay.payments.consumers.registry import VERSION
from neonpay.store.restored import FENCE

_LOOK = Among(
    lambda ids: sa.union_all(
        # First, and always there: what is true of all of them. To look each charge up among the early refunds would cost every
        # payment, and nearly always there are none.
        sa.select(
            sa.literal_column("NULL").label("charge_id"),
            sa.literal_column("NULL").label("event_id"),
            DatabaseNow().label("now_us"),
            sa.func.coalesce(VERSION, 0).label("version"),
            sa.case((sa.exists().where(early_refunds.c.bot_id == sa.bindparam("b")), 1), else_=0).label("has_early"),
            sa.func.coalesce(FENCE, 0).label("fence_us"),
        ),
        sa.select(
            payments.c.charge_id,
            payments.c.event_id,
            *[sa.literal_column("0").label(name) for name in ("now_us", "version", "has_early", "fence_us")],
        ).where(payments.c.bot_id == sa.bindparam("b"), payments.c.charge_id.in_(ids)),
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
    gone = {row[0] for row in transaction.rows_among(_EARLY, (bot_id,), charge_ids)} if has_early else ()
    return Look(there, gone, now_us, version, fence_us)


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
