"""HTML of rich messages, as far as the documentation of each block and text names its tags (API 10.3, read 2026-11-28).

Whether words may stand outside of a block, how tags that are not closed are mended, and which spaces are kept is not published:
such HTML is refused with 501. Links, mentions and the like in the text are not found by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from neonpay.simulator.wire.refusal import not_simulated

_MARKS: Final = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline", "s": "strikethrough",
    "strike": "strikethrough", "del": "strikethrough", "code": "code", "tg-spoiler": "spoiler", "mark": "marked",
    "sub": "subscript", "sup": "superscript",
}  # fmt: skip
_TEXT_BLOCKS: Final = {"p": "paragraph", "footer": "footer", "pre": "pre"} | {
    f"h{size}": "heading" for size in range(1, 7)
}
_CONTAINERS: Final = {"blockquote": "blockquote", "details": "details"}
_LANGUAGE: Final = "language-"


def read_rich_html(source: str) -> list[object]:
    """The blocks of some HTML.

    Raises:
        Refusal: 501, for a tag that is not simulated, or one that does not stand where the documentation shows it.
    """
    reader = _Reader()
    reader.feed(source)
    reader.close()
    return reader.blocks()


@dataclass(slots=True)
class _Open:
    """An element whose end has not come.

    Attributes:
        made: the object that it becomes.
        inside: its texts, or its blocks.
        takes: which of the two it holds.
    """

    tag: str
    made: dict[str, object]
    takes: str
    inside: list[object] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._stack = [_Open("", {}, "blocks")]

    def blocks(self) -> list[object]:
        if len(self._stack) > 1:
            raise _not_shown(self._stack[-1].tag, "without an end")
        return self._stack[0].inside

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        top, given = self._stack[-1], {name: value or "" for name, value in attrs}
        if tag in _TEXT_BLOCKS or tag in _CONTAINERS or tag == "hr":
            if top.takes != "blocks":
                raise _not_shown(tag, f"in <{top.tag}>")
            self._start_block(tag, given)
        elif tag == "summary" and top.tag == "details" and not top.inside and "summary" not in top.made:
            self._stack.append(_Open(tag, top.made, "text"))
        elif top.takes != "text":
            raise _not_shown(tag, "outside of a block")
        elif tag == "br":
            top.inside.append("\n")
        elif (
            tag == "code"
            and top.tag == "pre"
            and not top.inside
            and given.get("class", _LANGUAGE).startswith(_LANGUAGE)
        ):
            if language := given.get("class", "").removeprefix(_LANGUAGE):
                top.made["language"] = language
            self._stack.append(_Open(tag, top.made, "text"))
        elif tag == "a" and given.get("href"):
            self._stack.append(_Open(tag, {"type": "url", "url": given["href"]}, "text"))
        elif tag in _MARKS:
            self._stack.append(_Open(tag, {"type": _MARKS[tag]}, "text"))
        else:
            raise _not_shown(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"hr", "br"}:
            raise _not_shown(tag, "that ends itself")
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        ended = self._stack[-1]
        if ended.tag != tag or len(self._stack) == 1:
            raise _not_shown(tag, "where another one is open")
        self._stack.pop()
        outer = self._stack[-1]
        content: object = ended.inside
        if ended.takes == "text":
            content = ended.inside[0] if len(ended.inside) == 1 else ended.inside or ""
        if tag == "summary":
            outer.made["summary"] = content
        elif ended.made is outer.made:  # the code of a pre
            outer.inside.append(content)
        else:
            ended.made[ended.takes] = content
            outer.inside.append(ended.made)

    def handle_data(self, data: str) -> None:
        top = self._stack[-1]
        if top.takes == "text":
            top.inside.append(data)
        elif data.strip():
            raise not_simulated("words outside of a block in a rich message (inside of <p> they are)")

    def _start_block(self, tag: str, given: dict[str, str]) -> None:
        if tag == "hr":
            self._stack[-1].inside.append({"type": "divider"})
            return
        made: dict[str, object] = {"type": _TEXT_BLOCKS.get(tag) or _CONTAINERS[tag]}
        if made["type"] == "heading":
            made["size"] = int(tag[1])
        if tag == "details" and "open" in given:
            made["is_open"] = True
        self._stack.append(_Open(tag, made, "text" if tag in _TEXT_BLOCKS else "blocks"))


def _not_shown(tag: str, where: str = "") -> Exception:
    return not_simulated(" ".join(filter(None, (f"a tag <{tag}>", where, "in a rich message"))))
