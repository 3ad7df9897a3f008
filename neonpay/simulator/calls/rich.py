"""Rich messages: blocks of text, given as blocks or as HTML (API, InputRichMessage, Bot API 10.3, read 2026-11-28).

Blocks are taken as they are, checked by their documented types; HTML is read by :mod:`neonpay.simulator.text.rich_html`.
Telegram reads rich messages on its servers and publishes its words for an empty one alone (TDL, RichMessage.cpp, commit
022d602), so what the documentation does not settle is refused with 501 and not guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiogram import types
from pydantic import ValidationError

from neonpay.simulator.text.rich_html import read_rich_html
from neonpay.simulator.wire.fields import Fields
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import bad_request, not_simulated

if TYPE_CHECKING:
    from neonpay.simulator.wire.params import Params

CHARS_MAX: Final = 32_768
BLOCKS_MAX: Final = 500
DEPTH_MAX: Final = 16
"""Bounds of a rich message (API, rich message limits)."""
_SIMULATED: Final = frozenset(
    {
        "paragraph", "heading", "pre", "footer", "divider", "mathematical_expression", "anchor", "blockquote",
        "expandable_blockquote", "pullquote", "table", "details",
    }
)  # fmt: skip
"""Kinds of blocks that come out as they went in. Lists get labels, media files and buttons presses: they are not simulated."""
_WORDS: Final = "Can't parse rich message"


def rich_content(params: Params) -> dict[str, object]:
    """The ``rich_message`` of a call as a field of ``Message``.

    Raises:
        Refusal: there is none, it is empty or too large, or it has something that is not simulated.
    """
    said = params.fields("rich_message", "rich message", "Object expected as rich message")
    if said is None:
        raise bad_request('parameter "rich_message" is required')  # UNVERIFIED words
    given = [name for name in ("html", "markdown", "blocks") if name in said]
    if len(given) != 1:
        raise bad_request("exactly one of html, markdown and blocks must be used")  # API has the rule. UNVERIFIED words
    if given == ["markdown"] or "media" in said:
        what = "media" if "media" in said else "Markdown (with HTML or blocks it is)"
        raise not_simulated(f"a rich message with {what}")
    blocks = read_rich_html(said.required_text("html")) if given == ["html"] else said.required_array("blocks")
    if not blocks:
        raise bad_request("rich message must be non-empty")  # TDL
    _Bounds().check(blocks)
    try:
        message = build(types.RichMessage, blocks=blocks, is_rtl=said.flag("is_rtl") or None)
    except (ValidationError, RecursionError) as error:
        raise bad_request(_WORDS) from error  # UNVERIFIED words
    if any(block.model_extra for block in message.blocks):
        raise bad_request(_WORDS)  # UNVERIFIED: that a field which is none is refused
    return {"rich_message": dump(message)}


class _Bounds:
    """How much a rich message holds."""

    def __init__(self) -> None:
        self._chars = 0
        self._blocks = 0

    def check(self, blocks: list[object]) -> None:
        """Refuse what is not simulated, and what is too much."""
        for block in blocks:
            self._block(block, 1)
        if self._chars > CHARS_MAX or self._blocks > BLOCKS_MAX:
            raise bad_request("MESSAGE_TOO_LONG")  # UNVERIFIED word

    def _block(self, value: object, depth: int) -> None:
        said = Fields(value, f"{_WORDS}: RichBlock must be an Object")
        kind = said.required_text("type")
        if kind not in _SIMULATED:
            raise not_simulated(f"a block of type {kind!r} in a rich message")
        self._blocks += 1
        for name, inner in said.as_json.items():
            if name == "blocks" and isinstance(inner, list):
                for block in inner:
                    self._block(block, _deeper(depth))
            else:
                self._text(inner, depth)

    def _text(self, value: object, depth: int) -> None:
        if isinstance(value, str):
            self._chars += len(value)
        elif isinstance(value, list):
            for item in value:
                self._text(item, _deeper(depth) if isinstance(item, list) else depth)
        elif isinstance(value, dict):
            for name, item in value.items():
                if name != "type":
                    self._text(item, _deeper(depth))


def _deeper(depth: int) -> int:
    if depth >= DEPTH_MAX:
        raise bad_request("MESSAGE_TOO_LONG")  # UNVERIFIED word
    return depth + 1
