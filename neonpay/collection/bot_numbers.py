"""Which bot is meant on the wire: the same number for the same word as in every report."""

from __future__ import annotations

from typing import Final

from neonpay.analytics.managers.events import bot_number as number_of
from neonpay.errors import ValidationError
from neonpay.tracking.soft_event import TEXT_MAX_CHARS

_NAMED_FROM: Final = 2**62


def bot_number(bot_id: int | str) -> int:
    """The number of a bot, by Telegram's id of it or a word that a database can keep.

    Raises:
        ValidationError: it is neither.
    """
    number = number_of(bot_id)
    if isinstance(bot_id, str) and not bot_id.isprintable():
        raise ValidationError("bot_id", bot_id, "Telegram's id of the bot, or a word of characters that can be printed")
    return number


def word_in(bot_id: int | str) -> str | None:
    """The word that a bot is called by; None when it is called by its id."""
    return bot_id if isinstance(bot_id, str) and bot_number(bot_id) >= _NAMED_FROM else None


def bot_title(name: object) -> str:
    """What people call a bot, as a centre takes it.

    Raises:
        ValidationError: a centre would refuse each batch that it stands in.
    """
    rule = f"1–{TEXT_MAX_CHARS} characters of text"
    if not isinstance(name, str) or not 0 < len(name) <= TEXT_MAX_CHARS or "\0" in name:
        raise ValidationError("bot_name", name, rule)
    try:
        name.encode()
    except UnicodeEncodeError as exc:
        raise ValidationError("bot_name", name, rule) from exc
    return name
