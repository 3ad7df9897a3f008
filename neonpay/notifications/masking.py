"""Addresses as people may see them: most of them are secrets, since whoever has one can post to it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from neonpay.core.secrecy import MASK, mask

_SHOWN_CHARS: Final = 80


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
