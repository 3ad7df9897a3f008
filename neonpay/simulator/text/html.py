"""HTML as Telegram reads it (https://core.telegram.org/bots/api#html-style, read 2026-11-20; TDL: parse_html)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.simulator.text.marks import (
    SPACES,
    byte_offset,
    custom_emoji,
    date_time,
    in_order,
    link,
    unparsable,
    utf16_length,
)
from neonpay.simulator.wire.params import lenient_integer

if TYPE_CHECKING:
    from neonpay.simulator.text.marks import Entity

_TAGS: Final = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler", "span": "spoiler",
}  # fmt: skip
_OTHER_TAGS: Final = frozenset({"a", "tg-emoji", "tg-time", "pre", "code", "blockquote"})
_REFERENCE: Final = re.compile(r"&(?:#x([0-9A-Fa-f]*)|#([0-9]*)|(lt|gt|amp|quot)(?![A-Za-z]));?")
_NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE_MAX_CHARS: Final = 9
_LAST_CHARACTER: Final = 0x10FFFF
_NAME_TOKEN: Final = re.compile(r"[A-Za-z0-9.-]*")
_CUSTOM_CLASS: Final = {"code": "language-", "span": "tg-"}


@dataclass(slots=True)
class _Tag:
    name: str
    offset: int
    at: int
    argument: str = ""
    unix_time: int = 0


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Text and entities of HTML.

    Raises:
        Unreadable: a tag is unknown, not closed, or closed out of turn.
    """
    return _HtmlReader(source).read()


