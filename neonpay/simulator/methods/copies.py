"""Messages copied and forwarded by bots, pinned, and reacted to."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.calls.markups import read_markup
from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.calls.sending import Destination, post, quoted, read_destination
from neonpay.simulator.calls.targets import find, message_id, message_ids
from neonpay.simulator.chats.access import require_right
from neonpay.simulator.chats.groups import Seat
from neonpay.simulator.chats.reactions import REACTIONS
from neonpay.simulator.chats.topics import mark_of
from neonpay.simulator.files.contents import caption_content
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.methods.edits import CAPTIONED
from neonpay.simulator.wire.fields import Fields
from neonpay.simulator.wire.objects import dump
from neonpay.simulator.wire.refusal import Unreadable, bad_request, inside, not_simulated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.chats.book import Place, Post

_NOT_COPIED: Final = (
    "message_id", "date", "edit_date", "chat", "from", "sender_chat", "via_bot", "reply_to_message", "reply_markup",
    "forward_origin", "media_group_id", "direct_messages_topic", "suggested_post_info", "is_paid_post",
    "has_protected_content", "message_thread_id", "is_topic_message",
)  # fmt: skip


@simulated(
    "Invoices keep their Pay button, or get a deep link if they have a start_parameter. Protected and service messages are "
    "refused."
)
def forward_message(request: Request) -> Done:
    """Send a message on."""
    request.params.required("from_chat_id")
    _, original = find(request, "message to forward", chat="from_chat_id", access="read")
    if not _may_leave(original):
        raise bad_request("the message can't be forwarded")  # seen live, tdlib/telegram-bot-api#897
    return Done(dump(_forward(request, read_destination(request), original).message))


@simulated("As `forwardMessage` for up to 100; what cannot be forwarded is passed over.")
def forward_messages(request: Request) -> Done:
    """Send messages on."""
    source, numbers = _source(request)
    destination = read_destination(request, messages=len(numbers))
    found = _several(request, source, numbers)
    copies = [_forward(request, destination, one) for one in found if _may_leave(one)]
    if not copies:
        raise bad_request("messages can't be forwarded")  # TDL; so it says of copies too
    return Done([{"message_id": copy.message.message_id} for copy in copies])


@simulated(
    "Everything but invoices, paid media, service and protected messages, as the Bot API has it; a new caption and keyboard."
)
def copy_message(request: Request) -> Done:
    """Send the content of a message again."""
    request.params.required("from_chat_id")
    caption = caption_content(request.params) if "caption" in request.params.values else None
    _, original = find(request, "message to copy", chat="from_chat_id", access="read")
    if not _may_be_copied(original):
        raise bad_request("the message can't be copied")  # TDL
    markup = read_markup(request.params)
    content = _content(original)
    if caption is not None and not CAPTIONED.isdisjoint(content):
        content |= caption
    destination = read_destination(request)
    copy = post(request, destination, content, markup)
    return Done({"message_id": copy.message.message_id})


@simulated("As `copyMessage` for up to 100; what cannot be copied is passed over.")
def copy_messages(request: Request) -> Done:
    """Send the content of messages again."""
    source, numbers = _source(request)
    destination = read_destination(request, messages=len(numbers))
    found = _several(request, source, numbers)
    copies = []
    for original in found:
        if _may_be_copied(original):
            content = _content(original)
            if request.params.boolean("remove_caption"):
                content |= {"caption": None, "caption_entities": None}
            copies.append(post(request, destination, content))
    if not copies:
        raise bad_request("messages can't be forwarded")  # TDL
    return Done([{"message_id": copy.message.message_id} for copy in copies])


@simulated("With the service message; in groups and channels with the right to.")
def pin_chat_message(request: Request) -> Done:
    """Pin a message."""
    place, pinned = find(request, "message to pin")
    _require_pinning(place)
    world, number = request.world, pinned.message.message_id
    kept = _pins(place)
    kept[:] = [one for one in kept if one != number] + [number]
    told = world.chats.post(place, {"pinned_message": quoted(pinned), **mark_of(pinned)}, by_bot=True)
    if not isinstance(place, Seat):
        world.tell(request.bot, "message", dump(told.message), (place.id, "message"))
    return Done(True)


@simulated("The newest one when none is named.")
def unpin_chat_message(request: Request) -> Done:
    """Unpin a message."""
    if message_id(request):
        place, post = find(request, "message to unpin")
        _require_pinning(place)
        kept = _pins(place)
        kept[:] = [one for one in kept if one != post.message.message_id]
        return Done(True)
    place = request.world.chats.writable(request.bot, request.params.text("chat_id"))
    _require_pinning(place)
    kept = _pins(place)
    if not kept:
        raise bad_request("message to unpin not found")  # SRV
    kept.pop()
    return Done(True)


@simulated("All of them.")
def unpin_all_chat_messages(request: Request) -> Done:
    """Unpin everything."""
    place = request.world.chats.writable(request.bot, request.params.text("chat_id"))
    _require_pinning(place)
    _pins(place).clear()
    return Done(True)


@simulated("One emoji of Telegram's list; people see it in `Buyer.reactions`.", refuses="Custom emoji.")
def set_message_reaction(request: Request) -> Done:
    """React to a message."""
    given = request.params.array("reaction", "reaction types", "Expected an Array of ReactionType")
    with inside("Can't parse ReactionType"):
        emoji = [_reaction(Fields(item)) for item in given or []]
    _, post = find(request, "message to react", access="read")
    if len(emoji) > 1:
        raise bad_request("REACTIONS_TOO_MANY")  # API: bots can set up to one
    request.world.reactions.set(post, request.bot, emoji)
    return Done(True)


def _reaction(said: Fields) -> str:
    kind = said.required_text("type")
    if kind == "custom_emoji":
        said.required_whole("custom_emoji_id", bits=64)
        raise not_simulated("a reaction with a custom emoji")
    if kind != "emoji":
        raise Unreadable("invalid reaction type specified")
    emoji = said.required_text("emoji")
    if emoji.rstrip("\ufe0f") not in REACTIONS:
        raise bad_request("REACTION_INVALID")  # ERR
    return emoji


def _source(request: Request) -> tuple[str, list[int]]:
    return request.params.required("from_chat_id"), message_ids(request)


def _several(request: Request, source: str, numbers: list[int]) -> list[Post]:
    place = request.world.chats.reach(request.bot, source, "read")
    found = [one for number in numbers if (one := request.world.chats.find_in(place, number)) is not None]
    if not found:
        raise bad_request("there are no messages to forward")  # TDL
    if numbers != sorted(set(numbers)):
        raise bad_request("message identifiers must be in a strictly increasing order")  # TDL
    return found


def _may_leave(original: Post) -> bool:
    return not (original.protected or original.is_service)


def _may_be_copied(original: Post) -> bool:
    message = original.message  # API, copyMessage; of quizzes, the bots here always know the answer
    return _may_leave(original) and message.invoice is None and message.paid_media is None


def _forward(request: Request, destination: Destination, original: Post) -> Post:
    chats = request.world.chats
    content = chats.forwarded_fields(original)
    copy = post(request, destination, content, invoice=chats.forwarded_invoice(original))
    request.world.polls.forward(original, copy)
    request.world.paid_media.forward(original.message.message_id, copy.message.message_id)
    return copy


def _content(original: Post) -> dict[str, object]:
    fields = dump(original.message)
    if "poll" in fields:
        raise not_simulated("a copy of a poll")
    for name in _NOT_COPIED:
        fields.pop(name, None)
    return fields


def _pins(place: Place) -> list[int]:
    return place.group.pinned if isinstance(place, Seat) else place.pinned


def _require_pinning(place: Place) -> None:
    if isinstance(place, Seat):
        right = "can_edit_messages" if place.group.kind == "channel" else "can_pin_messages"
        require_right(place, right, "not enough rights to manage pinned messages in the chat")


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "copyMessage": copy_message,
        "copyMessages": copy_messages,
        "forwardMessage": forward_message,
        "forwardMessages": forward_messages,
        "pinChatMessage": pin_chat_message,
        "setMessageReaction": set_message_reaction,
        "unpinAllChatMessages": unpin_all_chat_messages,
        "unpinChatMessage": unpin_chat_message,
    }
)
