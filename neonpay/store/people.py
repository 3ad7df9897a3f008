"""Who was seen: names by user id, for people who look for somebody. Nothing that is decided about money goes by them.

What updates tell is gathered in memory and written now and then, never while a payment waits for it. It may be lost: whoever
buys again is seen again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from neonpay.core.clock import Clock
from neonpay.core.people import Sender
from neonpay.errors import LedgerError
from neonpay.ledger import Insert, Ledger, Transaction
from neonpay.ledger.tables import people
from neonpay.store.loops import Loop
from neonpay.store.names import fit_name

logger = logging.getLogger("neonpay.payments")

EVERY_S: Final = 30.0
MAX_WAITING: Final = 10_000
"""People who may wait to be written; whoever comes when there are so many is not noted."""
_AT_ONCE: Final = 200
_NAMES = ("username", "first_name", "language_code")
_SEEN = Insert(
    people,
    *("bot_id", "user_id", *_NAMES, "first_seen", "last_seen"),
    again=lambda _, new: {name: new[name] for name in (*_NAMES, "last_seen")},
)

Seen = tuple[int, Sender, int]
"""A user id, their names, and when, in microseconds since the epoch."""


class People:
    """Gathers who was seen with one bot, and writes it.

    Args:
        keeps_names: False for a shop that keeps no names: then the language of whoever pays is all that is written.
        most: people who may wait to be written.
    """

    def __init__(
        self, ledger: Ledger, bot_id: int, *, clock: Clock, keeps_names: bool = True, most: int = MAX_WAITING
    ) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._clock = clock
        self._keeps_names = keeps_names
        self._most = most
        self._waiting: dict[int, Sender] = {}
        self._in_writing: dict[int, Sender] = {}
        self._loop = Loop("people", self._once, first_s=EVERY_S)

    def asks(self, user_id: int, sender: Sender | None) -> None:
        """Note somebody who has asked for something, unless no names are kept; writes nothing."""
        if self._keeps_names:
            self.saw(user_id, sender)

    def saw(self, user_id: int, sender: Sender | None) -> None:
        """Note somebody who pays; writes nothing."""
        if sender is not None and not self._keeps_names:
            sender = Sender(language_code=sender.language_code) if sender.language_code else None
        if sender is not None and (len(self._waiting) < self._most or user_id in self._waiting):
            self._waiting[user_id] = sender

    def language_of(self, user_id: int) -> str | None:
        """The language of somebody who was seen and is not written yet."""
        sender = self._waiting.get(user_id) or self._in_writing.get(user_id)
        return None if sender is None else sender.language_code

    def start(self) -> None:
        """Write every half a minute from now on."""
        self._loop.start()

    async def stop(self) -> None:
        """Write what waits, if the ledger takes it, and nothing more."""
        await self._loop.stop()
        try:
            await self.write()
        except LedgerError as exc:
            logger.debug("who was seen last could not be written: %s", exc)

    async def write(self) -> None:
        """Write what waits; what the ledger does not take is forgotten, and this raises LedgerError."""
        waiting, self._waiting = self._waiting, {}
        self._in_writing = waiting
        now_us = self._clock.now_us()
        seen = [(user_id, sender, now_us) for user_id, sender in waiting.items()]
        try:
            for start in range(0, len(seen), _AT_ONCE):
                await self._ledger.run(_write, self._bot_id, sorted(seen[start : start + _AT_ONCE]))
        finally:
            self._in_writing = {}

    async def _once(self) -> float:
        await self.write()
        return EVERY_S


def find_user(transaction: Transaction, bots: Sequence[int], username: str) -> int | None:
    """The user who was last seen with this username by any of these bots, whatever its case and with or without its ``@``."""
    name = username.removeprefix("@").lower()
    query = sa.select(people.c.user_id).where(people.c.bot_id.in_(bots), people.c.username == name)
    found: int | None = transaction.connection.execute(query.order_by(people.c.last_seen.desc()).limit(1)).scalar()
    return found


def remember_bot(transaction: Transaction, bot_id: int, names: Sender, at_us: int) -> None:
    """Keep what a bot itself is called, as one of those whom it knows."""
    _write(transaction, bot_id, [(bot_id, names, at_us)])


def bot_names(transaction: Transaction, bots: Sequence[int]) -> dict[int, str]:
    """The usernames of these bots, without ``@``, as far as Telegram has told of them."""
    if not bots:
        return {}
    # Row by row: by a comparison of the two columns all people of a bot would be looked at.
    itself = sa.or_(*[sa.and_(people.c.bot_id == bot_id, people.c.user_id == bot_id) for bot_id in bots])
    query = sa.select(people.c.bot_id, people.c.username).where(itself, people.c.username.is_not(None))
    return {int(bot_id): str(username) for bot_id, username in transaction.connection.execute(query)}


def was_told_since(transaction: Transaction, bot_id: int, since_us: int) -> bool:
    """Whether the names of a bot were kept since then."""
    query = sa.select(people.c.bot_id).where(
        people.c.bot_id == bot_id, people.c.user_id == bot_id, people.c.last_seen >= since_us
    )
    return transaction.connection.execute(query).first() is not None


def _write(transaction: Transaction, bot_id: int, seen: Sequence[Seen]) -> None:
    rows = [(bot_id, user_id, *_names(sender), at_us, at_us) for user_id, sender, at_us in seen]
    transaction.insert(_SEEN, *rows)


def _names(sender: Sender) -> tuple[str | None, str | None, str | None]:
    username = sender.username and sender.username.lower()
    return fit_name(username), fit_name(sender.first_name), fit_name(sender.language_code)
