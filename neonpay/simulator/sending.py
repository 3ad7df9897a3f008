"""What every method that sends a message has in common: the chat, the reply, the options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.simulator.objects import dump
from neonpay.simulator.refusal import bad_request, not_simulated

if TYPE_CHECKING:
    from neonpay.simulator.chats import Chat, Post
    from neonpay.simulator.params import Params
    from neonpay.simulator.requests import Request

_UNSIMULATED: Final = ("suggested_post_parameters", "direct_messages_topic_id", "message_effect_id")
_UNSIMULATED_FLAGS: Final = ("allow_paid_broadcast",)


@dataclass(frozen=True, slots=True)
class Destination:
    """A chat that may be written to, and the fields of ``Message`` that follow from the call's options."""

    chat: Chat
    fields: dict[str, object]


def read_destination(request: Request) -> Destination:
    """Look up where a message goes; content and markup have been checked before (SRV: do_send_message).

    Raises:
        Refusal: it cannot go there.
    """
    params = request.params
    refuse_unsimulated(params)
    reply_id, may_miss = _reply_target(params)
    if params.has("business_connection_id"):
        raise bad_request("business connection not found")
    chat = request.world.chats.writable(request.bot, params.text("chat_id"))
    if params.integer("message_thread_id"):
        raise bad_request("message thread not found")  # TDL; private chats here have no topics
    fields: dict[str, object] = {}
    if params.boolean("protect_content"):
        fields["has_protected_content"] = True
    if reply_id:
        post = request.world.chats.find_in(chat, reply_id)
        if post is None and not may_miss:
            raise bad_request("message to be replied not found")  # SRV
        if post is not None:
            fields["reply_to_message"] = _quoted(post)
    return Destination(chat, fields)


def refuse_unsimulated(params: Params) -> None:
    """Refuse options whose effect is not simulated, so that nobody believes in it.

    Raises:
        Refusal: 501.
    """
    for name in _UNSIMULATED:
        if params.has(name):
            raise not_simulated(f"parameter {name}")
    for name in _UNSIMULATED_FLAGS:
        if params.boolean(name):
            raise not_simulated(f"parameter {name}")


def _reply_target(params: Params) -> tuple[int, bool]:
    reply = params.json("reply_parameters", "reply parameters")
    if reply is None:
        return params.integer("reply_to_message_id"), params.boolean("allow_sending_without_reply")
    if not isinstance(reply, dict):
        raise bad_request("object expected as reply parameters")  # SRV
    message_id = reply.get("message_id")
    if isinstance(message_id, bool) or not isinstance(message_id, int):
        raise bad_request('can\'t parse reply parameters: field "message_id" must be of type Number')
    return message_id, reply.get("allow_sending_without_reply") is True


def _quoted(post: Post) -> dict[str, object]:
    fields = dump(post.message)
    fields.pop("reply_to_message", None)
    return fields
