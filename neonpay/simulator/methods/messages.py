"""Messages: text and photos, their edits, deletions, and answers to pressed buttons."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.core.limits import CAPTION_MAX_CHARS, MESSAGE_TEXT_MAX_CHARS
from neonpay.simulator.formatting import read_formatted
from neonpay.simulator.keyboards import any_markup, inline_keyboard
from neonpay.simulator.objects import dump
from neonpay.simulator.presses import Pressed
from neonpay.simulator.refusal import bad_request, not_simulated
from neonpay.simulator.requests import Done, Method, Request
from neonpay.simulator.sending import read_destination

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.chats import Post

CALLBACK_ANSWER_MAX_CHARS: Final = 200
"""Longest notification of answerCallbackQuery (API)."""
CALLBACK_LIFETIME_S: Final = 150
"""Time for which a press can be answered: as long as an undelivered one is kept (SRV); Telegram publishes no number."""
DELETABLE_FOR_S: Final = 48 * 3600
"""Age up to which a bot can delete a message in a private chat (API, deleteMessage)."""


def send_message(request: Request) -> Done:
    """Write a text into a chat."""
    params, world = request.params, request.world
    text = read_formatted(params, "text", "entities", max_chars=MESSAGE_TEXT_MAX_CHARS)
    if not text.text:
        raise bad_request("message text is empty")  # SRV
    keyboard, own_keyboard = any_markup(params)
    destination = read_destination(request)
    fields = destination.fields | text.fields("text", "entities") | {"reply_markup": keyboard}
    post = world.chats.post(destination.chat, fields, by_bot=True, keyboard=own_keyboard)
    return Done(dump(post.message))


def send_photo(request: Request) -> Done:
    """Put a photo into a chat."""
    params, world = request.params, request.world
    photo = world.files.photo(params, "photo")
    caption = read_formatted(params, "caption", "caption_entities", max_chars=CAPTION_MAX_CHARS)
    keyboard, own_keyboard = any_markup(params)
    destination = read_destination(request)
    fields = destination.fields | caption.fields("caption", "caption_entities")
    fields |= {"photo": photo.as_photo, "reply_markup": keyboard}
    if params.boolean("has_spoiler"):
        fields["has_media_spoiler"] = True
    post = world.chats.post(destination.chat, fields, by_bot=True, keyboard=own_keyboard)
    return Done(dump(post.message))


def edit_message_text(request: Request) -> Done:
    """Replace the text of a message of the bot's own; leaving the keyboard out takes it away."""
    params, world = request.params, request.world
    if params.has("inline_message_id"):
        raise not_simulated("inline messages")
    text = read_formatted(params, "text", "entities", max_chars=MESSAGE_TEXT_MAX_CHARS)
    if not text.text:
        raise bad_request("message text is empty")
    keyboard = inline_keyboard(params)
    post = _own_post(request, "edit")
    if post.message.text is None:
        raise bad_request("there is no text in the message to edit")  # SRV
    changes = text.fields("text", "entities") | {"reply_markup": keyboard}
    before = dump(post.message)
    if all(before.get(name) == value for name, value in changes.items()):
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same as a current "
            "content and reply markup of the message"
        )  # SRV
    world.chats.rewrite(post, changes)
    return Done(dump(post.message))


def delete_message(request: Request) -> Done:
    """Take a message away from both sides of the chat."""
    params, world = request.params, request.world
    chat = world.chats.writable(request.bot, params.text("chat_id"))
    message_id = params.integer("message_id")
    if message_id <= 0:
        raise bad_request("message identifier is not specified")  # SRV
    post = world.chats.find_in(chat, message_id)
    if post is None:
        raise bad_request("message to delete not found")  # SRV
    if world.clock.now() - post.message.date.timestamp() > DELETABLE_FOR_S:
        raise bad_request("message can't be deleted for everyone")  # TDL
    world.chats.delete(post)
    return Done(True)


def answer_callback_query(request: Request) -> Done:
    """Tell the person who pressed a button what it did."""
    params, world = request.params, request.world
    text = params.text("text")
    press = world.presses.get(params.text("callback_query_id"))
    too_late = press is not None and world.clock.now() - press.pressed_at > CALLBACK_LIFETIME_S
    if press is None or press.bot_id != request.bot.id or press.answer is not None or too_late:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")  # SRV
    if len(text) > CALLBACK_ANSWER_MAX_CHARS:
        raise bad_request("MESSAGE_TOO_LONG")  # ERR
    press.answer = Pressed(
        "callback", answered=True, text=text, show_alert=params.boolean("show_alert"), url=params.text("url")
    )
    world.bell.ring()
    return Done(True)


def _own_post(request: Request, purpose: str) -> Post:
    chat = request.world.chats.writable(request.bot, request.params.text("chat_id"))
    message_id = request.params.integer("message_id")
    if message_id <= 0:
        raise bad_request("message identifier is not specified")
    post = request.world.chats.find_in(chat, message_id)
    if post is None:
        raise bad_request(f"message to {purpose} not found")
    if not post.by_bot or post.is_service:
        raise bad_request("message can't be edited")
    return post


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "answerCallbackQuery": answer_callback_query,
        "deleteMessage": delete_message,
        "editMessageText": edit_message_text,
        "sendMessage": send_message,
        "sendPhoto": send_photo,
    }
)
