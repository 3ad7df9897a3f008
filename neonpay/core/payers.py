"""Who can be asked to pay: a person, and nothing else that has an id."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from neonpay.errors import ValidationError

NOBODY: Final[Mapping[int, str]] = MappingProxyType(
    {
        777000: "Telegram's own account",
        1087968824: "the account for which anonymous admins of groups write",
        136817688: "the account for which channels write in groups",
    }
)
"""Accounts of which nobody knows who writes for them (https://core.telegram.org/bots/api#message, sender_chat, read 2026-11-28,
and TDLib 1.8.66, UserManager.cpp)."""

_BEYOND: Final = 2**63
"""No id has as many bits (https://core.telegram.org/bots/api#user: at most 52), and no database a column for them."""


def payer(field: str, value: object, *, bot_id: int) -> int:
    """The id of a person.

    Args:
        field: what it is called.
        value: the id.
        bot_id: of the bot that asks, which writes the messages whose buttons people press.

    Raises:
        ValidationError: it is no id, or that of a chat or of an account that nobody pays from; the message shows what to write.
    """
    user_id = whole_id(field, value)
    if user_id < 0:
        expected = (
            "a person's id, and this is that of a group or channel; write "
            "send_payment(message.from_user.id, stage_id, chat_id=message.chat.id), or post a link for anybody: "
            "create_payment_link(stage_id)"
        )
        raise ValidationError(field, value, expected)
    if user_id in NOBODY:
        expected = (
            f"a person's id, and this is {NOBODY[user_id]}, who cannot pay; post a link for anybody: "
            "invoice = await neonpay.create_payment_link(stage_id), then invoice.link"
        )
        raise ValidationError(field, value, expected)
    if user_id == bot_id:
        expected = (
            "a person's id, and this is the bot's own, which has written the message under which a button was pressed; write "
            "send_payment(callback.from_user.id, stage_id), without .message"
        )
        raise ValidationError(field, value, expected)
    return user_id


def whole_id(field: str, value: object) -> int:
    """An id of Telegram's, of a person or of a chat; raises ValidationError for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or value == 0 or abs(value) >= _BEYOND:
        raise ValidationError(field, value, "Telegram's whole-number id")
    return value
