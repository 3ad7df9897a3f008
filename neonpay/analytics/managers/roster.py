"""Which bots there are, and what they are called: those of the ledger, and those that a program has registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from neonpay.analytics.managers.events import bot_number, is_bot
from neonpay.analytics.managers.sides import REGISTERED, Sides
from neonpay.core import jsontext
from neonpay.core.jsontext import JsonValue
from neonpay.errors import ValidationError
from neonpay.ledger import Transaction
from neonpay.ledger.tables_collection import collected_bots
from neonpay.ledger.tables_tracking import soft_events
from neonpay.store.ids import new_event_id
from neonpay.store.people import bot_names
from neonpay.store.signing_keys import bots as bots_of
from neonpay.tracking import SoftEvent

_NAME_MAX_CHARS: Final = 128
_REGISTRY: Final = 2**63 - 1
"""The number under which names are kept, so that they are found without a look at any bot's events."""


@dataclass(frozen=True, slots=True)
class KnownBot:
    """A bot of a report.

    Attributes:
        number: under which its rows are kept.
        bot_id: the word by which it is registered, or Telegram's id.
        name: what people call it.
    """

    number: int
    bot_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Roster:
    """All bots that reports know.

    Attributes:
        bots: by their numbers.
        aliases: words that are usernames of the ledger's bots, as numbers, and the number of the bot that is meant.
    """

    sides: Sides = field(default_factory=Sides)
    bots: Mapping[int, KnownBot] = field(default_factory=dict)
    aliases: Mapping[int, int] = field(default_factory=dict)

    def number_of(self, bot_id: str | int) -> int:
        """The number of a bot by its word, id or username; it may be that of no bot that is known."""
        number = bot_number(bot_id)
        return self.aliases.get(number, number)

    def find(self, bot_id: str | int) -> KnownBot | None:
        """The bot of a word, an id or a username; by its name as well, where only one is called so."""
        called = [bot for bot in self.bots.values() if bot.name == bot_id]
        only = called[0] if len(called) == 1 else None
        if only is not None and not is_bot(bot_id):  # a name may be longer than a word
            return only
        return self.bots.get(self.number_of(bot_id), only)


def registration(bot_id: str, name: str, at: datetime, *, is_hearsay: bool = False) -> SoftEvent:
    """What keeps the name of a bot.

    Args:
        is_hearsay: nobody has registered it, and an event says so: it counts as long as nobody does.

    Raises:
        ValidationError: the name is none, or the word.
    """
    bot_number(bot_id)
    if not str(bot_id).isprintable():
        raise ValidationError("bot_id", bot_id, "a word of characters that can be printed")
    if not _is_name(name):
        raise ValidationError("bot_name", name, f"1–{_NAME_MAX_CHARS} characters that can be printed")
    data: dict[str, JsonValue] = {"bot_id": bot_id, "bot_name": name, "is_hearsay": is_hearsay}
    return SoftEvent(event_id=new_event_id(), bot_id=_REGISTRY, kind=REGISTERED, at=at, data=data)


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= _NAME_MAX_CHARS and name.isprintable()


def is_registration(event: SoftEvent) -> bool:
    """Whether an event keeps a name."""
    return event.bot_id == _REGISTRY


def is_news(transaction: Transaction, event: SoftEvent) -> bool:
    """Whether a registration says what was not known."""
    number = bot_number(str(event.data["bot_id"]))
    known = [said for word, said in _registered(transaction).items() if bot_number(word) == number]
    if not known:
        return True
    name, is_hearsay = next((said for said in reversed(known) if not said[1]), known[-1])
    if event.data["is_hearsay"]:
        return is_hearsay and name != event.data["bot_name"]
    return is_hearsay or name != event.data["bot_name"]


def roster(transaction: Transaction) -> Roster:
    """The bots of the ledger, and the registered ones, which may be the same."""
    own = bots_of(transaction)
    usernames = bot_names(transaction, own)
    aliases = {bot_number(name): bot for bot, name in usernames.items()}
    bots = {bot: KnownBot(bot, str(bot), f"@{usernames[bot]}" if bot in usernames else str(bot)) for bot in own}
    for number, bot in _collected(transaction).items():
        bots.setdefault(aliases.get(number, number), bot)
    for word, (name, is_hearsay) in _registered(transaction).items():
        number = bot_number(word)
        number = aliases.get(number, number)
        if not (is_hearsay and number in bots):
            bots[number] = KnownBot(number, word, name)
    told = tuple(number for number in bots if number not in set(own))
    return Roster(Sides(tuple(own), told), bots, aliases)


def registered_names(transaction: Transaction) -> dict[int, str]:
    """What bots were registered as, by their numbers; nothing that events say by themselves."""
    usernames = bot_names(transaction, bots_of(transaction))
    aliases = {bot_number(name): bot for bot, name in usernames.items()}
    numbered = [(bot_number(word), said) for word, said in _registered(transaction).items()]
    return {aliases.get(number, number): name for number, (name, is_hearsay) in numbered if not is_hearsay}


def _collected(transaction: Transaction) -> dict[int, KnownBot]:
    """The bots that have sent something to this centre, by their numbers."""
    columns = (collected_bots.c.bot_id, collected_bots.c.alias, collected_bots.c.name)
    return {
        int(number): KnownBot(int(number), alias or str(number), name or alias or str(number))
        for number, alias, name in transaction.connection.execute(sa.select(*columns))
    }


def _registered(transaction: Transaction) -> dict[str, tuple[str, bool]]:
    """The names of bots by their words, the newest ones; what events say only where nobody has registered the bot."""
    rows = sa.select(soft_events.c.data).where(soft_events.c.bot_id == _REGISTRY, soft_events.c.kind == REGISTERED)
    found: dict[str, tuple[str, bool]] = {}
    for (text,) in transaction.connection.execute(rows.order_by(soft_events.c.at, soft_events.c.event_id)):
        data = jsontext.load_object(text)
        word, is_hearsay = str(data["bot_id"]), bool(data["is_hearsay"])
        if not is_hearsay or found.get(word, ("", True))[1]:
            found.pop(word, None)  # so that of two ways to write a bot the newest comes last
            found[word] = (str(data["bot_name"]), is_hearsay)
    return found
