"""sendPaidMedia."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.core.limits import CAPTION_MAX_CHARS, PAID_MEDIA_PRICE_MAX_STARS, PAYLOAD_MAX_BYTES
from neonpay.simulator.calls.keyboards import any_markup
from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.calls.sending import post, read_destination
from neonpay.simulator.chats.groups import Seat
from neonpay.simulator.files.store import About
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.money.paid_media import PaidMedia
from neonpay.simulator.text.formatting import read_formatted
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import bad_request, not_simulated

if TYPE_CHECKING:
    from collections.abc import Mapping

ITEMS_MAX: Final = 10
"""Most photos and videos in one message (API, sendPaidMedia)."""
_PRICE_CLAMP: Final = 1_000_000
_PIXELS_MAX: Final = 10_000
_SECONDS_MAX: Final = 24 * 3600


@simulated(
    "Photos and videos by upload, id and address, 1 to 10 of them for 1 to 25000 Stars; people see previews until "
    "`Buyer.buys`. In a channel the Stars are the channel's; elsewhere the bot gets them, a row in its list of transactions, "
    "and `purchased_paid_media` if there is a payload.",
    refuses="Live photos.",
)
def send_paid_media(request: Request) -> Done:
    """Put photos and videos into a chat that are seen once they are paid for; the bot that sends them sees them."""
    world, params = request.world, request.params
    price_stars = params.integer("star_count", minimum=0, maximum=_PRICE_CLAMP)
    items = _items(request)
    caption = read_formatted(params, "caption", "caption_entities", max_chars=CAPTION_MAX_CHARS)
    payload = params.text("payload")
    keyboard, own_keyboard = any_markup(params)
    destination = read_destination(request, permission="can_send_photos")  # UNVERIFIED: which one of them it needs
    if not 1 <= price_stars <= PAID_MEDIA_PRICE_MAX_STARS:
        raise bad_request("invalid media price specified")  # TDL
    if not 1 <= len(items) <= ITEMS_MAX:
        raise bad_request("invalid number of paid media specified")  # TDL
    if len(payload.encode()) > PAYLOAD_MAX_BYTES:
        raise bad_request("INVOICE_PAYLOAD_INVALID")  # API has the bound. UNVERIFIED word
    chat = destination.chat
    channel = chat.group if isinstance(chat, Seat) and chat.group.kind == "channel" else None
    media = PaidMedia(request.bot, price_stars, payload, items, channel)
    content = caption.fields("caption", "caption_entities") | {"paid_media": media.as_json, "reply_markup": keyboard}
    if params.boolean("show_caption_above_media"):
        content["show_caption_above_media"] = True
    sent = post(request, destination, content, own_keyboard=own_keyboard)
    world.paid_media.put(sent.message.message_id, media)
    return Done(dump(sent.message))


def _items(request: Request) -> list[dict[str, object]]:
    given = request.params.json("media", "media")
    if not isinstance(given, list):
        raise bad_request("expected an Array of InputPaidMedia")  # UNVERIFIED: SRV has it so for InputMedia
    return [_item(request, item) for item in given]


def _item(request: Request, item: object) -> dict[str, object]:
    # UNVERIFIED: SRV has these words for InputMedia.
    if not isinstance(item, dict):
        raise bad_request("can't parse InputPaidMedia: expected an Object")
    kind, reference = item.get("type"), item.get("media")
    if not isinstance(kind, str):
        raise bad_request('can\'t parse InputPaidMedia: field "type" must be of type String')
    if kind == "live_photo":
        raise not_simulated("paid media of type live_photo")
    if kind not in {"photo", "video"}:
        raise bad_request("can't parse InputPaidMedia: invalid InputPaidMedia type specified")
    if not isinstance(reference, str) or not reference:
        raise bad_request("can't parse InputPaidMedia: media not found")
    if kind == "photo":
        photo = request.world.files.named(request.params, "photo", reference)
        if photo is None:
            raise bad_request("can't parse InputPaidMedia: media not found")
        return dump(build(types.PaidMediaPhoto, type="photo", photo=photo.as_photo))
    video = request.world.files.named(request.params, "video", reference, _about(item))
    if video is None:
        raise bad_request("can't parse InputPaidMedia: media not found")
    shown = video.as_object | _cover(request, item)
    return dump(build(types.PaidMediaVideo, type="video", video=shown))


def _cover(request: Request, item: Mapping[str, object]) -> dict[str, object]:
    start, reference = item.get("start_timestamp"), item.get("cover")
    shown: dict[str, object] = {}
    if isinstance(start, int) and not isinstance(start, bool) and start > 0:
        shown["start_timestamp"] = min(start, _SECONDS_MAX)
    if isinstance(reference, str) and reference:
        cover = request.world.files.named(request.params, "photo", reference)
        if cover is None:
            raise bad_request("can't parse InputPaidMedia: cover not found")  # UNVERIFIED word
        shown["cover"] = cover.as_photo
    return shown


def _about(item: Mapping[str, object]) -> About:
    def number(name: str, most: int) -> int:
        value = item.get(name)
        return min(max(value, 0), most) if isinstance(value, int) and not isinstance(value, bool) else 0

    return About(
        width=number("width", _PIXELS_MAX),
        height=number("height", _PIXELS_MAX),
        duration=number("duration", _SECONDS_MAX),
    )


METHODS: Final[Mapping[str, Method]] = MappingProxyType({"sendPaidMedia": send_paid_media})
