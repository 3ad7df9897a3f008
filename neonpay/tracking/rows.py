"""Soft events in the ledger: written in batches, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neonpay.core.clock import microseconds
from neonpay.core.jsontext import dump
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables_tracking import soft_events
from neonpay.store.first_touches import Touch, write_touches
from neonpay.tracking.forgetting import kept_of
from neonpay.tracking.kinds import SoftKind
from neonpay.tracking.soft_event import SoftEvent

_EVENTS = Insert(soft_events, "bot_id", "event_id", "kind", "at", "user_id", "subject", "source", "stars", "data")


def write_soft(transaction: Transaction, events: Sequence[SoftEvent]) -> int:
    """Keep these events; the number of those that were not there yet.

    An event is known by its bot and its id, and the first one stays. Whoever starts a bot for the first time leaves where they
    came from, which stays as well; of one batch the earliest counts. Of whoever was forgotten nothing from before is kept.
    """
    return insert_soft(transaction, kept_of(transaction, events))


def insert_soft(transaction: Transaction, events: Sequence[SoftEvent]) -> int:
    """Keep events as ``kept_of`` gave them; the number of those that were not there yet."""
    if not events:
        return 0
    write_touches(
        transaction,
        [
            Touch(event.bot_id, event.user_id, microseconds(event.at), event.source or "")
            for event in events
            if event.kind == SoftKind.USER_STARTED and event.user_id is not None
        ],
    )
    # In the order of their keys, so that two who write the same events wait for each other and do not deadlock.
    return transaction.insert(_EVENTS, *sorted(map(_row, events), key=_key))


def _row(event: SoftEvent) -> tuple[Any, ...]:
    return (
        event.bot_id,
        event.event_id,
        str(event.kind),
        microseconds(event.at),
        event.user_id,
        event.subject,
        event.source,
        event.stars,
        dump(dict(event.data)) if event.data else "{}",
    )


def _key(row: tuple[Any, ...]) -> tuple[int, str]:
    return row[0], row[1]
