"""Who exists: bots with their tokens, people with their Stars."""

from __future__ import annotations

import string
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from neonpay.errors import SimulatorError
from neonpay.simulator.chats.profiles import BotProfile

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from neonpay.simulator.files.store import StoredFile

_TOKEN_LETTERS: Final = string.ascii_letters + string.digits + "_-"
_TOKEN_SECRET_CHARS: Final = 35
_USERNAME_LETTERS: Final = frozenset(string.ascii_letters + string.digits + "_")
NANOSTARS: Final = 1_000_000_000
"""Nanostars in one Star (https://core.telegram.org/bots/api#staramount, read 2026-11-20)."""
NAME_MAX_CHARS: Final = 64
"""Longest name of a bot (API, setMyName)."""
TELEGRAM_USER_ID: Final = 777_000
"""Telegram's own account; no simulated user gets it or an id below."""


@dataclass(slots=True, eq=False)
class BotAccount:
    """A bot of this Telegram.

    Attributes:
        token: what the bot signs in with; in no repr.
        balance_stars: whole Stars that the bot has; negative when more was taken from it than it had.
        balance_nanostars: what it has beside them, billionths of a Star.
        reads_all_group_messages: privacy mode is off, as @BotFather would have it.
        profile: what it tells people of itself.
        photos: of its profile, the newest first.
    """

    id: int
    username: str
    first_name: str
    token: str = field(repr=False)
    balance_stars: int = 0
    balance_nanostars: int = 0
    reads_all_group_messages: bool = False
    profile: BotProfile = field(default_factory=BotProfile, repr=False)
    photos: list[StoredFile] = field(default_factory=list, repr=False)

    def gets(self, nanostars: int) -> None:
        """Change the balance; a negative amount is taken away."""
        whole = self.balance_stars * NANOSTARS + self.balance_nanostars + nanostars
        self.balance_stars, self.balance_nanostars = divmod(whole, NANOSTARS)

    @property
    def name(self) -> str:
        """What people see: what the bot has set for those of no language in particular, else what it was made with."""
        return self.profile.names.get("") or self.first_name

    @property
    def photo(self) -> StoredFile | None:
        """What people see beside the name."""
        return self.photos[0] if self.photos else None

    @property
    def as_user(self) -> dict[str, object]:
        """The bot as the sender of a message."""
        return {"id": self.id, "is_bot": True, "first_name": self.name, "username": self.username}


@dataclass(slots=True, eq=False)
class UserAccount:
    """A person of this Telegram.

    Attributes:
        began_with_stars: the first balance.
        photos: of their profile, the newest first.
    """

    id: int
    first_name: str
    username: str | None = None
    language_code: str = "en"
    balance_stars: int = 0
    photos: list[StoredFile] = field(default_factory=list, repr=False)
    began_with_stars: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.began_with_stars = self.balance_stars

    @property
    def photo(self) -> StoredFile | None:
        """What everybody sees beside the name."""
        return self.photos[0] if self.photos else None

    @property
    def as_user(self) -> dict[str, object]:
        """The ``User`` object."""
        fields: dict[str, object] = {
            "id": self.id, "is_bot": False, "first_name": self.first_name, "language_code": self.language_code,
        }  # fmt: skip
        if self.username:
            fields["username"] = self.username
        return fields

    @property
    def as_chat(self) -> dict[str, object]:
        """The private chat with this person, as a bot sees it."""
        fields: dict[str, object] = {"id": self.id, "type": "private", "first_name": self.first_name}
        if self.username:
            fields["username"] = self.username
        return fields


