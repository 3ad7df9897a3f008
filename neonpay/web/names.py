"""How people are called on pages: by the name that they were seen with, or by their id."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from neonpay.ledger import Transaction
from neonpay.ledger.tables import people

_AT_ONCE: Final = 400
_MOST_FOUND: Final = 200
_WORDS: Final = re.compile(r"[\W_]+")

Who = tuple[int, int]
"""A bot, and a user of it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on a page.

    Attributes:
        first_name: as Telegram told it; None for whoever was not seen, or has none.
        username: in lower case, without its @.
    """

    bot_id: int
    user_id: int
    first_name: str | None = None
    username: str | None = None

    @property
    def name(self) -> str:
        """What they are called: their name, else their username, else their id."""
        return self.first_name or (f"@{self.username}" if self.username else str(self.user_id))

    @property
    def monogram(self) -> str:
        """At most two letters for their name; the last figures of an id."""
        if not self.first_name and not self.username:
            return str(self.user_id)[-2:]
        words = [word for word in _WORDS.split(self.first_name or self.username or "") if word]
        return "".join(word[0] for word in words[:2]).upper() or "·"


def read_people(transaction: Transaction, wanted: Collection[Who]) -> Mapping[Who, Person]:
    """Who these are; whoever was never seen is there by id alone."""
    found = {who: Person(*who) for who in wanted}
    by_bot: dict[int, set[int]] = {}
    for bot_id, user_id in wanted:
        by_bot.setdefault(bot_id, set()).add(user_id)
    for bot_id, users in by_bot.items():
        ordered = sorted(users)
        for start in range(0, len(ordered), _AT_ONCE):
            query = _SELECT.where(people.c.bot_id == bot_id, people.c.user_id.in_(ordered[start : start + _AT_ONCE]))
            for row in transaction.connection.execute(query):
                found[row.bot_id, row.user_id] = Person(*row)
    return found


def users_called(transaction: Transaction, bots: Sequence[int], name: str) -> list[Who]:
    """Those whose username or first name begins so, whatever its case; at most two hundred, last seen first."""
    # SQLite folds the case of no letter beyond ASCII, so the ways in which a name is written are asked for one by one.
    ways = dict.fromkeys((name, name.lower(), name.upper(), name.capitalize(), name.title()))
    called = [people.c.first_name.startswith(way, autoescape=True) for way in ways]
    username = people.c.username.startswith(name.removeprefix("@").lower(), autoescape=True)
    query = sa.select(people.c.bot_id, people.c.user_id).where(
        people.c.bot_id.in_(bots), username if name.startswith("@") else sa.or_(username, *called)
    )
    rows = transaction.connection.execute(query.order_by(people.c.last_seen.desc()).limit(_MOST_FOUND))
    return [(row.bot_id, row.user_id) for row in rows]


_SELECT: Final = sa.select(people.c.bot_id, people.c.user_id, people.c.first_name, people.c.username)
