"""What a message can hold beside files: text, places, contacts, dice. Read from a call, as fields of ``Message``."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from neonpay.core.limits import CAPTION_MAX_CHARS, MESSAGE_TEXT_MAX_CHARS
from neonpay.simulator.text.formatting import read_formatted
from neonpay.simulator.wire.params import Params
from neonpay.simulator.wire.refusal import Unreadable, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from neonpay.simulator.text.formatting import FormattedText

_LEADING_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})")
_LATITUDE_MAX: Final = 90.0
_LONGITUDE_MAX: Final = 180.0
DICE: Final = {"🎲": 6, "🎯": 6, "🎳": 6, "🏀": 5, "⚽": 5, "🎰": 64}
"""Highest value of each animated emoji (API, Dice)."""


def params_of(value: Mapping[str, object], files: Params | None = None) -> Params:
    """A JSON object inside a call, to be read as if it were a call: its texts as they are, everything else as JSON."""
    values = {
        name: item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
        for name, item in value.items()
        if item is not None
    }
    return Params(values, {} if files is None else files.files)


def text_content(params: Params, name: str = "text", entities: str = "entities") -> dict[str, object]:
    """A text.

    Raises:
        Refusal: there is none, or it cannot be parsed.
    """
    preview = _read_preview(params)
    if not params.values.get(name):
        raise Unreadable("Message text is empty")
    text = read_formatted(params, name, entities, max_chars=MESSAGE_TEXT_MAX_CHARS)
    if not text.text:
        raise bad_request("text must be non-empty")  # TDL
    return text.fields("text", "entities") | {"link_preview_options": _shown_preview(preview, text)}


def _read_preview(params: Params) -> dict[str, object]:
    said = params.fields("link_preview_options", "link preview options", "Object expected as link preview options")
    if said is None:
        return {"is_disabled": params.boolean("disable_web_page_preview")}
    return {
        "is_disabled": said.flag("is_disabled"),
        "url": said.text("url"),
        **{name: said.flag(name) for name in ("prefer_small_media", "prefer_large_media", "show_above_text")},
    }


def _shown_preview(preview: dict[str, object], text: FormattedText) -> dict[str, object] | None:
    """What Telegram keeps of it (TDL: process_input_message_text, get_message_content_object)."""
    if preview["is_disabled"] or not preview.get("url"):
        preview = {name: preview.get(name) for name in ("is_disabled", "show_above_text")}
    if not any(entity["type"] in {"url", "text_link"} for entity in text.entities):
        preview["is_disabled"] = False
    return {name: value for name, value in preview.items() if value} or None


def caption_content(params: Params) -> dict[str, object]:
    """A caption; None where there is none.

    Raises:
        Refusal: it cannot be parsed.
    """
    caption = read_formatted(params, "caption", "caption_entities", max_chars=CAPTION_MAX_CHARS)
    above = True if params.boolean("show_caption_above_media") and caption.text else None
    return caption.fields("caption", "caption_entities") | {"show_caption_above_media": above}


def location_content(params: Params) -> dict[str, object]:
    """A point on the map.

    Raises:
        Refusal: a coordinate is missing, or is not on this planet.
    """
    return {"location": _location(params)}


def venue_content(params: Params) -> dict[str, object]:
    """A place with a name.

    Raises:
        Refusal: coordinates, name or address are missing.
    """
    place: dict[str, object] = {"location": _location(params)}
    for name in ("title", "address"):
        place[name] = params.required(name)  # UNVERIFIED words: SRV hands an empty one on
    for name in ("foursquare_id", "foursquare_type", "google_place_id", "google_place_type"):
        if params.has(name):
            place[name] = params.text(name)
    return {"venue": place, "location": place["location"]}


def contact_content(params: Params) -> dict[str, object]:
    """Somebody's number.

    Raises:
        Refusal: it, or the name, is missing.
    """
    contact = {"phone_number": params.required("phone_number"), "first_name": params.required("first_name")}
    contact |= {name: params.text(name) for name in ("last_name", "vcard") if params.has(name)}
    return {"contact": contact}


def dice_content(params: Params, random: Random) -> dict[str, object]:
    """A thrown die, or one of its relatives.

    Raises:
        Refusal: the emoji is none of them.
    """
    emoji = params.text("emoji").rstrip("\ufe0f") or "🎲"
    if emoji not in DICE:
        raise bad_request("EMOTICON_INVALID")  # UNVERIFIED word
    return {"dice": {"emoji": emoji, "value": random.randint(1, DICE[emoji])}}


def _location(params: Params) -> dict[str, object]:
    place: dict[str, object] = {}
    for name, most in (("latitude", _LATITUDE_MAX), ("longitude", _LONGITUDE_MAX)):
        text = params.text(name).strip()
        if not text:
            raise bad_request(f"{name} is empty")  # SRV: get_location
        number = lenient_number(text)
        if abs(number) > most:
            raise bad_request("wrong location specified")  # UNVERIFIED words
        place[name] = number
    for name in ("live_period", "heading", "proximity_alert_radius"):
        if number_given := params.integer(name):
            place[name] = number_given
    return place


def lenient_number(text: str) -> float:
    """The number that a text begins with, else 0 (SRV: td::to_double)."""
    match = _LEADING_NUMBER.match(text)
    return float(match.group()) if match else 0.0
