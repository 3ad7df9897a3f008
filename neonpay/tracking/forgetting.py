"""One person out of what was told of a bot: nothing names them afterwards, and no sum of Stars changes.

What comes late, or once more, does not bring them back. Whoever comes back by themselves is somebody new.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from neonpay.core.clock import microseconds
from neonpay.ledger import Transaction
from neonpay.ledger.tables_tracking import soft_events
from neonpay.store.first_touches import forget_touch
from neonpay.store.forgotten import forgotten_until, remember_forgotten
from neonpay.tracking.kinds import LedgerKind
from neonpay.tracking.money import MONEY, REFUNDED, REJECTED
from neonpay.tracking.soft_event import SoftEvent

ECHOES: Final = frozenset({REFUNDED, REJECTED, str(LedgerKind.PAYMENT_CANCELLED), str(LedgerKind.SUBSCRIPTION_EXPIRED)})
"""What becomes of something that a person did before; by these nobody comes back."""


def forget_told(transaction: Transaction, bot_id: int, user_id: int, at_us: int) -> bool:
    """Nothing names this person that was told of a bot and was up to a time, now or when it comes; whether that is news.

    What was earned and given back stays, as nobody's. A unit of work.
    """
    is_news = remember_forgotten(transaction, bot_id, user_id, at_us)
    connection, event = transaction.connection, soft_events.c
    theirs = (event.bot_id == bot_id, event.user_id == user_id, event.at <= at_us)
    connection.execute(sa.delete(soft_events).where(*theirs, event.kind.not_in(MONEY)))
    connection.execute(sa.update(soft_events).where(*theirs).values(user_id=None, source=None, data="{}"))
    forget_touch(transaction, bot_id, user_id, at_us)
    return is_news


def kept_of(
    transaction: Transaction, events: Sequence[SoftEvent], *, timeless: Collection[str] = frozenset()
) -> list[SoftEvent]:
    """The events as they are kept: of whoever was forgotten nothing from before, and about money as nobody's; a unit of work.

    Args:
        timeless: ids of events whose time nobody knows; they are taken to have been before.
    """
    people: dict[int, set[int]] = {}
    for event in events:
        if event.user_id is not None:
            people.setdefault(event.bot_id, set()).add(event.user_id)
    gone = {
        (bot_id, user_id): until_us
        for bot_id, users in sorted(people.items())
        for user_id, until_us in forgotten_until(transaction, bot_id, sorted(users)).items()
    }
    if not gone:
        return list(events)
    found = []
    for event in events:
        until_us = None if event.user_id is None else gone.get((event.bot_id, event.user_id))
        kept = event if until_us is None else _without(event, until_us, is_timeless=event.event_id in timeless)
        if kept is not None:
            found.append(kept)
    return found


def _without(event: SoftEvent, until_us: int, *, is_timeless: bool) -> SoftEvent | None:
    """An event of somebody who was forgotten, as it is kept; None for not at all."""
    is_before = is_timeless or microseconds(event.at) <= until_us
    if event.kind in (MONEY if is_before else ECHOES):
        return replace(event, user_id=None, source=None, data={})
    return None if is_before else event
