"""Results of inline queries: what a person sends by picking one (SRV: get_inline_query_result)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from neonpay.simulator.calls.keyboards import inline_keyboard
from neonpay.simulator.chats.invoices import read_draft
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
from neonpay.simulator.wire.refusal import Refusal, bad_request, not_simulated

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
    results = [read_result(request, item) for item in given]
    if len({result.id for result in results}) < len(results):
        raise bad_request("RESULT_ID_DUPLICATE")  # ERR
    return results


def read_result(request: Request, given: object) -> InlineResult:
    """One result.

    Raises:
        Refusal: it is none.
    """
    try:
        return _read(request, given)
    except Refusal as refusal:
        reason = refusal.description.removeprefix("Bad Request: ")
        if refusal.error_code != 400 or reason.isupper():  # noqa: PLR2004 - only what the server itself parses is wrapped
            raise
        raise bad_request(f"can't parse inline query result: {reason}") from refusal


def _read(request: Request, given: object) -> InlineResult:
    if not isinstance(given, dict):
        raise bad_request("Inline query result must be an object")
    kind, result_id = _string(given, "type").lower(), _string(given, "id")
    if not 1 <= len(result_id.encode()) <= RESULT_ID_MAX_BYTES:
        raise bad_request("RESULT_ID_INVALID")  # ERR
    if kind == "game":
        raise not_simulated("an inline result with a game")
    if kind != "article" and kind not in _FILES and kind not in _OTHERS:
        raise bad_request(f'type "{kind}" is unsupported for the inline query result')
    said = params_of(given, request.params)
    title = _title(given, kind)
    content, invoice = _content(request, given, kind, said)
    for_invoice = invoice is not None
    return InlineResult(
        result_id, kind, title, content | {"reply_markup": inline_keyboard(said, for_invoice=for_invoice)}, invoice
    )


def _content(
    request: Request, given: Mapping[str, object], kind: str, said: Params
) -> tuple[dict[str, object], Invoice | None]:
    own: dict[str, object] = {}
    if kind in _FILES:
        own = _file(request.world.files, given, kind, said)
    elif kind in _OTHERS:
        own = _OTHERS[kind](said)
    instead = given.get("input_message_content")
    if instead is None:
        if kind == "article":
            return text_content(said, "message_text"), None  # legacy, SRV
        return own, None
    if not isinstance(instead, dict):
        raise bad_request('field "input_message_content" must be of type Object')
    return _instead(request, instead)


def _instead(request: Request, given: Mapping[str, object]) -> tuple[dict[str, object], Invoice | None]:
    said = params_of(given, request.params)
    if said.has("message_text"):
        return text_content(said, "message_text"), None
    if "rich_message" in given:
        raise not_simulated("an inline result with a rich message")
    if {"latitude", "longitude"} <= given.keys():
        return (venue_content if {"title", "address"} <= given.keys() else location_content)(said), None
    if "phone_number" in given:
        return contact_content(said), None
    if "payload" in given:
        # API, InputInvoiceMessageContent: neither start_parameter nor subscription_period
        said.values.pop("start_parameter", None)
        said.values.pop("subscription_period", None)
        invoice = read_draft(said).submit(request.bot.id)
        return {"invoice": invoice.as_json}, invoice
    raise bad_request("Input message content is not specified")


def _file(files: Files, given: Mapping[str, object], kind: str, said: Params) -> dict[str, object]:
    name = _NAMES.get(kind, kind)
    reference = said.text(f"{name}_url") or _string(given, f"{name}_file_id")
    about = About(title=said.text("title") if kind == "audio" else "", performer=said.text("performer"))
    file = files.named(said, cast("FileKind", _FILES[kind]), reference, about)
    if file is None:
        raise bad_request("file is not specified")
    return file.as_fields | ({} if kind == "sticker" else caption_content(said))


def _title(given: Mapping[str, object], kind: str) -> str:
    if kind in _TITLED and not (kind == "audio" and not given.get("audio_url")):
        return _string(given, "title")
    title = given.get("title", "")
    return title if isinstance(title, str) else ""


def _string(given: Mapping[str, object], name: str) -> str:
    value = given.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        words = f'can\'t find field "{name}"' if value is None else f'field "{name}" must be of type String'
        raise bad_request(words)
    return value
