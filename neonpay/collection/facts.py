"""What the ledger of a bot knows, as it is told to a centre: by the number of each event, so that nothing is lost or doubled.

The ``stars`` of what is about money are what the event changed in the books: they add up to revenue without what was given
back.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa

from neonpay.collection.outbox import encoded
from neonpay.collection.wire import LEDGER_TELLS, OF_LEDGER_MARK
from neonpay.core.clock import moment
from neonpay.ledger import Transaction
from neonpay.ledger.tables import events, journal
from neonpay.store.entries import REFUNDS, REVENUE
from neonpay.store.ids import new_event_id
from neonpay.store.sequence import last_number
from neonpay.tracking import SoftEvent
from neonpay.tracking.forgetting import kept_of
from neonpay.tracking.money import COMPLETED, REFUNDED, REJECTED

_KINDS: Final = MappingProxyType(
    {
        "invoice_created": "payment_started",
        "invoice_failed": "payment_failed",
        "checkout_declined": "payment_failed",
        "invoice_abandoned": "payment_cancelled",
        "payment_needs_attention": "payment_needs_attention",
        "payment_refunded": REFUNDED,
        "subscription_canceled": "subscription_cancelled",
        "subscription_ended": "subscription_expired",
    }
)
"""What an event is called that has changed no revenue; others are not told."""


def next_facts(transaction: Transaction, bot_id: int, after: int, most: int) -> tuple[int, tuple[bytes, ...]]:
    """The next facts of a bot by number, and the number up to which they reach; a unit of work that only reads.

    Of whoever was forgotten there are those about money that were before, as nobody's.
    """
    last = min(last_number(transaction, bot_id), after + most)
    if last <= after:
        return after, ()
    event, entry = events.c, journal.c
    earned = (
        sa.select(-sa.func.sum(entry.amount_stars))
        .where(entry.bot_id == event.bot_id, entry.event_id == event.event_id, entry.account.in_((REVENUE, REFUNDS)))
        .scalar_subquery()
    )
    query = (
        sa.select(event.event_id, event.name, event.at, event.user_id, event.stage_id, earned)
        .where(event.bot_id == bot_id, event.number > after, event.number <= last)
        .order_by(event.number)
    )
    found = []
    for event_id, name, at, user_id, stage_id, changed in transaction.connection.execute(query).all():
        stars = int(changed or 0)
        kind = _kind(name, stars)
        if kind is not None:
            fact = SoftEvent(
                event_id=event_id,
                bot_id=bot_id,
                kind=kind,
                at=at,
                user_id=user_id,
                subject=stage_id,
                stars=stars or None,
            )
            found.append(fact)
    marked = [replace(fact, data={OF_LEDGER_MARK: True}) for fact in kept_of(transaction, found)]
    return last, tuple(map(encoded, marked))


def ledger_tells(bot_id: int, now_us: int) -> bytes:
    """The event that has a centre count nothing else of a bot that its ledger knows."""
    said = SoftEvent(event_id=new_event_id(), bot_id=bot_id, kind=LEDGER_TELLS, at=moment(now_us))
    return encoded(said)


def _kind(name: str, stars: int) -> str | None:
    if stars > 0:
        return COMPLETED
    if stars < 0:
        return REFUNDED if name == REFUNDED else REJECTED
    return _KINDS.get(name)
