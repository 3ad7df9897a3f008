"""Messages: sent, changed, deleted and looked at, and answers to what people press and pay."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from neonpay.simulator.mtproto.media import read_item, upload
from neonpay.simulator.mtproto.peers import user_of
from neonpay.simulator.mtproto.reading import entities, invoice_fields, markup, not_simulated, params
from neonpay.simulator.mtproto.writing import Writer
from neonpay.simulator.wire.objects import dump

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.chats.posts import Post
    from neonpay.simulator.mtproto.asked import Asked, Method
    from neonpay.simulator.mtproto.tl import TlObject

_SENDING: Final = frozenset(
    {
        "peer", "message", "media", "random_id", "entities", "reply_markup", "reply_to", "reply_to_msg_id", "noforwards",
        "no_webpage", "silent", "background", "clear_draft", "invert_media",
    }
)  # fmt: skip
"""Options that are carried out, or that change nothing here."""
_EDITING: Final = frozenset({"peer", "id", "message", "entities", "reply_markup", "no_webpage", "invert_media"})


async def send_message(asked: Asked) -> TlObject:
    """Write a text into a chat."""
    request = asked.request
    call = params(text=request.message, **_destination(asked))
    return _sent(asked, await asked.line.carry_out("sendMessage", call))


async def send_media(asked: Asked) -> TlObject:
    """Put an invoice or paid media into a chat."""
    tl, media = asked.line.tl, asked.request.media
    if tl.name_of(media) == "InputMediaPaidMedia":
        return await _send_paid_media(asked)
    call = params(**invoice_fields(tl, media), **{**_destination(asked), "entities": None})
    return _sent(asked, await asked.line.carry_out("sendInvoice", call))


async def upload_media(asked: Asked) -> TlObject:
    """Store what is at an address, for messages to come; nothing is fetched."""
    world, tl = asked.line.world, asked.line.tl
    return upload(tl, world.files, asked.request.media, int(world.clock.now()))


async def edit_message(asked: Asked) -> TlObject:
    """Replace the text of a message."""
    line, request = asked.line, asked.request
    _refuse_others(asked, _EDITING)
    message = await line.carry_out(
        "editMessageText",
        params(
            chat_id=user_of(line.tl, request.peer, asked.me, line.world.accounts).id,
            message_id=request.id,
            text=request.message,
            entities=entities(line.tl, request.entities),
            reply_markup=markup(line.tl, request.reply_markup),
        ),
    )
    writer, pts = _writer(asked), line.stream(asked.me).count_own()
    update = line.tl.make("UpdateEditMessage", message=writer.message(message), pts=pts, pts_count=1)
    return writer.updates([update], [message["chat"]["id"]], line.world.clock.now())


async def delete_messages(asked: Asked) -> TlObject:
    """Take messages away; ids of none are passed over, as Telegram does."""
    line, found = asked.line, [asked.line.world.chats.find(number) for number in asked.request.id]
    posts = [post for post in found if post is not None and _is_in_private_chat(post, asked)]
    for post in posts:
        call = params(chat_id=post.owner_id, message_id=post.message.message_id)
        await line.carry_out("deleteMessage", call)
        line.stream(asked.me).count_own()
    pts = line.stream(asked.me).pts
    return line.tl.make("messages.AffectedMessages", pts=pts, pts_count=len(posts))


async def get_messages(asked: Asked) -> TlObject:
    """Messages by id, each as it looks now; an empty one where there is none."""
    tl, writer, found, named = asked.line.tl, _writer(asked), [], []
    for wanted in asked.request.id:
        if tl.name_of(wanted) != "InputMessageID":
            raise not_simulated(f"messages.GetMessages of {tl.name_of(wanted)}")
        post = asked.line.world.chats.find(wanted.id)
        if post is None or not _is_in_private_chat(post, asked):
            found.append(tl.make("MessageEmpty", id=wanted.id))
        else:
            found.append(writer.message(dump(post.message)))
            named.append(post.owner_id)
    return tl.make("messages.Messages", messages=found, topics=[], chats=[], users=writer.users(named))


async def set_bot_callback_answer(asked: Asked) -> TlObject:
    """Answer a pressed button."""
    request = asked.request
    call = params(
        callback_query_id=str(request.query_id),
        text=request.message,
        show_alert=bool(request.alert),
        url=request.url,
        cache_time=request.cache_time,
    )
    return await asked.line.carry_out("answerCallbackQuery", call) is True


async def set_bot_precheckout_results(asked: Asked) -> TlObject:
    """Approve a checkout or decline it."""
    request = asked.request
    call = params(pre_checkout_query_id=str(request.query_id), ok=bool(request.success), error_message=request.error)
    return await asked.line.carry_out("answerPreCheckoutQuery", call) is True


async def _send_paid_media(asked: Asked) -> TlObject:
    request, files = asked.request, asked.line.world.files
    destination = _destination(asked)
    call = params(
        star_count=request.media.stars_amount,
        media=[read_item(asked.line.tl, files, item) for item in request.media.extended_media],
        payload=getattr(request.media, "payload", None),
        caption=request.message or None,
        show_caption_above_media=True if getattr(request, "invert_media", None) else None,
        caption_entities=destination.pop("entities"),
        **destination,
    )
    return _sent(asked, await asked.line.carry_out("sendPaidMedia", call))


def _destination(asked: Asked) -> dict[str, object]:
    _refuse_others(asked, _SENDING)
    tl, request = asked.line.tl, asked.request
    reply_to = getattr(request, "reply_to", None)
    # A field of its own until layer 162.
    reply_id = getattr(request, "reply_to_msg_id", None) if reply_to is None else reply_to.reply_to_msg_id
    return {
        "chat_id": user_of(tl, request.peer, asked.me, asked.line.world.accounts).id,
        "entities": entities(tl, request.entities),
        "reply_markup": markup(tl, request.reply_markup),
        "reply_parameters": None if reply_id is None else {"message_id": reply_id},
        "protect_content": True if request.noforwards else None,
    }


def _refuse_others(asked: Asked, known: frozenset[str]) -> None:
    others = asked.line.tl.set_fields(asked.request) - known
    if others:
        raise not_simulated(f"{asked.line.tl.name_of(asked.request)} with {', '.join(sorted(others))}")


def _sent(asked: Asked, message: Mapping[str, Any]) -> TlObject:
    tl, writer = asked.line.tl, _writer(asked)
    pts = asked.line.stream(asked.me).count_own()
    numbered = tl.make("UpdateMessageID", id=message["message_id"], random_id=asked.request.random_id)
    update = tl.make("UpdateNewMessage", message=writer.message(message), pts=pts, pts_count=1)
    return writer.updates([numbered, update], [message["chat"]["id"]], asked.line.world.clock.now())


def _is_in_private_chat(post: Post, asked: Asked) -> bool:
    return post.bot_id == asked.me.id and post.owner_id > 0  # groups are not told by MTProto here


def _writer(asked: Asked) -> Writer:
    return Writer(asked.line.tl, asked.me, asked.line.world.accounts)


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "messages.DeleteMessages": delete_messages,
        "messages.EditMessage": edit_message,
        "messages.GetMessages": get_messages,
        "messages.SendMedia": send_media,
        "messages.SendMessage": send_message,
        "messages.SetBotCallbackAnswer": set_bot_callback_answer,
        "messages.SetBotPrecheckoutResults": set_bot_precheckout_results,
        "messages.UploadMedia": upload_media,
    }
)
