"""Business accounts that let a bot look after them, as far as their Stars go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiogram import types

from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from neonpay.simulator.chats.accounts import BotAccount, UserAccount
    from neonpay.simulator.clock import SteppedClock


@dataclass(slots=True, eq=False)
class BusinessConnection:
    """A person's permission for a bot.

    Attributes:
        rights: names as in ``BusinessBotRights``.
    """

    id: str
    bot: BotAccount
    owner: UserAccount
    since: int
    rights: frozenset[str] = field(default_factory=frozenset)
    is_enabled: bool = True

    @property
    def as_json(self) -> dict[str, object]:
        """The ``BusinessConnection`` object."""
        return dump(
            build(
                types.BusinessConnection,
                id=self.id,
                user=self.owner.as_user,
                user_chat_id=self.owner.id,
                date=self.since,
                is_enabled=self.is_enabled,
                rights=dict.fromkeys(sorted(self.rights), True),
            )
        )


class Business:
    """Every connection by its id."""

    def __init__(
        self,
        clock: SteppedClock,
        random: Random,
        tell: Callable[[BotAccount, str, dict[str, object], tuple[int, str]], object],
    ) -> None:
        self._clock = clock
        self._random = random
        self._tell = tell
        self.connections: dict[str, BusinessConnection] = {}

    def connect(self, bot: BotAccount, owner: UserAccount, rights: frozenset[str]) -> BusinessConnection:
        """Let a bot look after a business account, or change what it may; the bot is told."""
        known = (one for one in self.connections.values() if one.bot is bot and one.owner is owner)
        connection = next(known, None)
        if connection is None:
            number = f"{self._random.randrange(16**20):020x}"
            connection = BusinessConnection(number, bot, owner, int(self._clock.now()))
            self.connections[number] = connection
        connection.rights, connection.is_enabled = rights, True
        self._tell_of(connection)
        return connection

    def disconnect(self, connection: BusinessConnection) -> None:
        """Take the permission back; the bot is told."""
        connection.is_enabled = False
        self._tell_of(connection)

    def require(self, bot: BotAccount, connection_id: str, right: str = "") -> BusinessConnection:
        """The connection that a bot names.

        Raises:
            Refusal: there is none, or it has not this right.
        """
        connection = self.connections.get(connection_id)
        if connection is None or connection.bot is not bot:
            raise bad_request("business connection not found")  # TDL
        if right and (not connection.is_enabled or right not in connection.rights):
            raise bad_request("BOT_ACCESS_FORBIDDEN")  # UNVERIFIED word
        return connection

    def _tell_of(self, connection: BusinessConnection) -> None:
        self._tell(connection.bot, "business_connection", connection.as_json, (connection.owner.id, "business"))
