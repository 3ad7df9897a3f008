"""Text of messages: its length, its entities, its commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.simulator.text.entities import given_entities, mended
from neonpay.simulator.text.html import parse_html
from neonpay.simulator.text.markdown import parse_markdown, parse_markdown_v2
from neonpay.simulator.text.marks import in_order, utf16_length
from neonpay.simulator.wire.refusal import Unreadable, bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from neonpay.simulator.wire.params import Params

_FOUND: Final = {
    "bot_command": re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])"),
    "url": re.compile(r"(?<![\w@.])(?:https?://|t\.me/|www\.)[^\s<>\"]{1,2000}(?<![.,;:!?)'])", re.IGNORECASE),
    "email": re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{2,63})+"),
    "mention": re.compile(r"(?<![\w/@.])@[A-Za-z][A-Za-z0-9_]{2,31}(?!\w)"),
    "hashtag": re.compile(r"(?<![\w#&/])#(?=\w*[^\W\d_])\w{1,256}"),
    "cashtag": re.compile(r"(?<![\w$])\$[A-Z]{3,8}(?!\w)"),
}
"""What Telegram finds in a text by itself (TDL, find_entities, of which this is the plain part)."""
_TEXT_MAX_BYTES: Final = 2**15
"""Longest text that is read at all (SRV: get_formatted_text)."""
_PARSERS: Final[Mapping[str, Callable[[str], tuple[str, list[dict[str, object]]]]]] = {
    "html": parse_html,
    "markdown": parse_markdown,
    "markdownv2": parse_markdown_v2,
}


@dataclass(frozen=True, slots=True)
class FormattedText:
    """A text as people see it, with its entities as JSON."""

    text: str
    entities: list[dict[str, object]]

    def fields(self, text_name: str, entities_name: str) -> dict[str, object]:
        """As fields of ``Message``; an absent text is None."""
        return {text_name: self.text or None, entities_name: self.entities or None}


def read_formatted(params: Params, text_name: str, entities_name: str, *, max_chars: int) -> FormattedText:
    """Read a text with its parse_mode or entities, and mend it as Telegram does (SRV: get_formatted_text).

    Raises:
        Refusal: it cannot be parsed, or is too long; an empty text is not refused here.
    """
    text = params.text(text_name)
    if len(text.encode("utf-8")) > _TEXT_MAX_BYTES:
        raise Unreadable("Text is too long")
    mode = params.text("parse_mode").lower()
    if text and mode and mode != "none":
        if mode not in _PARSERS:
            raise Unreadable("Unsupported parse_mode")
        text, entities = _PARSERS[mode](text)
    else:
        entities = given_entities(params, entities_name)
    text, entities = mended(text, entities)
    if len(text) > max_chars:
        raise bad_request("message caption is too long" if text_name == "caption" else "message is too long")  # TDL
    found = entities + [entity for entity in _found(text) if not any(_overlap(entity, one) for one in entities)]
    return FormattedText(text, in_order(found))


def typed_text(text: str) -> FormattedText:
    """What a person typed: commands, links and the like in it become entities, as Telegram's clients and libraries rely on."""
    return FormattedText(text, _found(text))


def _found(text: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for kind, pattern in _FOUND.items():
        for match in pattern.finditer(text):
            entity: dict[str, object] = {"type": kind, "offset": utf16_length(text[: match.start()])}
            entity["length"] = utf16_length(match.group())
            if not any(_overlap(entity, one) for one in found):
                found.append(entity)
    return sorted(found, key=lambda entity: _whole(entity["offset"]))


def _overlap(one: dict[str, object], other: dict[str, object]) -> bool:
    start, end = _whole(one["offset"]), _whole(one["offset"]) + _whole(one["length"])
    return start < _whole(other["offset"]) + _whole(other["length"]) and _whole(other["offset"]) < end


def _whole(number: object) -> int:
    assert isinstance(number, int)
    return number
