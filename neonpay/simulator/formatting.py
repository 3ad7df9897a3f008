"""Text of messages: its length, its entities, its commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.simulator.markup import parse_html, parse_markdown, parse_markdown_v2, utf16_length
from neonpay.simulator.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from neonpay.simulator.params import Params

_COMMAND: Final = re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")
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
    mode = params.text("parse_mode").lower()
    if mode and mode != "none":
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
    found = [entity for entity in kept if _whole(entity["length"]) > 0] + _commands(text)
    return FormattedText(text, sorted(found, key=lambda entity: (_whole(entity["offset"]), -_whole(entity["length"]))))


def typed_text(text: str) -> FormattedText:
    """What a person typed: commands in it become entities, as Telegram's clients and libraries rely on."""
    return FormattedText(text, _commands(text))


def _commands(text: str) -> list[dict[str, object]]:
    return [
        {"type": "bot_command", "offset": utf16_length(text[: match.start()]), "length": len(match.group())}
        for match in _COMMAND.finditer(text)
    ]


def _given_entities(params: Params, name: str) -> list[dict[str, object]]:
    given = params.json(name, "entities")
    if given is None:
        return []
    if not isinstance(given, list):
        raise bad_request("expected an Array of MessageEntity")
    return [_entity(item) for item in given]


def _entity(item: object) -> dict[str, object]:
    if not isinstance(item, dict) or item.get("type") not in _ENTITY_TYPES:
        raise bad_request("can't parse MessageEntity: type is not known")
    numbers = (item.get("offset"), item.get("length"))
    if not all(isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= 10**6 for number in numbers):
        raise bad_request("can't parse MessageEntity: offset and length must be of type Number")
    entity: dict[str, object] = {"type": item["type"], "offset": item["offset"], "length": item["length"]}
    for name in ("url", "language", "custom_emoji_id"):
        if isinstance(item.get(name), str):
            entity[name] = item[name]
    return entity


def _whole(number: object) -> int:
    assert isinstance(number, int)
    return number
