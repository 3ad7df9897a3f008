"""Text of messages: its length, its entities, its commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.simulator.text.markup import parse_html, parse_markdown, parse_markdown_v2, utf16_length
from neonpay.simulator.wire.params import is_utf8, strict_json
from neonpay.simulator.wire.refusal import bad_request

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
_ENTITY_TYPES: Final = frozenset(
    {
        "mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bold", "italic", "underline",
        "strikethrough", "spoiler", "blockquote", "expandable_blockquote", "code", "pre", "text_link", "text_mention",
        "custom_emoji",
    }
)  # fmt: skip
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
    """Read a text with its parse_mode or entities.

    Raises:
        Refusal: it cannot be parsed, or is too long; an empty text is not refused here.
    """
    text = params.text(text_name)
    if len(text.encode("utf-8")) > _TEXT_MAX_BYTES:
        raise bad_request("text is too long")
    mode = params.text("parse_mode").lower()
    if text and mode and mode != "none":
        if mode not in _PARSERS:
            raise bad_request("unsupported parse_mode")  # SRV
        text, entities = _PARSERS[mode](text)
    else:
        entities = _given_entities(params, entities_name)
    stripped = text.rstrip()
    lead = len(stripped) - len(stripped.lstrip())
    if lead:
        shift = utf16_length(stripped[:lead])
        entities = [entity | {"offset": max(0, _whole(entity["offset"]) - shift)} for entity in entities]
    text = stripped[lead:]
    if len(text) > max_chars:
        raise bad_request("message caption is too long" if text_name == "caption" else "message is too long")  # TDL
    length = utf16_length(text)
    kept = [
        entity | {"length": min(_whole(entity["length"]), length - _whole(entity["offset"]))} for entity in entities
    ]
    kept = [entity for entity in kept if _whole(entity["length"]) > 0]
    found = kept + [entity for entity in _found(text) if not any(_overlap(entity, one) for one in kept)]
    return FormattedText(text, sorted(found, key=lambda entity: (_whole(entity["offset"]), -_whole(entity["length"]))))


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


def _given_entities(params: Params, name: str) -> list[dict[str, object]]:
    # What is no array counts as none (SRV: get_input_entities).
    try:
        given = strict_json(params.values.get(name, ""))
    except ValueError:
        return []
    return [_entity(item) for item in given] if isinstance(given, list) else []


def _entity(item: object) -> dict[str, object]:
    kind = item.get("type") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(kind, str) or kind not in _ENTITY_TYPES:
        raise bad_request("can't parse MessageEntity: type is not known")
    numbers = (item.get("offset"), item.get("length"))
    if not all(isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= 10**6 for number in numbers):
        raise bad_request("can't parse MessageEntity: offset and length must be of type Number")
    entity: dict[str, object] = {"type": kind, "offset": item["offset"], "length": item["length"]}
    for name in ("url", "language", "custom_emoji_id"):
        value = item.get(name)
        if isinstance(value, str) and is_utf8(value):
            entity[name] = value
    return entity


def _whole(number: object) -> int:
    assert isinstance(number, int)
    return number