class Accounts:
    """All bots and people."""

    def __init__(self, random: Random, token_bytes: Callable[[int], bytes]) -> None:
        self._random = random
        self._token_bytes = token_bytes
        self.bots: dict[int, BotAccount] = {}
        self.users: dict[int, UserAccount] = {}
        self._by_token: dict[str, BotAccount] = {}

    def bot(self, username: str, *, token: str | None = None, name: str | None = None) -> BotAccount:
        """The bot with this username, made when there is none.

        Raises:
            SimulatorError: the username or the token cannot be one, or belongs to another bot.
        """
        username = username.removeprefix("@")
        known = next((bot for bot in self.bots.values() if bot.username.lower() == username.lower()), None)
        if known is not None:
            if token not in {None, known.token}:
                raise SimulatorError(f"bot {username!r} exists already and has another token")
            if name not in {None, known.first_name}:
                raise SimulatorError(f"bot {username!r} exists already and has another name")
            return known
        if not username or not _USERNAME_LETTERS.issuperset(username):
            raise SimulatorError(f"{username!r} is not a username: use letters, digits and underscores")
        if name is not None and not 1 <= len(name.strip()) <= NAME_MAX_CHARS:
            raise SimulatorError(f"the name of bot {username!r} has to have 1 to {NAME_MAX_CHARS} characters")
        token = token or self._new_token()
        bot_id = _bot_id_of(token)
        if bot_id in self.bots:
            raise SimulatorError(f"the token given for bot {username!r} has the id of another bot")
        bot = BotAccount(bot_id, username, name or username, token)
        self.bots[bot_id] = bot
        self._by_token[token] = bot
        return bot

    def bot_named(self, username: str) -> BotAccount:
        """The bot with this username, with or without @, in any case.

        Raises:
            SimulatorError: there is none.
        """
        wanted = username.removeprefix("@").lower()
        for bot in self.bots.values():
            if bot.username.lower() == wanted:
                return bot
        raise SimulatorError(f"there is no bot {username!r}")

    def only_bot(self) -> BotAccount:
        """The one bot that there is, for those who do not say which.

        Raises:
            SimulatorError: there is none, or more than one.
        """
        if len(self.bots) == 1:
            return next(iter(self.bots.values()))
        there = ", ".join(bot.username for bot in self.bots.values()) or "none yet: telegram.bot(username) makes one"
        raise SimulatorError(f"say which bot is meant; there are: {there}")

    def bot_with_token(self, token: str) -> BotAccount | None:
        """The bot that signs in with this token."""
        return self._by_token.get(token)

    def user(
        self,
        first_name: str,
        *,
        stars: int = 0,
        user_id: int | None = None,
        username: str | None = None,
        language_code: str = "en",
    ) -> UserAccount:
        """A new person.

        Raises:
            SimulatorError: ``stars`` is negative or not whole, the name is empty, or the id is taken.
        """
        if type(stars) is not int or stars < 0:
            raise SimulatorError(f"a balance is a whole number of Stars >= 0, not {stars!r}")
        if not first_name.strip():
            raise SimulatorError("a person needs a first name")
        if user_id is None:
            user_id = self._new_id()
        if user_id <= 0 or user_id in self.users or user_id in self.bots:
            raise SimulatorError(f"user id {user_id} is taken or not positive")
        person = UserAccount(user_id, first_name, username, language_code, stars)
        self.users[user_id] = person
        return person

    def hide_tokens(self, text: str) -> str:
        """The text with every token of ours replaced."""
        for token in self._by_token:
            if token in text:
                text = text.replace(token, "<token>")
        return text

    def _new_id(self) -> int:
        while True:
            new = self._random.randrange(100_000_000, 7_000_000_000)
            if new not in self.users and new not in self.bots:
                return new

    def _new_token(self) -> str:
        # Not from the seed: whoever knows a token can speak for the bot, and anybody knows the seed that nobody chose.
        return f"{self._new_id()}:{urlsafe_b64encode(self._token_bytes(_TOKEN_SECRET_CHARS)).decode()[:_TOKEN_SECRET_CHARS]}"


def _bot_id_of(token: str) -> int:
    digits, colon, secret = token.partition(":")
    if not (colon and digits.isascii() and digits.isdigit() and len(digits) <= 16 and secret.isprintable() and secret):  # noqa: PLR2004
        raise SimulatorError("a token is <bot id>:<secret>, as @BotFather prints it")
    if set(secret) - set(_TOKEN_LETTERS):
        raise SimulatorError("the secret half of a token is letters, digits, underscores and dashes")
    return int(digits)
