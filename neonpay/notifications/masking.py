"""Addresses as people may see them: most of them are secrets, since whoever has one can post to it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from neonpay.core.secrecy import MASK, mask

_SHOWN_CHARS: Final = 80
_END_DIGITS: Final = 4


def shown_address(recipient: str) -> str:
    """A recipient without what is secret of it: of a URL there is the host."""
    if "://" in recipient:
        parts = urlsplit(recipient)
        host = parts.hostname or ""
        try:
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            port = ""
        return f"{parts.scheme}://{host}{port}/{MASK}" if host else f"{parts.scheme}://{MASK}"
    shown = mask(recipient)
    return shown if len(shown) <= _SHOWN_CHARS else f"{shown[: _SHOWN_CHARS - 1]}…"


def is_shared_chat(recipient: str) -> bool:
    """Whether a recipient in Telegram is a group or a channel, in which more people may read than whoever named it knows."""
    return recipient.strip().startswith(("-", "@"))


def shown_buyer(user_id: int) -> str:
    """A buyer where others read: enough to tell two of them apart, and not who they are."""
    return f"…{str(user_id)[-_END_DIGITS:]}"
