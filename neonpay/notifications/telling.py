"""Tells endpoints of what the ledger keeps, by the number of each event; no payment waits for it or writes for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from neonpay.books.sealing import seal_next
from neonpay.core.clock import microseconds
from neonpay.core.events import Event
from neonpay.core.jsontext import JsonObject
from neonpay.errors import ValidationError
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.tables import events
from neonpay.notifications import queue
from neonpay.notifications.channels import Endpoint
from neonpay.notifications.endpoints import endpoints
from neonpay.notifications.kinds import NotificationType
from neonpay.notifications.note import Note, note_id
from neonpay.notifications.queue import Queued
from neonpay.notifications.rules import event_data
from neonpay.store.entries import events_between, find_event
from neonpay.store.periodic import Turn
from neonpay.store.sequence import last_number

EACH_S: Final = 2.0
"""While there are endpoints, seconds between two looks for what is new."""
ONLY_BY_NAME: Final = frozenset({"message_queued"})
"""What is told only to who names it: it has the words of a handler to a buyer in it."""
_AT_ONCE: Final = 100
_ROUNDS: Final = 20
_IN_THE_ENVELOPE: Final = frozenset({"event", "at"})


@dataclass(frozen=True, slots=True)
class _Found:
    """What is to be queued of the events up to a number; ``has_endpoints`` is False when nobody is to be told at all."""

    last: int
    queued: Sequence[Queued] = field(default_factory=tuple)
    has_endpoints: bool = True
    is_all: bool = False


async def tell_endpoints(ledger: Ledger, turn: Turn, *, queued: Callable[[], None]) -> float | None:
    """Queue a note for each new event and each endpoint that wants it; seconds until the next look.

    Args:
        queued: called when there is something to be sent.
    """
    after = turn.position
    for _ in range(_ROUNDS):
        if not await ledger.read(endpoints, turn.bot_id):
            return None
        numbered = await ledger.run(seal_next, turn.bot_id, _AT_ONCE)
        found = await ledger.read(_find, turn.bot_id, after)
        if not found.has_endpoints:
            return None
        if found.last <= after:
            return EACH_S
        await ledger.run(_queue, turn, found)
        if found.queued:
            queued()
        if found.is_all and numbered < _AT_ONCE:
            return EACH_S  # what has come since has others to be told with: somebody may buy all the time
        after = found.last
    return 0.0


def note_for(endpoint: Endpoint, name: str, event: Event) -> Note:
    """What an endpoint is told of an event; its id is the same however often it is made."""
    return Note(
        note_id=note_id(event.event_id, "endpoint", endpoint.endpoint_id),
        channel=NotificationType.WEBHOOK,
        recipient=endpoint.endpoint_id,
        subject="",
        body="",
        kind=name,
        at=event.at,
        user_id=event.user_id,
        data=body_data(event),
    )


def body_data(event: Event) -> JsonObject:
    """``data`` of the body in version 1: what the event has, by the names of its attributes; what it has not is not there."""
    return {
        name: value for name, value in event_data(event).items() if value is not None and name not in _IN_THE_ENVELOPE
    }


def tell_again(transaction: Transaction, endpoint: Endpoint, bot_id: int, event_id: str) -> str:
    """Tell an endpoint of an event once more, under the id under which it was told before; that id.

    Raises:
        ValidationError: the ledger has no such event.
    """
    named = sa.select(events.c.name).where(events.c.bot_id == bot_id, events.c.event_id == event_id)
    name = transaction.connection.execute(named).scalar()
    if name is None:
        raise ValidationError(
            "event_id", event_id, "the id of an event of this bot, as neonpay notifications log ID has it"
        )
    note = note_for(endpoint, name, find_event(transaction, bot_id, event_id))
    if not queue.put(transaction, bot_id, [Queued(note=note, due_at_us=microseconds(note.at))]):
        queue.revive(transaction, bot_id, note.note_id)
    return note.note_id


def wants(endpoint: Endpoint, number: int, name: str) -> bool:
    """Whether an endpoint is to be told of the event of this number and name."""
    if not endpoint.is_on or number <= endpoint.after_number:
        return False
    return name in endpoint.events if endpoint.events else name not in ONLY_BY_NAME


def _find(transaction: Transaction, bot_id: int, after: int) -> _Found:
    # The number is read before the endpoints: one that is made meanwhile begins after it.
    newest = last_number(transaction, bot_id)
    told = endpoints(transaction, bot_id)
    if not told:
        return _Found(after, has_endpoints=False)
    begins = max(after, min(one.after_number for one in told))
    last = max(after, min(newest, begins + max(1, _AT_ONCE // len(told))))
    queued = [
        Queued(note=note, due_at_us=microseconds(note.at))
        for number, name, event in events_between(transaction, bot_id, begins, last)
        for one in told
        if wants(one, number, name)
        for note in [note_for(one, name, event)]
    ]
    return _Found(last, queued, is_all=last == newest)


def _queue(transaction: Transaction, turn: Turn, found: _Found) -> None:
    queue.put(transaction, turn.bot_id, found.queued)
    turn.save(transaction, position=found.last)
