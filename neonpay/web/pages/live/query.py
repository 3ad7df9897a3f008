"""Events of some bots, each of which is found once: by its number when it has one, and before that because it has none.

Numbers are given when the books are sealed, every half a minute and by the bot's process alone. An event that waits for its
number is as true as one that has it, so a reader does not wait; and a program that only reads need not give numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from neonpay.ledger import Transaction
from neonpay.ledger.tables import events
from neonpay.store.own_titles import own_titles
from neonpay.store.sequence import last_number, newest_unnumbered
from neonpay.web.names import Person, read_people
from neonpay.web.pages.payments.search import titles

SHOWN: Final = 50
MOST_AT_ONCE: Final = 200
"""So many new events of one bot are told of at one look, and to who comes again; a burst of more shows its newest."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One event, as a line of the list."""

    bot_id: int
    event_id: str
    name: str
    at: datetime
    person: Person | None
    product: str | None
    charge_id: str | None
    amount_stars: int | None
    reason: str | None

    @property
    def moved_stars(self) -> int | None:
        """Stars that came or went; None where none did."""
        if self.amount_stars is None:
            return None
        if self.name == "payment_completed":
            return self.amount_stars
        return -self.amount_stars if self.name == "payment_refunded" else None


@dataclass(frozen=True, slots=True)
class Look:
    """What one look has found: events oldest first, and up to which number each bot has come."""

    happened: Sequence[Happened]
    numbers: Mapping[int, int]


def newest(transaction: Transaction, bots: Sequence[int], most: int = SHOWN) -> Look:
    """The last events, ``most`` of them, and where to go on from."""
    numbers = {bot_id: last_number(transaction, bot_id) for bot_id in bots}
    rows: list[Any] = []
    for bot_id in bots:
        of_bot = _SELECT.where(events.c.bot_id == bot_id)
        numbered = of_bot.where(events.c.number.is_not(None)).order_by(events.c.number.desc())
        unnumbered = _SELECT.where(newest_unnumbered(bot_id, most))
        for query in (numbered.limit(most), unnumbered):
            rows += list(transaction.connection.execute(query))
    return Look(_whole(transaction, bots, rows)[-most:], numbers)


def since(transaction: Transaction, numbers: Mapping[int, int]) -> Look:
    """What has a number beyond those that were seen, and what has none yet."""
    rows: list[Any] = []
    seen = dict(numbers)
    for bot_id, number in numbers.items():
        of_bot = _SELECT.where(events.c.bot_id == bot_id)
        beyond = of_bot.where(events.c.number > number).order_by(events.c.number.desc()).limit(MOST_AT_ONCE)
        for query in (beyond, _SELECT.where(newest_unnumbered(bot_id, MOST_AT_ONCE))):
            rows += list(transaction.connection.execute(query))
        seen[bot_id] = max([number, *[row.number for row in rows if row.bot_id == bot_id and row.number is not None]])
    return Look(_whole(transaction, list(numbers), rows), seen)


_SELECT: Final = sa.select(
    events.c.bot_id,
    events.c.event_id,
    events.c.name,
    events.c.at,
    events.c.user_id,
    events.c.stage_id,
    events.c.invoice_id,
    events.c.charge_id,
    events.c.amount_stars,
    events.c.reason,
    events.c.number,
)


def _whole(transaction: Transaction, bots: Sequence[int], rows: Sequence[Any]) -> list[Happened]:
    if not rows:
        return []
    known = titles(transaction, bots)
    own = own_titles(transaction, [(row.bot_id, row.invoice_id) for row in rows])
    people = read_people(transaction, {(row.bot_id, row.user_id) for row in rows if row.user_id is not None})
    found = [
        Happened(
            row.bot_id,
            row.event_id,
            row.name,
            row.at,
            people.get((row.bot_id, row.user_id)),
            own.get(row.invoice_id) or known.get(row.stage_id, row.stage_id),
            row.charge_id,
            row.amount_stars,
            row.reason,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.at, one.event_id))
