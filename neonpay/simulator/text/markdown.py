"""MarkdownV2 and the old Markdown (https://core.telegram.org/bots/api#markdownv2-style, read 2026-11-20; TDL)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.simulator.text.marks import (
    byte_offset,
    emoji_or_time,
    in_order,
    link,
    unparsable,
    utf16_length,
)

if TYPE_CHECKING:
    from neonpay.simulator.text.marks import Entity

_RESERVED: Final = frozenset("_*[]()~`>#+-=|{}.!\n")
_MARKS: Final = {
    "__": "underline", "||": "spoiler", "```": "pre", "_": "italic", "*": "bold", "~": "strikethrough", "`": "code",
    "[": "text_link", "![": "custom_emoji",
}  # fmt: skip
"""What begins an entity; the longer ones come first where they begin alike."""
_ENDS: Final = {"text_link": "]", "custom_emoji": "]"} | {
    kind: mark for mark, kind in _MARKS.items() if kind not in {"text_link", "custom_emoji"}
}
_NAMES: Final = {
    "underline": "Underline", "spoiler": "Spoiler", "italic": "Italic", "bold": "Bold", "strikethrough": "Strikethrough",
    "code": "Code", "text_link": "TextUrl", "custom_emoji": "CustomEmoji", "blockquote": "BlockQuote",
}  # fmt: skip
_OLD_MARKS: Final = {"_": "italic", "*": "bold", "`": "code", "[": "text_link"}
_LANGUAGE: Final = re.compile(r"([^ \t\r\n\v\0`]+)(?=[ \t\r\n\v\0])")
_NEW_LINE: Final = re.compile(r"\n\r|\r\n|\n|\r")
_LAST_ESCAPED: Final = "\x7e"


@dataclass(slots=True)
class _Open:
    kind: str
    offset: int
    begin: int
    at: int
    language: str = ""

    @property
    def name(self) -> str:
        return ("PreCode" if self.language else "Pre") if self.kind == "pre" else _NAMES[self.kind]


def parse_markdown_v2(source: str) -> tuple[str, list[Entity]]:
    """Text and entities of MarkdownV2.

    Raises:
        Unreadable: a reserved character is not escaped, or a mark is not closed.
    """
    reader = _V2Reader(source)
    reader.read()
    return reader.text, in_order(reader.entities)


def parse_markdown(source: str) -> tuple[str, list[Entity]]:
    """Text and entities of the old Markdown.

    Raises:
        Unreadable: a mark is not closed.
    """
    reader = _OldReader(source)
    reader.read()
    return reader.text, in_order(reader.entities)


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.said: list[str] = []
        self.length = 0
        self.entities: list[Entity] = []

    @property
    def text(self) -> str:
        return "".join(self.said)

    def say(self, character: str) -> None:
        self.said.append(character)
        self.length += utf16_length(character)

    def fence(self) -> str:
        """Step over what stands behind an opening fence: a language, and one new line."""
        match = _LANGUAGE.match(self.source, self.at)
        language = "" if match is None else match.group(1)
        self.at += len(language)
        if (line := _NEW_LINE.match(self.source, self.at)) is not None:
            self.at = line.end()
        return language

    def enter(self, entity: Entity | None, offset: int) -> None:
        if entity is not None and self.length > offset:
            self.entities.append(entity | {"offset": offset, "length": self.length - offset})


class _OldReader(_Reader):
    def read(self) -> None:
        while self.at < len(self.source):
            character = self.source[self.at]
            escaped = self.source[self.at + 1 : self.at + 2]
            if character == "\\" and escaped and escaped in "_*`[":
                self.say(escaped)
                self.at += 2
            elif character in _OLD_MARKS:
                self._entity(character)
            else:
                self.say(character)
                self.at += 1

    def _entity(self, mark: str) -> None:
        begin, offset, said = self.at, self.length, len(self.said)
        is_pre = self.source.startswith("```", self.at)
        self.at += 3 if is_pre else 1
        language = self.fence() if is_pre else ""
        end = self.source.find("```" if is_pre else "]" if mark == "[" else mark, self.at)
        if end < 0:
            raise unparsable(f"Can't find end of the entity starting at byte offset {byte_offset(self.source, begin)}")
        for character in self.source[self.at : end]:
            self.say(character)
        self.at = end + (3 if is_pre else 1)
        entity: Entity | None = {"type": "pre" if is_pre else _OLD_MARKS[mark]}
        if mark == "[":
            url = "".join(self.said[said:])
            if self.source.startswith("(", self.at):
                url = self.source[self.at + 1 :].partition(")")[0]
                self.at += len(url) + 2
            entity = link(url)
        elif language:
            entity = {"type": "pre", "language": language}
        self.enter(entity, offset)


class _V2Reader(_Reader):
    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._open: list[_Open] = []
        self._in_quote = False
        self._may_quote = True

    def read(self) -> None:
        while self.at < len(self.source):
            self._step()
        if self._in_quote:
            self._end_last_quote()
        if self._open:
            raise self._endless()

    def _step(self) -> None:
        character, following = self.source[self.at], self.source[self.at + 1 : self.at + 2]
        if character == "\\" and "\0" < following <= _LAST_ESCAPED:
            self.say(following)
            self.at += 2
            if following != "\r":
                self._may_quote = following == "\n"
            return
        innermost = self._open[-1].kind if self._open else ""
        if character != "`" if innermost in {"code", "pre"} else character not in _RESERVED:
            self.say(character)
            self.at += 1
            if character != "\r":
                self._may_quote = False
        elif self._ends(innermost, character):
            self._end()
        else:
            self._begin(character)

    def _ends(self, innermost: str, character: str) -> bool:
        if not self._open:
            return False
        if self._in_quote and character == "\n" and self.source[self.at + 1 : self.at + 2] != ">":
            return True
        if innermost == "blockquote":
            return False
        if innermost == "italic" and self.source.startswith("__", self.at):
            return False
        return self.source.startswith(_ENDS[innermost], self.at)

    def _begin(self, character: str) -> None:
        if character == "\n":
            self.say("\n")
            self.at += 1
            self._may_quote = True
            return
        if character == ">" and self._may_quote:
            if not self._in_quote:
                self._in_quote = True
                self._open.append(_Open("blockquote", self.length, self.at, len(self.said)))
            self.at += 1
            return
        mark = next((mark for mark in _MARKS if self.source.startswith(mark, self.at)), None)
        if mark is None:
            raise unparsable(f"Character '{character}' is reserved and must be escaped with the preceding '\\'")
        opened = _Open(_MARKS[mark], self.length, self.at, len(self.said))
        self.at += len(mark)
        if opened.kind == "pre":
            opened.language = self.fence()
        self._open.append(opened)

    def _end(self) -> None:
        opened = self._open[-1]
        if self.source[self.at] == "\n":
            self._end_quote()
            return
        self.at += len(_ENDS[opened.kind])
        entity: Entity | None = {"type": opened.kind}
        if opened.kind == "text_link":
            url = self._address() if self.source.startswith("(", self.at) else "".join(self.said[opened.at :])
            entity = link(url)
        elif opened.kind == "custom_emoji":
            if not self.source.startswith("(", self.at):
                raise unparsable("The entity must contain a tg://emoji or tg://time URL")
            entity = emoji_or_time(self._address())
        elif opened.language:
            entity = {"type": "pre", "language": opened.language}
        self._open.pop()
        self.enter(entity, opened.offset)

    def _end_quote(self) -> None:
        """A line that is not quoted any more follows; an open spoiler of nothing at its end makes the quote expandable."""
        kind = "blockquote"
        if self._open[-1].kind != "blockquote":
            if not self._is_sign_of_expanding(self.source[self._open[-1].begin : self.at].rstrip("\r")):
                raise self._endless()
            self._open.pop()
            kind = "expandable_blockquote"
            if self._open[-1].kind != "blockquote":
                raise self._endless()
        self.say("\n")
        self.at += 1
        self._in_quote, self._may_quote = False, True
        self.enter({"type": kind}, self._open.pop().offset)

    def _end_last_quote(self) -> None:
        kind = "blockquote"
        if self._is_sign_of_expanding(self.source[self._open[-1].begin :]):
            self._open.pop()
            kind = "expandable_blockquote"
        if self._open[-1].kind == "blockquote":
            self.enter({"type": kind}, self._open.pop().offset)

    def _is_sign_of_expanding(self, rest: str) -> bool:
        return self._open[-1].kind == "spoiler" and rest == "||"

    def _address(self) -> str:
        self.at += 1
        begin, url = self.at, ""
        while self.source[self.at : self.at + 1] not in {")", ""}:
            if self.source[self.at] == "\\" and "\0" < self.source[self.at + 1 : self.at + 2] <= _LAST_ESCAPED:
                self.at += 1
            url += self.source[self.at]
            self.at += 1
        if self.at == len(self.source):
            raise unparsable(f"Can't find end of a URL at byte offset {byte_offset(self.source, begin)}")
        self.at += 1
        return url

    def _endless(self) -> Exception:
        opened = self._open[-1]
        return unparsable(
            f"Can't find end of {opened.name} entity at byte offset {byte_offset(self.source, opened.begin)}"
        )
