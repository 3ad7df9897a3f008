"""Texts made fit for channels that count differently."""

from __future__ import annotations

import re
from typing import Final

_MORE: Final = "…"
NAMED_CHARS: Final = 20
"""So much of a charge id names it in a command; the whole one is longer than a line of a telephone."""
_WORD_JOINER: Final = "\u2060"
_TURNS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Characters that change the direction in which a text is read (Unicode, annex 9)."""

_MENTIONS: Final = re.compile(r"(?<!\w)@")
"""How a mention begins; the @ of an address of mail stands behind a letter (tdlib/td, MessageEntity.cpp, read 2026-11-30)."""


def utf16_units(text: str) -> int:
    """How long Telegram finds a text."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fit_utf16(text: str, most: int) -> str:
    """The text, or as much of it as fits, with "…" for the rest; no character is cut in two, and none is half of one."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    if utf16_units(text) <= most:
        return text
    kept = text.encode("utf-16-le")[: 2 * (most - len(_MORE))].decode("utf-16-le", "ignore")
    return kept.rstrip() + _MORE


def fit_chars(text: str, most: int) -> str:
    """The text, or as many characters of it as fit, with "…" for the rest."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= most else text[: most - len(_MORE)].rstrip() + _MORE


def straight(text: str) -> str:
    """What somebody else has said, as it may stand among other words: it does not turn the line around."""
    return _TURNS.sub("", text)


def tamed(text: str) -> str:
    """The same as it may stand in a chat of Telegram, where it mentions nobody either."""
    return _MENTIONS.sub(f"@{_WORD_JOINER}", straight(text))


def one_line(text: str, most: int) -> str:
    """The text on one line, as headers and subjects need it: nothing in it can begin another header."""
    return fit_chars(" ".join("".join(sign if sign.isprintable() else " " for sign in text).split()), most)
