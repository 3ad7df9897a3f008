"""What somebody did with the bot, as far as counting goes: who, where, which command, and no word of what was said."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import NamedTuple

from neonpay.core.clock import moment

START = "start"
_MENTION = "@"


class SeenKind(enum.StrEnum):
    """What an update tells of a person.

    Attributes:
        MESSAGE: they sent something to the bot, or where it reads along.
        CALLBACK: they pressed a button under a message of the bot.
        INLINE_QUERY: they typed the bot's name and something after it in some chat.
    """

    MESSAGE = "message"
    CALLBACK = "callback"
    INLINE_QUERY = "inline_query"


class SeenUpdate(NamedTuple):
    """One update of the host, told to extensions; it is the host's all the same.

    Attributes:
        chat_id: where; None where Telegram does not tell.
        command: of a message that is a command: ``start`` for ``/start@your_bot vip``.
        parameter: what comes after ``/start``, and after no other command.
        language_code: as Telegram names their language, where it tells.
        at_us: when it arrived here, in microseconds since the epoch.
        update_id: the same when Telegram delivers the update again; None in libraries that have none.
        sent_s: when the message was sent, or that with the button, in whole seconds since the epoch; None where it is not told.
    """

    bot_id: int
    user_id: int
    chat_id: int | None
    kind: SeenKind
    command: str | None
    parameter: str | None
    language_code: str | None
    at_us: int
    update_id: int | None
    sent_s: int | None = None

    @property
    def at(self) -> datetime:
        """When it arrived here, aware."""
        return moment(self.at_us)


def command_in(text: str | None) -> tuple[str | None, str | None]:
    """The command that a message is, and what comes after ``/start``."""
    if not text or text[0] != "/":
        return None, None
    words = text.split(None, 1)
    command = words[0][1:].partition(_MENTION)[0]
    if not command:
        return None, None
    if command != START or len(words) == 1:
        return command, None
    return command, words[1].strip() or None
