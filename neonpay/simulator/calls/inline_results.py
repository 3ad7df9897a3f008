"""Results of inline queries: what a person sends by picking one (SRV: get_inline_query_result)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from neonpay.simulator.calls.drafts import read_content
from neonpay.simulator.calls.keyboards import inline_keyboard
from neonpay.simulator.calls.markups import read_markup
from neonpay.simulator.files.contents import (
    caption_content,
    contact_content,
    location_content,
    params_of,
    text_content,
    venue_content,
)
from neonpay.simulator.files.store import About
from neonpay.simulator.inline import InlineResult
from neonpay.simulator.wire.fields import Fields
from neonpay.simulator.wire.refusal import Unreadable, bad_request, inside, not_simulated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.calls.requests import Request
    from neonpay.simulator.chats.invoices import Invoice
    from neonpay.simulator.files.store import FileKind, Files
    from neonpay.simulator.wire.params import Params

RESULTS_MAX: Final = 50
"""Most results of one answer (SRV)."""
RESULT_ID_MAX_BYTES: Final = 64
"""Longest id of a result (API, InlineQueryResultArticle)."""
_FILES: Final = {
    "audio": "audio", "document": "document", "gif": "animation", "mpeg4_gif": "animation", "photo": "photo",
    "sticker": "sticker", "video": "video", "voice": "voice",
}  # fmt: skip
_NAMES: Final = {"gif": "gif", "mpeg4_gif": "mpeg4"}
_TITLED: Final = frozenset({"article", "audio", "document", "location", "venue", "video", "voice"})
_REQUIRED: Final = {
    "contact": ("phone_number", "first_name"), "location": ("title",), "venue": ("title", "address"),
}  # fmt: skip
_OTHERS: Final = {"contact": contact_content, "location": location_content, "venue": venue_content}


def read_results(request: Request) -> list[InlineResult]:
    """The results of answerInlineQuery.

    Raises:
        Refusal: one of them is none.
    """
    if not request.params.has("results"):
        return []  # SRV
    given = request.params.json("results", "JSON encoded inline query results")
    if given is None:
        return []
    if not isinstance(given, list):
        raise bad_request("expected an Array of inline query results")
    if len(given) > RESULTS_MAX:
        raise bad_request("too many inline query results specified")
    with inside("Can't parse inline query result"):
        results = [read_result(request, item) for item in given]
    if len({result.id for result in results}) < len(results):
        raise bad_request("RESULT_ID_DUPLICATE")  # ERR
    return results


def read_result(request: Request, given: object) -> InlineResult:
    """One result.

    Raises:
        Refusal: it is none; an ``Unreadable`` when it is the server that cannot read it.
    """
    fields = Fields(given, "Inline query result must be an object")
    assert isinstance(given, dict), "it has fields"
    kind, result_id = fields.required_text("type").lower(), fields.required_text("id")
    if kind == "game":
        raise not_simulated("an inline result with a game")
    said = params_of(given, request.params)
    content, invoice = _content(request, given, kind, said)
    if fields.inner("reply_markup") is None:
        said.values.pop("reply_markup", None)
    markup = read_markup(said)
    if not 1 <= len(result_id.encode()) <= RESULT_ID_MAX_BYTES:
        raise bad_request("RESULT_ID_INVALID")  # ERR
    keyboard = inline_keyboard(markup, for_invoice=invoice is not None)
    return InlineResult(result_id, kind, _title(fields, kind), content | {"reply_markup": keyboard}, invoice)


def _content(
    request: Request, given: Mapping[str, object], kind: str, said: Params
) -> tuple[dict[str, object], Invoice | None]:
    fields = Fields(given)
    if "input_message_content" in fields:
        content = fields.required_inner("input_message_content")
        instead = _instead(request, content, required=kind == "article")
        if instead is not None:
            return instead
    elif kind == "article" or fields.text("message_text"):
        fields.required_text("message_text")
        return text_content(said, "message_text"), None  # legacy, SRV
    if kind in _FILES:
        return _file(request.world.files, fields, kind, said), None
    if kind in _OTHERS:
        for name in _REQUIRED[kind]:
            fields.required_text(name)
        return _OTHERS[kind](said), None
    raise Unreadable(f'type "{kind}" is unsupported for the inline query result')


def _instead(request: Request, fields: Fields, *, required: bool) -> tuple[dict[str, object], Invoice | None] | None:
    given = fields.as_json
    said = params_of(given, request.params)
    if fields.text("message_text"):
        return text_content(said, "message_text"), None
    if "rich_message" in given:
        raise not_simulated("an inline result with a rich message")
    if {"latitude", "longitude"} <= given.keys():
        is_venue = {"title", "address"} <= given.keys()
        return (venue_content if is_venue else location_content)(said), None
    if "phone_number" in given:
        fields.required_text("first_name")
        return contact_content(said), None
    if "payload" in given:
        invoice = read_content(fields).submit(request.bot.id)
        return {"invoice": invoice.as_json}, invoice
    if required:
        raise Unreadable("Input message content is not specified")
    return None


def _file(files: Files, fields: Fields, kind: str, said: Params) -> dict[str, object]:
    name = _NAMES.get(kind, kind)
    reference = fields.text(f"{name}_url") or fields.required_text(f"{name}_file_id")
    about = About(title=said.text("title") if kind == "audio" else "", performer=said.text("performer"))
    file = files.named(said, cast("FileKind", _FILES[kind]), reference, about)
    if file is None:
        raise bad_request("file is not specified")
    return file.as_fields | ({} if kind == "sticker" else caption_content(said))


def _title(fields: Fields, kind: str) -> str:
    is_titled = kind in _TITLED and not (kind == "audio" and not fields.text("audio_url"))
    return fields.required_text("title") if is_titled else fields.text("title")
