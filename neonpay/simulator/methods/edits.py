"""Messages changed and deleted after they were sent."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.calls.keyboards import inline_keyboard
from neonpay.simulator.calls.markups import read_markup
from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.calls.targets import find, message_id, message_ids, to_edit
from neonpay.simulator.chats.access import can_delete
from neonpay.simulator.chats.groups import Seat
from neonpay.simulator.files.contents import caption_content, text_content
from neonpay.simulator.files.media import input_media
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.objects import dump
from neonpay.simulator.wire.refusal import bad_request, not_simulated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.chats.book import Place, Post

DELETABLE_FOR_S: Final = 48 * 3600
"""Age up to which a bot can delete a message (API, deleteMessage)."""
DICE_STAY_S: Final = 24 * 3600
"""Age from which it can delete a thrown die in a private chat (API, deleteMessage)."""
CAPTIONED: Final = frozenset({"photo", "video", "animation", "audio", "document", "voice", "paid_media"})
"""Kinds of messages that have captions."""
_MEDIA: Final = (*sorted(CAPTIONED - {"voice", "paid_media"}), "has_media_spoiler")
_KEYBOARD = (
    'Also of inline messages. Leaving the keyboard out takes it away. "Message is not modified" as Telegram has it.'
)


@simulated(_KEYBOARD, refuses="Messages of business accounts.")
def edit_message_text(request: Request) -> Done:
    """Replace the text of a message of the bot's own."""
    if request.params.has("rich_message"):
        raise not_simulated("parameter rich_message")
    text = text_content(request.params)
    markup = read_markup(request.params)
    post = _own(request)
    if post.message.text is None:
        raise bad_request("there is no text in the message to edit")  # SRV
    return _changed(request, post, text | {"reply_markup": inline_keyboard(markup)})


@simulated(_KEYBOARD)
def edit_message_caption(request: Request) -> Done:
    """Replace the caption; leaving it out takes it away."""
    markup = read_markup(request.params)
    caption = caption_content(request.params)
    post = _own(request)
    if CAPTIONED.isdisjoint(dump(post.message)):
        raise bad_request("there is no caption in the message to edit")  # TDL
    return _changed(request, post, caption | {"reply_markup": inline_keyboard(markup)})


@simulated(f"{_KEYBOARD} Of messages with a file, and of texts, which get one.")
def edit_message_media(request: Request) -> Done:
    """Replace the file."""
    params = request.params
    markup = read_markup(params)
    params.required("media")
    media = input_media(request.world.files, params.json("media", "input media"), params)
    post = _own(request)
    if {"text", *_MEDIA}.isdisjoint(dump(post.message)):
        raise bad_request("there is no media in the message to edit")  # TDL
    gone = dict.fromkeys((*_MEDIA, "text", "entities", "caption", "caption_entities", "show_caption_above_media"))
    return _changed(request, post, {**gone, **media, "reply_markup": inline_keyboard(markup)})


@simulated(_KEYBOARD)
def edit_message_reply_markup(request: Request) -> Done:
    """Replace the keyboard alone; an invoice keeps its Pay button first."""
    markup = read_markup(request.params)
    post = _own(request)
    keyboard = inline_keyboard(markup, for_invoice=post.message.invoice is not None)
    return _changed(request, post, {"reply_markup": keyboard})


@simulated("With Telegram's 48 hours, the 24 of dice, and the rights in groups. A paid suggested post is refunded.")
def delete_message(request: Request) -> Done:
    """Take a message away from everybody in the chat."""
    if not request.params.text("chat_id"):
        raise bad_request("chat identifier is not specified")  # SRV
    if message_id(request) <= 0:
        raise bad_request("message identifier is not specified")  # SRV
    place, post = find(request, "message to delete")
    _delete(request, place, post)
    return Done(True)


@simulated("As `deleteMessage` for up to 100; ids of none are passed over.")
def delete_messages(request: Request) -> Done:
    """Take messages away."""
    numbers = message_ids(request)
    place = request.world.chats.writable(request.bot, request.params.text("chat_id"))
    for number in numbers:
        post = request.world.chats.find_in(place, number)
        if post is not None:
            _delete(request, place, post)
    return Done(True)


def _delete(request: Request, place: Place, post: Post) -> None:
    world = request.world
    if not can_delete(place, post):
        raise bad_request("message can't be deleted")  # SRV maps MESSAGE_DELETE_FORBIDDEN
    age = world.clock.now() - post.message.date.timestamp()
    is_fresh_dice = post.message.dice is not None and not isinstance(place, Seat) and age <= DICE_STAY_S
    if age > DELETABLE_FOR_S or is_fresh_dice:
        raise bad_request("message can't be deleted for everyone")  # TDL
    world.chats.delete(post)
    world.suggestions.deleted(post)


def _own(request: Request) -> Post:
    if request.params.has("business_connection_id"):
        request.world.business.require(request.bot, request.params.text("business_connection_id"))
        raise not_simulated("messages on behalf of a business account")
    return to_edit(request)


def _changed(request: Request, post: Post, changes: Mapping[str, object]) -> Done:
    world, before = request.world, dump(post.message)
    if all(before.get(name) == value for name, value in changes.items()):
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same as a current "
            "content and reply markup of the message"
        )  # SRV
    world.chats.rewrite(post, dict(changes))
    group = world.chats.groups.get(post.owner_id)
    if group is not None:
        world.talk.tell(group, post, edited=True)
    return Done(True if post.inline_id and not request.params.text("chat_id") else dump(post.message))


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "deleteMessage": delete_message,
        "deleteMessages": delete_messages,
        "editMessageCaption": edit_message_caption,
        "editMessageMedia": edit_message_media,
        "editMessageReplyMarkup": edit_message_reply_markup,
        "editMessageText": edit_message_text,
    }
)
