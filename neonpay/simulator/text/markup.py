"""Telegram's three ways to write formatted text: HTML, MarkdownV2 and the old Markdown.

https://core.telegram.org/bots/api#formatting-options (read 2026-11-20). Offsets and lengths count UTF-16 units, as Telegram
counts them.
"""

from __future__ import annotations

import html
import re
from typing import Final

from neonpay.simulator.wire.refusal import Refusal, bad_request

Entity = dict[str, object]

_TAGS: Final = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler", "code": "code",
    "pre": "pre", "blockquote": "blockquote", "a": "text_link", "span": "spoiler", "tg-emoji": "custom_emoji",
}  # fmt: skip
_TAG: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)((?:\s[^<>]*)?)/?>")
_ATTRIBUTE: Final = re.compile(r"""([A-Za-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_CHARACTER_REFERENCE: Final = re.compile(r"&(?:#[0-9]+|#x[0-9A-Fa-f]+|lt|gt|amp|quot);")
_V2_MARKS: Final = {"*": "bold", "_": "italic", "__": "underline", "~": "strikethrough", "||": "spoiler"}
_V2_RESERVED: Final = frozenset("_*[]()~`>#+-=|{}.!")
_OLD_MARKS: Final = {"*": "bold", "_": "italic"}
_LINK: Final = re.compile(r"\]\(((?:\\.|[^)\\])*)\)")


def utf16_length(text: str) -> int:
    """Length as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Text and entities of HTML.

    Raises:
        Refusal: a tag is unknown, not closed, or closed out of turn.
    """
    text, at = "", 0
    entities: list[Entity] = []
    open_tags: list[tuple[str, int, Entity]] = []
    while at < len(source):
        if source[at] == "<":
            match = _TAG.match(source, at)
            if match is None:
                raise _unparsable(f'Unsupported start tag "" at byte offset {at}')
            closing, name, attributes = match.group(1), match.group(2).lower(), match.group(3)
            if not closing:
                open_tags.append((name, at, _opened(name, attributes, utf16_length(text), at)))
            elif not open_tags or open_tags[-1][0] != name:
                raise _unparsable(f"Unexpected end tag at byte offset {at}")
            else:
                _close(open_tags.pop()[2], text, entities)
            at = match.end()
        elif (match := _CHARACTER_REFERENCE.match(source, at)) is not None:
            text += html.unescape(match.group())
            at = match.end()
        else:
            text += source[at]
            at += 1
    if open_tags:
        raise _unparsable(f'Can\'t find end tag corresponding to start tag "{open_tags[-1][0]}"')
    return text, entities


def parse_markdown_v2(source: str) -> tuple[str, list[Entity]]:
    """Text and entities of MarkdownV2.

    Raises:
        Refusal: a reserved character is not escaped, or a mark is not closed.
    """
    return _MarkdownReader(source, _V2_MARKS, strict=True).read()


def parse_markdown(source: str) -> tuple[str, list[Entity]]:
    """Text and entities of the old Markdown.

    Raises:
        Refusal: a mark is not closed.
    """
    return _MarkdownReader(source, _OLD_MARKS, strict=False).read()


def _unparsable(reason: str) -> Refusal:
    return bad_request(f"can't parse entities: {reason}")  # TDL


def _opened(name: str, attributes: str, offset: int, at: int) -> Entity:
    kind = _TAGS.get(name)
    if kind is None:
        raise _unparsable(f'Unsupported start tag "{name}" at byte offset {at}')
    values = {
        key.lower(): html.unescape(double or single or bare)
        for key, double, single, bare in _ATTRIBUTE.findall(attributes)
    }
    if name == "span" and values.get("class") != "tg-spoiler":
        raise _unparsable(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
    entity: Entity = {"type": kind, "offset": offset}
    if name == "a":
        entity["url"] = values.get("href", "")
    elif name == "tg-emoji":
        entity["custom_emoji_id"] = values.get("emoji-id", "")
    elif name == "blockquote" and "expandable" in values:
        entity["type"] = "expandable_blockquote"
    elif name == "code" and values.get("class", "").startswith("language-"):
        entity["language"] = values["class"].removeprefix("language-")
    return entity


def _close(entity: Entity, text: str, entities: list[Entity]) -> None:
    language = entity.pop("language", None)
    length = utf16_length(text) - int(str(entity["offset"]))
    if length <= 0 or (entity["type"] == "text_link" and not entity["url"]):
        return
    same_place = next((one for one in entities if (one["offset"], one["length"]) == (entity["offset"], length)), None)
    if entity["type"] == "pre" and same_place is not None and same_place["type"] == "code":
        entities.remove(same_place)  # <pre><code class="language-x"> is one entity
        language = same_place.pop("language", None) or language
    entities.append(entity | {"length": length} | ({"language": language} if language else {}))


class _MarkdownReader:
    def __init__(self, source: str, marks: dict[str, str], *, strict: bool) -> None:
        self._source = source
        self._marks = marks
        self._strict = strict
        self._at = 0
        self._text = ""
        self._entities: list[Entity] = []
        self._open: list[tuple[str, Entity]] = []

    def read(self) -> tuple[str, list[Entity]]:
        while self._at < len(self._source):
            self._step()
        if self._open:
            raise _unparsable(f"Can't find end of the entity starting at byte offset {self._open[-1][1]['offset']}")
        return self._text, self._entities

    def _step(self) -> None:
        character = self._source[self._at]
        following = self._source[self._at + 1 : self._at + 2]
        if character == "\\" and following and (following.isascii() if self._strict else following in "_*`["):
            self._text += following
            self._at += 2
        elif character == "`":
            self._code()
        elif character == "[":
            self._begin("[", "text_link")
            self._at += 1
        elif character == "]" and self._open and self._open[-1][0] == "[":
            self._end_link()
        elif (mark := self._mark()) is not None:
            self._toggle(mark)
        elif self._strict and character in _V2_RESERVED and not self._starts_quote(character):
            reason = f"Character '{character}' is reserved and must be escaped with the preceding '\\'"
            raise _unparsable(reason)
        else:
            self._text += character
            self._at += 1

    def _mark(self) -> str | None:
        for width in (2, 1):
            piece = self._source[self._at : self._at + width]
            if len(piece) == width and piece in self._marks:
                return piece
        return None

    def _starts_quote(self, character: str) -> bool:
        return character == ">" and (self._at == 0 or self._source[self._at - 1] == "\n")

    def _toggle(self, mark: str) -> None:
        if self._open and self._open[-1][0] == mark:
            _close(self._open.pop()[1], self._text, self._entities)
        elif any(opened == mark for opened, _ in self._open):
            raise _unparsable(f"Can't find end of the entity starting at byte offset {self._open[-1][1]['offset']}")
        else:
            self._begin(mark, self._marks[mark])
        self._at += len(mark)

    def _begin(self, mark: str, kind: str) -> None:
        self._open.append((mark, {"type": kind, "offset": utf16_length(self._text)}))

    def _end_link(self) -> None:
        _, entity = self._open.pop()
        match = _LINK.match(self._source, self._at)
        if match is not None:
            entity["url"] = re.sub(r"\\(.)", r"\1", match.group(1))
            _close(entity, self._text, self._entities)
            self._at = match.end()
        else:
            self._at += 1

    def _code(self) -> None:
        fence = "```" if self._source.startswith("```", self._at) else "`"
        end = self._source.find(fence, self._at + len(fence))
        if end < 0:
            raise _unparsable(f"Can't find end of the entity starting at byte offset {self._at}")
        body = self._source[self._at + len(fence) : end]
        entity: Entity = {"type": "pre" if fence == "```" else "code", "offset": utf16_length(self._text)}
        if fence == "```" and (match := re.match(r"([A-Za-z0-9_+-]+)\n", body)) is not None:
            entity["language"] = match.group(1)
            body = body[match.end() :]
        self._text += re.sub(r"\\([`\\])", r"\1", body) if self._strict else body
        _close(entity, self._text, self._entities)
        self._at = end + len(fence)
