"""What is in a batch besides what is kept as it is: whom it erases, what a bot's ledger says, and what is said beside that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from neonpay.collection.wire import ERASED, LEDGER_LEFT, LEDGER_TELLS, MARK, OF_LEDGER_MARK
from neonpay.core.clock import microseconds
from neonpay.tracking import SoftEvent
from neonpay.tracking.kinds import OF_LEDGER
from neonpay.tracking.money import MONEY

KNOWN_TO_LEDGERS: Final = OF_LEDGER | frozenset(MONEY)
"""Kinds of events that a ledger tells of."""


@dataclass(slots=True)
class Sorted:
    """The events of a batch.

    Attributes:
        erased: whom it erases, by events about nothing else.
        facts: what the ledger of the bot knows, without the mark that says so.
        told: all others.
        says_ledger: how often it says that the bot sends what its ledger knows, by events about nothing else.
        says_left: how often it says that the bot does so no more, by events about nothing else.
    """

    erased: list[SoftEvent] = field(default_factory=list)
    facts: list[SoftEvent] = field(default_factory=list)
    told: list[SoftEvent] = field(default_factory=list)
    says_ledger: int = 0
    says_left: int = 0


def sorted_events(events: Sequence[SoftEvent]) -> Sorted:
    """The events of a batch by what they are for."""
    found = Sorted()
    for event in events:
        if event.kind == ERASED and event.user_id is not None:
            found.erased.append(event)
        elif event.kind == LEDGER_TELLS:
            found.says_ledger += 1
        elif event.kind == LEDGER_LEFT:
            found.says_left += 1
        elif event.data.get(OF_LEDGER_MARK) is True:
            more = {name: value for name, value in event.data.items() if name != OF_LEDGER_MARK}
            found.facts.append(replace(event, data=more))
        else:
            found.told.append(event)
    return found


def timeless(events: Sequence[SoftEvent], now_us: int) -> set[str]:
    """Ids of events that told a time which cannot be, and are kept under that in which they came."""
    return {event.event_id for event in events if MARK in event.data and microseconds(event.at) == now_us}
