"""What every method that sends a message has in common: the chat, the reply, the options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.simulator.calls.keyboards import any_markup
from neonpay.simulator.calls.markups import read_markup
from neonpay.simulator.calls.threads import read_topic, require_open, topic_of
from neonpay.simulator.chats.access import require_voice
from neonpay.simulator.chats.groups import Seat
from neonpay.simulator.money.suggestions import read_suggestion
from neonpay.simulator.wire.objects import dump
from neonpay.simulator.wire.params import lenient_integer
from neonpay.simulator.wire.refusal import bad_request, not_simulated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.calls.markups import Markup
    from neonpay.simulator.calls.requests import Request
    from neonpay.simulator.chats.book import Place, Post
    from neonpay.simulator.chats.invoices import Invoice
    from neonpay.simulator.wire.params import Params

_UNSIMULATED: Final = ("ephemeral_message_parameters", "receiver_user_id")


@dataclass(frozen=True, slots=True)
class Destination:
    """A chat that may be written to, and the fields of ``Message`` that follow from the call's options."""

    chat: Place
    fields: dict[str, object]


def send(request: Request, content: Mapping[str, object], *, permission: str = "can_send_messages") -> Post:
    """Write a message with this content where the call wants it, with its markup.

    Raises:
        Refusal: it cannot go there.
    """
    markup = read_markup(request.params)
    destination = read_destination(request, permission=permission)
    return post(request, destination, content, markup)


def post(
    request: Request,
    destination: Destination,
    content: Mapping[str, object],
    markup: Markup | None = None,
    *,
    invoice: Invoice | None = None,
) -> Post:
    """Write a message to a destination that was read before.

    Raises:
        Refusal: the message may not have this markup.
    """
    keyboard, own_keyboard = (None, None) if markup is None else any_markup(markup, destination.chat)
    fields = {**destination.fields, **content} | ({} if markup is None else {"reply_markup": keyboard})
    return request.world.chats.post(destination.chat, fields, by_bot=True, keyboard=own_keyboard, invoice=invoice)


def read_destination(request: Request, *, permission: str = "can_send_messages", messages: int = 1) -> Destination:
    """Look up where a message goes; content and markup have been checked before (SRV: do_send_message).

    Raises:
        Refusal: it cannot go there.
    """
    params, world = request.params, request.world
    refuse_unsimulated(params)
    reply_id, may_miss = _reply_target(params)
    if params.has("business_connection_id"):
        if params.text("business_connection_id") in world.business.connections:
            raise not_simulated("messages on behalf of a business account")
        raise bad_request("business connection not found")
    chat = world.chats.writable(request.bot, params.text("chat_id"))
    require_voice(chat, permission)
    topic = read_topic(params, chat)
    fields = _direct_topic(request, chat)
    if params.boolean("protect_content"):
        fields["has_protected_content"] = True
    if effect_id := lenient_integer(params.text("message_effect_id")):
        if isinstance(chat, Seat):
            raise bad_request("can't use message effects in the chat")  # TDL
        fields["effect_id"] = str(effect_id)  # UNVERIFIED: which ones there are, and with which word others are refused
    if reply_id:
        answered = world.chats.find_in(chat, reply_id)
        if answered is None and not may_miss:
            raise bad_request("message to be replied not found")  # SRV
        if answered is not None:
            fields["reply_to_message"] = quoted(answered)
            topic = topic or topic_of(chat, answered)
    if topic is not None:
        fields |= topic.mark
    require_open(chat, topic)
    suggestion = read_suggestion(params, chat, world.clock.now())
    if suggestion and reply_id:
        raise not_simulated("a suggested post that answers another one, which declines that")
    fields |= suggestion
    world.broadcasts.allow(request.bot, is_paid=params.boolean("allow_paid_broadcast"), messages=messages)
    return Destination(chat, fields)


def refuse_unsimulated(params: Params) -> None:
    """Refuse options whose effect is not simulated, so that nobody believes in it.

    Raises:
        Refusal: 501.
    """
    for name in _UNSIMULATED:
        if params.has(name):
            raise not_simulated(f"parameter {name}")


def quoted(post: Post) -> dict[str, object]:
    """A message as it stands in what answers it."""
    fields = dump(post.message)
    fields.pop("reply_to_message", None)
    return fields


def _direct_topic(request: Request, chat: Place) -> dict[str, object]:
    params, accounts = request.params, request.world.accounts
    is_direct = isinstance(chat, Seat) and chat.group.parent is not None
    if not is_direct:
        if params.integer("direct_messages_topic_id"):
            raise bad_request("the chat isn't a channel direct messages chat")  # UNVERIFIED words
        return {}
    # The topic of a person has the person's id here; API, DirectMessagesTopic, calls it opaque.
    user = accounts.users.get(params.integer("direct_messages_topic_id"))
    if user is None:
        raise bad_request("direct messages topic not found")  # UNVERIFIED words
    return {"direct_messages_topic": {"topic_id": user.id, "user": user.as_user}}


def _reply_target(params: Params) -> tuple[int, bool]:
    said = params.fields("reply_parameters", "reply parameters", "Object expected as reply parameters")
    if said is None:
        return params.integer("reply_to_message_id"), params.boolean("allow_sending_without_reply")
    if not said.as_json:
        return 0, False
    elsewhere, message_id = said.text("chat_id"), said.required_whole("message_id")
    may_miss = said.flag("allow_sending_without_reply")
    for name in ("quote", "quote_parse_mode", "poll_option_id"):
        said.text(name)
    for name in ("quote_position", "checklist_task_id"):
        said.whole(name)
    if elsewhere and elsewhere != params.text("chat_id"):
        raise not_simulated("a reply to a message of another chat")
    return max(message_id, 0), may_miss
