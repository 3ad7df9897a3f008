"""The newest deliveries one by one; sums of them are the business of reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from neonpay.core.events import PaymentDelivered
from neonpay.ledger import Transaction
from neonpay.ledger.tables import events, payments
from neonpay.store.sequence import newest_unnumbered

SHOWN: Final = 200
_LOOKED_AT: Final = 3_000
"""Among how many of the newest events deliveries are looked for, so that a long history costs nothing."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery: when it ended, and how many seconds after the payment."""

    at: datetime
    seconds: float


def read_deliveries(transaction: Transaction, bots: Sequence[int]) -> list[Delivery]:
    """The newest deliveries of these bots, oldest first, ``SHOWN`` at most."""
    found: list[Delivery] = []
    for bot_id in bots:
        # What has no number yet is newer than whatever has one.
        columns = sa.select(events.c.name, events.c.charge_id, events.c.at)
        numbered = columns.where(events.c.bot_id == bot_id, events.c.number.is_not(None))
        for newest in (
            columns.where(newest_unnumbered(bot_id, _LOOKED_AT)),
            numbered.order_by(events.c.number.desc()).limit(_LOOKED_AT),
        ):
            found += _among(transaction, bot_id, newest)
    return sorted(found, key=lambda one: one.at)[-SHOWN:]


def _among(transaction: Transaction, bot_id: int, some: sa.Select[tuple[str, str | None, datetime]]) -> list[Delivery]:
    newest = some.subquery("newest")
    is_its = sa.and_(payments.c.bot_id == bot_id, payments.c.charge_id == newest.c.charge_id)
    query = (
        sa.select(newest.c.at, payments.c.paid_at)
        .join_from(newest, payments, is_its)
        .where(newest.c.name == PaymentDelivered.name)
        .order_by(newest.c.at.desc())
        .limit(SHOWN)
    )
    # Telegram dates payments in whole seconds, by its own clock, which may be ahead of ours.
    return [
        Delivery(at, max(0.0, (at - paid_at).total_seconds())) for at, paid_at in transaction.connection.execute(query)
    ]
