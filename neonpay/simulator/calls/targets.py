"""Messages that a call means to change, copy or look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neonpay.simulator.chats.groups import Seat
from neonpay.simulator.wire.fields import whole_number
from neonpay.simulator.wire.params import INT32_MAX
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from neonpay.simulator.calls.requests import Request
    from neonpay.simulator.chats.access import Access
    from neonpay.simulator.chats.book import Place, Post

_MESSAGE_IDS_MAX: Final = 100


def message_id(request: Request, name: str = "message_id") -> int:
    """A message id as the server reads it: what is no positive number is 0 (SRV: get_message_id)."""
    return request.params.integer(name, minimum=0, maximum=INT32_MAX)


def message_ids(request: Request) -> list[int]:
    """The ids of a call about many messages.

    Raises:
        Refusal: there are none, too many, or some that are none (SRV: get_message_ids).
    """
    given = request.params.array("message_ids", "message_ids", "Expected an Array of message identifiers")
    if given is None:
        raise bad_request("message identifiers are not specified")
    if len(given) > _MESSAGE_IDS_MAX:
        raise bad_request("too many message identifiers specified")
    numbers = [_number(item) for item in given]
    if not numbers:
        raise bad_request("message identifiers are not specified")
    return numbers


def find(request: Request, purpose: str, *, chat: str = "chat_id", access: Access = "write") -> tuple[Place, Post]:
    """The message of a call, and where it stands.

    Raises:
        Refusal: the chat cannot be used, or has no such message; ``purpose`` names it in Telegram's words.
    """
    place = request.world.chats.reach(request.bot, request.params.text(chat), access)
    post = request.world.chats.find_in(place, message_id(request))
    if post is None:
        raise bad_request(f"{purpose} not found")  # SRV: check_message
    return place, post


def to_edit(request: Request, purpose: str = "message to edit") -> Post:
    """The message of the bot's own that a call means to edit; by its inline id when no chat is named.

    Raises:
        Refusal: there is none, or it is not the bot's to edit.
    """
    params, world = request.params, request.world
    if not params.text("chat_id") and not message_id(request):
        inline_id = params.text("inline_message_id")
        if not inline_id:
            raise bad_request("message identifier is not specified")  # SRV: get_inline_message_id
        post = world.inline.find(inline_id)
        if post is None or post.deleted or not post.message.via_bot or post.message.via_bot.id != request.bot.id:
            raise bad_request("MESSAGE_ID_INVALID")  # ERR
        return post
    place, post = find(request, purpose, access="edit")
    is_own = post.by_bot and post.bot_id == request.bot.id
    may_edit_others = (
        isinstance(place, Seat) and place.group.kind == "channel" and place.member.can("can_edit_messages")
    )
    if post.is_service or not (is_own or may_edit_others):
        raise bad_request("message can't be edited")  # TDL
    return post


def _number(item: object) -> int:
    if isinstance(item, bool) or not isinstance(item, int | float | str):
        raise bad_request("message identifier must be a Number")
    number = whole_number(item, bits=32)
    if number is None:
        raise bad_request("can't parse message identifier as a Number")
    if number <= 0:
        raise bad_request("invalid message identifier specified")
    return number
