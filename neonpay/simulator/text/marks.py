"""What Telegram's three ways to write formatted text have in common: entities, links, the words of their errors (TDL)."""

from __future__ import annotations

import re
from typing import Final

from neonpay.simulator.wire.fields import whole_number
from neonpay.simulator.wire.refusal import Unreadable
from neonpay.simulator.wire.urls import checked_link

Entity = dict[str, object]

SPACES: Final = " \t\r\n\v\0"
"""What counts as space (TDL: is_space)."""
_PRIORITIES: Final = {
    "blockquote": 0, "expandable_blockquote": 0, "pre": 10, "code": 20, "text_link": 49, "text_mention": 49, "bold": 90,
    "italic": 91, "underline": 92, "strikethrough": 93, "spoiler": 94, "custom_emoji": 99,
}  # fmt: skip
_USER_LINK: Final = re.compile(r"tg:(?://)?user/?\?(?:[^#]*&)?id=([0-9]+)(?:[&#].*)?", re.IGNORECASE | re.DOTALL)
_EMOJI_LINK: Final = re.compile(r"tg:(?://)?emoji/?\?(?:[^#]*&)?id=(-?[0-9]+)(?:[&#].*)?", re.IGNORECASE | re.DOTALL)
_TIME_LINK: Final = re.compile(r"tg:(?://)?time/?\?([^#]*)(?:#.*)?", re.IGNORECASE | re.DOTALL)
_TIME_FORMAT: Final = re.compile(r"[rR]|[tTdDwW]*")


def utf16_length(text: str) -> int:
    """Length as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def byte_offset(source: str, at: int) -> int:
    """Where a place is, counted in bytes, as errors name it."""
    return len(source[:at].encode("utf-8", "surrogatepass"))


def unparsable(reason: str) -> Unreadable:
    """A text that cannot be parsed."""
    return Unreadable(f"Can't parse entities: {reason}")


def in_order(entities: list[Entity]) -> list[Entity]:
    """Entities as Telegram sorts them: by where they begin, the longer ones first."""
    return sorted(
        entities,
        key=lambda one: (
            int(str(one["offset"])),
            -int(str(one["length"])),
            _PRIORITIES.get(str(one["type"]), 50),
        ),
    )


def link(url: str) -> Entity | None:
    """The entity of a link, without its place; None when it leads nowhere, which makes it plain text."""
    if _USER_LINK.fullmatch(url) is not None:
        return {"type": "text_mention"}
    try:
        return {"type": "text_link", "url": checked_link(url)}
    except Unreadable:
        return None


def custom_emoji(number: str) -> Entity:
    """The entity of an emoji of somebody's own.

    Raises:
        Unreadable: the number is none.
    """
    if not whole_number(number):
        raise unparsable("Invalid custom emoji identifier specified")
    return {"type": "custom_emoji", "custom_emoji_id": number}


def date_time(unix_time: int, form: str) -> Entity | None:
    """The entity of a moment; None when it has none.

    Raises:
        Unreadable: there is no such form.
    """
    if _TIME_FORMAT.fullmatch(form) is None:
        raise unparsable("Invalid date format used")
    if unix_time <= 0:
        return None
    return {"type": "date_time", "unix_time": unix_time} | ({"date_time_format": form} if form else {})


def emoji_or_time(url: str) -> Entity:
    """What the address behind ``![…]`` stands for.

    Raises:
        Unreadable: nothing.
    """
    if (match := _EMOJI_LINK.fullmatch(url)) is not None and whole_number(match.group(1)):
        return custom_emoji(match.group(1))
    if (match := _TIME_LINK.fullmatch(url)) is not None:
        said = dict(pair.partition("=")[::2] for pair in match.group(1).split("&"))
        unix_time = whole_number(said.get("unix", ""), bits=32)
        if unix_time is not None and unix_time > 0 and _TIME_FORMAT.fullmatch(said.get("format", "")) is not None:
            entity = date_time(unix_time, said.get("format", ""))
            assert entity is not None, "it has a moment"
            return entity
    raise unparsable("Invalid tg://emoji or tg://time URL specified")
