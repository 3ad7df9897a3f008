"""Messages of text, places, contacts and dice."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.calls.rich import rich_content
from neonpay.simulator.calls.sending import send
from neonpay.simulator.files.contents import (
    contact_content,
    dice_content,
    location_content,
    text_content,
    venue_content,
)
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.objects import dump
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

CHAT_ACTIONS: Final = frozenset(
    {
        "cancel", "typing", "record_video", "upload_video", "record_audio", "record_voice", "upload_audio", "upload_voice",
        "upload_photo", "upload_document", "choose_sticker", "pick_up_location", "find_location", "record_video_note",
        "upload_video_note",
    }
)  # fmt: skip
"""What a bot can seem to be doing (SRV: get_chat_action)."""


@simulated(
    "Every chat, parse mode, entity, keyboard and reply. `allow_paid_broadcast` is charged from the thirty-first message of a "
    "second on; `suggested_post_parameters` in a channel's direct messages; topics of forums by `message_thread_id`.",
    refuses="Topics of private chats, ephemeral messages, replies to other chats, messages on behalf of business accounts.",
)
def send_message(request: Request) -> Done:
    """Write a text into a chat."""
    return Done(dump(send(request, text_content(request.params)).message))


@simulated(
    "As `sendMessage`. Blocks that are text, in `blocks` or as HTML with the documented tags, within the documented bounds.",
    refuses="Markdown, media, lists, buttons, maps, and HTML of which the documentation does not say how it is read.",
)
def send_rich_message(request: Request) -> Done:
    """Write a text of blocks into a chat."""
    return Done(dump(send(request, rich_content(request.params)).message))


@simulated("As `sendMessage`; a live location does not move.")
def send_location(request: Request) -> Done:
    """Show a point on the map."""
    return Done(dump(send(request, location_content(request.params)).message))


@simulated("As `sendMessage`.")
def send_venue(request: Request) -> Done:
    """Show a place with a name."""
    return Done(dump(send(request, venue_content(request.params)).message))


@simulated("As `sendMessage`.")
def send_contact(request: Request) -> Done:
    """Give somebody's number."""
    return Done(dump(send(request, contact_content(request.params)).message))


@simulated("As `sendMessage`; the value follows from the simulator's seed.")
def send_dice(request: Request) -> Done:
    """Throw a die."""
    content = dice_content(request.params, request.world.random)
    return Done(dump(send(request, content, permission="can_send_other_messages").message))


@simulated("Checked and shown to nobody.")
def send_chat_action(request: Request) -> Done:
    """Seem to be doing something."""
    params = request.params
    if params.text("action").lower() not in CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")  # SRV
    request.world.chats.writable(request.bot, params.text("chat_id"))
    return Done(True)


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "sendChatAction": send_chat_action,
        "sendContact": send_contact,
        "sendDice": send_dice,
        "sendLocation": send_location,
        "sendMessage": send_message,
        "sendRichMessage": send_rich_message,
        "sendVenue": send_venue,
    }
)
