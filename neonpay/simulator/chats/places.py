"""Where bots write: private chats, and their seats in groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from neonpay.simulator.chats.groups import Seat

if TYPE_CHECKING:
    from neonpay.simulator.chats.accounts import BotAccount, UserAccount
    from neonpay.simulator.chats.posts import Post


@dataclass(slots=True, eq=False)
class Chat:
    """What a bot and a person have with each other.

    Attributes:
        started: the person has written to the bot, or paid it, so that the bot may write.
        known: the bot has met the person.
        blocked: the person has blocked the bot.
        keyboard: the markup that the bot last gave the person's own keyboard.
        pinned: ids of pinned messages, the newest last.
    """

    bot: BotAccount
    user: UserAccount
    started: bool = False
    known: bool = False
    blocked: bool = False
    keyboard: dict[str, object] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    pinned: list[int] = field(default_factory=list)

    @property
    def id(self) -> int:
        """The chat's id, which is the person's."""
        return self.user.id

    @property
    def as_json(self) -> dict[str, object]:
        """The ``Chat`` object."""
        return self.user.as_chat


Place: TypeAlias = Chat | Seat
"""Where a bot writes: a private chat, or its seat in a group."""
