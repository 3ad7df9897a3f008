"""Bots that their program calls by a word have a number that follows from it, far above the ids that Telegram gives."""

from __future__ import annotations

import hashlib
from typing import Final, cast

from neonpay.core.whole import is_whole
from neonpay.errors import ValidationError
from neonpay.tracking.soft_event import NAME_MAX_CHARS

_TELEGRAM_IDS_MAX: Final = 2**52
_NAMED_FROM: Final = 2**62


def bot_number(bot_id: int | str) -> int:
    """The number of a bot: Telegram's id where that is given, as text or not, else the one of its word, the same everywhere.

    Raises:
        ValidationError: it is neither.
    """
    if is_whole(bot_id, 1, _TELEGRAM_IDS_MAX):
        return cast("int", bot_id)
    if not isinstance(bot_id, str) or not 0 < len(bot_id) <= NAME_MAX_CHARS or "\0" in bot_id:
        raise ValidationError("bot_id", bot_id, "a word such as store_bot, or Telegram's id of the bot")
    if bot_id.isascii() and bot_id.isdecimal() and 0 < int(bot_id) < _TELEGRAM_IDS_MAX:
        return int(bot_id)
    word = bot_id.removeprefix("@").lower()
    digest = hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()
    return _NAMED_FROM | int.from_bytes(digest[:8], "big") >> 3


def word_in(bot_id: int | str) -> str | None:
    """The word that a bot is called by; None when it is called by its id."""
    return bot_id if isinstance(bot_id, str) and bot_number(bot_id) >= _NAMED_FROM else None