class _HtmlReader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._text: list[str] = []
        self._length = 0
        self._entities: list[Entity] = []
        self._open: list[_Tag] = []

    def read(self) -> tuple[str, list[Entity]]:
        while self._at < len(self._source):
            if self._source[self._at] == "<":
                self._tag()
            elif (character := self._reference()) is not None:
                self._say(character)
            else:
                self._say(self._source[self._at])
                self._at += 1
        if self._open:
            raise unparsable(f'Can\'t find end tag corresponding to start tag "{self._open[-1].name}"')
        text = "".join(self._text)
        try:
            text = text.encode("utf-16-le", "surrogatepass").decode(
                "utf-16-le"
            )  # two references may make one character
        except UnicodeDecodeError as error:
            raise unparsable(
                "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code "
                "units"
            ) from error
        for entity in self._entities:
            if entity["type"] == "code":
                entity.pop("language", None)
        return text, in_order(self._entities)

    def _say(self, character: str) -> None:
        self._text.append(character)
        self._length += utf16_length(character)

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _skip(self, stops: str) -> str:
        begin = self._at
        while self._peek() and self._peek() not in SPACES + stops:
            self._at += 1
        return self._source[begin : self._at]

    def _skip_spaces(self) -> None:
        while self._peek() and self._peek() in SPACES:
            self._at += 1

    def _reference(self) -> str | None:
        match = _REFERENCE.match(self._source, self._at)
        if match is None:
            return None
        hexadecimal, decimal, name = match.groups()
        character = _NAMED.get(name or "")
        if character is None:
            code = int(hexadecimal or "0", 16) if hexadecimal is not None else int(decimal or "0")
            if not 0 < code < _LAST_CHARACTER or len(match.group().rstrip(";")) > _REFERENCE_MAX_CHARS:
                return None
            character = chr(code)
        self._at = match.end()
        return character

    def _tag(self) -> None:
        begin = self._at
        self._at += 1
        if self._peek() == "/":
            self._end(begin)
        else:
            self._begin(begin)
        self._at += 1

    def _begin(self, begin: int) -> None:
        where = f"at byte offset {byte_offset(self._source, begin)}"
        name = self._skip(">").lower()
        if not self._peek():
            raise unparsable(f"Unclosed start tag {where}")
        if name not in _TAGS and name not in _OTHER_TAGS:
            raise unparsable(f'Unsupported start tag "{name}" {where}')
        tag = _Tag(name, self._length, len(self._text))
        while self._peek() != ">":
            self._skip_spaces()
            if self._peek() == ">":
                break
            self._attribute(tag, where)
        if name == "span" and tag.argument != "spoiler":
            raise unparsable(f'Tag "span" must have class "tg-spoiler" {where}')
        self._open.append(tag)

    def _attribute(self, tag: _Tag, where: str) -> None:
        name = self._skip("=>/\"'")
        if not name:
            raise unparsable(f'Empty attribute name in the tag "{tag.name}" {where}')
        self._skip_spaces()
        if self._peek() != "=":
            if not self._peek():
                raise unparsable(f'Unclosed start tag "{tag.name}" {where}')
            value = "1"
            if (tag.name, name) != ("blockquote", "expandable"):
                return
        else:
            self._at += 1
            self._skip_spaces()
            if not self._peek():
                raise unparsable(f'Unclosed start tag "{tag.name}" {where}')
            value = self._quoted() if self._peek() in "'\"" else self._token()
            if not self._peek():
                raise unparsable(f"Unclosed start tag {where}")
        _keep(tag, name, value)

    def _token(self) -> str:
        match = _NAME_TOKEN.match(self._source, self._at)
        assert match is not None, "it matches the empty text at least"
        begin, self._at = self._at, match.end()
        if self._peek() and self._peek() not in SPACES + ">":
            raise unparsable(f"Unexpected end of name token at byte offset {byte_offset(self._source, begin)}")
        return match.group().lower()

    def _quoted(self) -> str:
        quote, value = self._peek(), ""
        self._at += 1
        while self._peek() and self._peek() != quote:
            character = self._reference()
            if character is None:
                character = self._peek()
                self._at += 1
            value += character
        self._at += 1 if self._peek() else 0
        return value

    def _end(self, begin: int) -> None:
        where = f"at byte offset {byte_offset(self._source, begin)}"
        if not self._open:
            raise unparsable(f"Unexpected end tag {where}")
        self._at += 1
        name = self._skip(">").lower()
        self._skip_spaces()
        if self._peek() != ">":
            raise unparsable(f"Unclosed end tag {where}")
        tag = self._open.pop()
        if name and name != tag.name:
            raise unparsable(f'Unmatched end tag {where}, expected "</{tag.name}>", found "</{name}>"')
        length = self._length - tag.offset
        if length > 0 and (entity := self._entity(tag, length)) is not None:
            self._entities.append(entity | {"offset": tag.offset, "length": length})

    def _entity(self, tag: _Tag, length: int) -> Entity | None:
        if tag.name in _TAGS:
            return {"type": _TAGS[tag.name]}
        if tag.name == "tg-emoji":
            return custom_emoji(tag.argument)
        if tag.name == "tg-time":
            return date_time(tag.unix_time, tag.argument)
        if tag.name == "a":
            return link(tag.argument or "".join(self._text[tag.at :]))
        if tag.name == "blockquote":
            return {"type": "expandable_blockquote" if tag.argument else "blockquote"}
        return self._code(tag, length)

    def _code(self, tag: _Tag, length: int) -> Entity | None:
        """``pre`` and ``code``; of the two around the same words one is left, with the language."""
        inner = self._entities[-1] if self._entities else {}
        is_around = (inner.get("offset"), inner.get("length")) == (tag.offset, length)
        if tag.name == "pre":
            if is_around and inner["type"] == "code" and "language" in inner:
                inner["type"] = "pre"
                return None
            return {"type": "pre"}
        if is_around and inner["type"] == "pre" and "language" not in inner and tag.argument:
            inner["language"] = tag.argument
            return None
        return {"type": "code", "language": tag.argument} if tag.argument else {"type": "code"}


def _keep(tag: _Tag, name: str, value: str) -> None:
    if (tag.name, name) in {("a", "href"), ("tg-emoji", "emoji-id"), ("tg-time", "format")}:
        tag.argument = value
    elif (tag.name, name) == ("blockquote", "expandable"):
        tag.argument = "1"
    elif (tag.name, name) == ("tg-time", "unix"):
        tag.unix_time = lenient_integer(value)
    elif name == "class" and tag.name in _CUSTOM_CLASS and value.startswith(_CUSTOM_CLASS[tag.name]):
        tag.argument = value.removeprefix(_CUSTOM_CLASS[tag.name])
