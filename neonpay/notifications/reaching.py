"""To which chats the bot may write, asked without writing to them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neonpay.errors import NotificationDelayedError, NotificationRefusedError
from neonpay.notifications.channels import Means

if TYPE_CHECKING:
    from neonpay.notifications.channels.telegram import TelegramChannel

logger = logging.getLogger("neonpay.notifications")


@dataclass(frozen=True, slots=True)
class Unreached:
    """A chat to which the bot may not write, or of which that is not known, and what Telegram says."""

    chat: str
    words: str
    is_known: bool


async def unreached(means: Means, chats: Sequence[str]) -> list[Unreached]:
    """The chats among these to which the bot may not write, and those of which Telegram did not say.

    Raises:
        ConfigurationError: there is no bot that could.
    """
    from neonpay.notifications.channels.telegram import TelegramChannel  # loaded by those who write in Telegram

    channel = TelegramChannel(means)
    try:
        looks = await asyncio.gather(*(_look(channel, chat) for chat in dict.fromkeys(chats)))
    finally:
        await channel.close()
    return [look for look in looks if look is not None]


async def _look(channel: TelegramChannel, chat: str) -> Unreached | None:
    try:
        await channel.look_at(chat)
    except (NotificationRefusedError, NotificationDelayedError) as exc:
        words = str(exc).removeprefix(f"{exc.channel}: ")
        return Unreached(chat, words, is_known=isinstance(exc, NotificationRefusedError))
    return None


async def say_who_is_unreached(means: Means, chats: Sequence[str]) -> None:
    """Log a line for each chat to which the bot may not write; nothing of those of which Telegram did not say."""
    for one in await unreached(means, chats):
        if one.is_known:
            logger.warning("%s is told nothing: %s", one.chat, one.words)
