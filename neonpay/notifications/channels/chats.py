"""Chats of Telegram, as programs name them."""

from __future__ import annotations

from typing import Final

A_CHAT: Final = "a recipient is a chat id such as 123456789, or the @name of a channel"


def chat_of(recipient: str) -> int | str:
    """A chat as Telegram is asked for it.

    Raises:
        ValueError: it is neither an id nor a name of a channel.
    """
    chat = recipient.strip()
    if chat.removeprefix("-").isdecimal():
        return int(chat)
    if len(chat) > 1 and chat.startswith("@"):
        return chat
    raise ValueError(chat)
