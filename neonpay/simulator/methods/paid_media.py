"""sendPaidMedia."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.core.limits import CAPTION_MAX_CHARS, PAID_MEDIA_PRICE_MAX_STARS, PAYLOAD_MAX_BYTES
from neonpay.simulator.calls.markups import read_markup
from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.calls.sending import post, read_destination
from neonpay.simulator.chats.groups import Seat
from neonpay.simulator.files.store import About
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.money.paid_media import PaidMedia
from neonpay.simulator.text.formatting import read_formatted
from neonpay.simulator.wire.fields import Fields
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import Unreadable, bad_request, inside, not_simulated

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
    markup = read_markup(params)
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
    content = caption.fields("caption", "caption_entities") | {"paid_media": media.as_json}
    if params.boolean("show_caption_above_media"):
        content["show_caption_above_media"] = True
    sent = post(request, destination, content, markup)
    world.paid_media.put(sent.message.message_id, media)
    return Done(dump(sent.message))


def _items(request: Request) -> list[dict[str, object]]:
    request.params.required("media")
    given = request.params.array("media", "paid media", "Expected an Array of InputPaidMedia") or []
    with inside("Can't parse InputPaidMedia"):
        return [_item(request, Fields(item)) for item in given]


def _item(request: Request, said: Fields) -> dict[str, object]:
    reference, about = said.text("media"), _about(said)
    kind = said.required_text("type")
    if kind == "live_photo":
        raise not_simulated("paid media of type live_photo")
    if kind not in {"photo", "video"}:
        raise Unreadable(f'type "{kind}" is unsupported')
    file = request.world.files.named(request.params, "video" if kind == "video" else "photo", reference, about)
    if file is None:
        raise Unreadable("media not found")
    if kind == "photo":
        return dump(build(types.PaidMediaPhoto, type="photo", photo=file.as_photo))
    said.flag("supports_streaming")
    return dump(build(types.PaidMediaVideo, type="video", video=file.as_object | _cover(request, said)))


def _cover(request: Request, said: Fields) -> dict[str, object]:
    reference, start = said.text("cover"), said.whole("start_timestamp")
    shown: dict[str, object] = {}
    if start > 0:
        shown["start_timestamp"] = min(start, _SECONDS_MAX)
    if reference:
        cover = request.world.files.named(request.params, "photo", reference)
        if cover is None:
            raise Unreadable("cover not found")  # UNVERIFIED words
        shown["cover"] = cover.as_photo
    return shown


def _about(said: Fields) -> About:
    def number(name: str, most: int) -> int:
        return min(max(said.whole(name), 0), most)

    return About(
        width=number("width", _PIXELS_MAX),
        height=number("height", _PIXELS_MAX),
        duration=number("duration", _SECONDS_MAX),
    )


METHODS: Final[Mapping[str, Method]] = MappingProxyType({"sendPaidMedia": send_paid_media})
