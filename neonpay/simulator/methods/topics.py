"""Topics of forums, made, changed, closed and deleted by bots.

Order and words of the refusals are those of the server's ``Client.cpp`` (commit 01a3679) and TDLib's ``ForumTopicManager.cpp``
(commit 022d602), read 2026-11-28; what Telegram itself says is from https://core.telegram.org/method/messages.editForumTopic.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.chats.access import require_right
from neonpay.simulator.chats.groups import GENERAL_ID, ICON_COLORS, ForumTopic, Group, Seat
from neonpay.simulator.chats.topics import clean_name, open_topic
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.params import INT32_MAX
from neonpay.simulator.wire.refusal import bad_request, not_simulated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.wire.params import Params

_COLOR_MAX: Final = 0xFFFFFF
_CLOSING: Final = "close or open"
_UNKNOWN: Final = "TOPIC_ID_INVALID"


@simulated(
    "In forums, which `Simulator.group(…, forum=True)` makes; with the service message.",
    refuses="Colours beside the six that are documented; bots whose private chats have topics.",
)
def create_forum_topic(request: Request) -> Done:
    """Make a topic."""
    params = request.params
    color = params.integer("icon_color", maximum=INT32_MAX)
    emoji = params.integer("icon_custom_emoji_id")
    seat = _forum(request)
    if not _may_create(seat):
        raise bad_request("not enough rights to create a topic")
    name = clean_name(params.text("name"))
    if not name:
        raise bad_request("name must be non-empty")
    if not 0 <= color <= _COLOR_MAX:
        raise bad_request("invalid icon color specified")
    if color and color not in ICON_COLORS:
        raise not_simulated(f"an icon of the colour {color}")
    topic = open_topic(
        seat.group, request.world.chats, request.bot, name,
        icon_color=color or ICON_COLORS[0], icon_custom_emoji_id=str(emoji) if emoji else "",
    )  # fmt: skip
    return Done(topic.as_json)


@simulated("The name, the icon, or both.")
def edit_forum_topic(request: Request) -> Done:
    """Change a topic's name and icon."""
    params = request.params
    emoji = None
    if "icon_custom_emoji_id" in params.values:
        number = params.integer("icon_custom_emoji_id")
        emoji = str(number) if number else ""
    return _edit(request, _topic_id(params), emoji)


@simulated("The name of General.")
def edit_general_forum_topic(request: Request) -> Done:
    """Rename General."""
    return _edit(request, GENERAL_ID, None)


@simulated("Bots without the right to manage topics write into it no more, unless they made it.")
def close_forum_topic(request: Request) -> Done:
    """Close a topic."""
    return _toggle(request, _topic_id(request.params), is_closed=True)


@simulated("As the Bot API has it.")
def reopen_forum_topic(request: Request) -> Done:
    """Open a closed topic."""
    return _toggle(request, _topic_id(request.params), is_closed=False)


@simulated("As `closeForumTopic`, for messages that name no topic.")
def close_general_forum_topic(request: Request) -> Done:
    """Close General."""
    return _toggle(request, GENERAL_ID, is_closed=True)


@simulated("A hidden one is shown, too.")
def reopen_general_forum_topic(request: Request) -> Done:
    """Open General."""
    return _toggle(request, GENERAL_ID, is_closed=False)


@simulated("It is closed, too.")
def hide_general_forum_topic(request: Request) -> Done:
    """Hide General."""
    return _show(request, is_hidden=True)


@simulated("It stays closed.")
def unhide_general_forum_topic(request: Request) -> Done:
    """Show General again."""
    return _show(request, is_hidden=False)


@simulated("With all its messages.")
def delete_forum_topic(request: Request) -> Done:
    """Delete a topic."""
    topic_id = _topic_id(request.params)
    seat = _forum(request)
    topic = _found(seat.group, topic_id, "delete", may=seat.member.can("can_delete_messages"), seat=seat)
    if topic.id == GENERAL_ID:
        raise bad_request(_UNKNOWN)  # UNVERIFIED word
    chats = request.world.chats
    for post in [post for post in seat.posts if topic.has(post) and not post.deleted]:
        chats.delete(post)
    del seat.group.topics[topic.id]
    return Done(True)


@simulated("As `unpinAllChatMessages`, of one topic.")
def unpin_all_forum_topic_messages(request: Request) -> Done:
    """Unpin the messages of a topic."""
    return _unpin(request, _topic_id(request.params))


@simulated("As `unpinAllChatMessages`, of General.")
def unpin_all_general_forum_topic_messages(request: Request) -> Done:
    """Unpin the messages of General."""
    return _unpin(request, GENERAL_ID)


def _topic_id(params: Params) -> int:
    return params.integer("message_thread_id", minimum=0, maximum=INT32_MAX)


def _forum(request: Request) -> Seat:
    place = request.world.chats.writable(request.bot, request.params.text("chat_id"))
    if not isinstance(place, Seat) or not place.group.topics:
        raise bad_request("the chat is not a forum")
    return place


def _may_create(seat: Seat) -> bool:
    member = seat.member
    allowed = member.permissions if member.status == "restricted" else seat.group.permissions
    return member.can("can_manage_topics") or (not member.is_admin and "can_manage_topics" in allowed)


def _found(group: Group, topic_id: int, deed: str, *, may: bool, seat: Seat) -> ForumTopic:
    if not topic_id:
        raise bad_request("invalid forum topic identifier specified")
    topic = group.topics.get(topic_id)
    if topic is None:
        raise bad_request(_UNKNOWN)
    if not may and topic.creator_id != seat.bot.id:
        raise bad_request(f"not enough rights to {deed} the topic")
    return topic


def _edit(request: Request, topic_id: int, emoji: str | None) -> Done:
    given = request.params.text("name")
    seat = _forum(request)
    topic = _found(seat.group, topic_id, "edit", may=seat.member.can("can_manage_topics"), seat=seat)
    name = clean_name(given)
    if given and not name:
        raise bad_request("name must be non-empty")
    if not given and emoji is None:
        return Done(True)
    changed: dict[str, object] = {}
    if name and name != topic.name:
        changed["name"] = topic.name = name
    if emoji is not None and emoji != topic.icon_custom_emoji_id:
        changed["icon_custom_emoji_id"] = topic.icon_custom_emoji_id = emoji
    if not changed:
        raise bad_request("TOPIC_NOT_MODIFIED")
    return _told(request, seat, topic, "forum_topic_edited", changed)


def _toggle(request: Request, topic_id: int, *, is_closed: bool) -> Done:
    seat = _forum(request)
    topic = _found(seat.group, topic_id, _CLOSING, may=seat.member.can("can_manage_topics"), seat=seat)
    if topic.is_closed == is_closed:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.is_closed = is_closed
    if not is_closed:
        topic.is_hidden = False
    return _told(request, seat, topic, "forum_topic_closed" if is_closed else "forum_topic_reopened", {})


def _show(request: Request, *, is_hidden: bool) -> Done:
    seat = _forum(request)
    require_right(seat, "can_manage_topics", f"not enough rights to {_CLOSING} the topic")
    topic = seat.group.topics[GENERAL_ID]
    if topic.is_hidden == is_hidden:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.is_hidden = is_hidden
    topic.is_closed = topic.is_closed or is_hidden
    return _told(request, seat, topic, f"general_forum_topic_{'hidden' if is_hidden else 'unhidden'}", {})


def _unpin(request: Request, topic_id: int) -> Done:
    seat = _forum(request)
    require_right(seat, "can_pin_messages")
    topic = _found(seat.group, topic_id, "edit", may=True, seat=seat)
    chats, kept = request.world.chats, seat.group.pinned
    kept[:] = [number for number in kept if (post := chats.find(number)) is not None and not topic.has(post)]
    return Done(True)


def _told(request: Request, seat: Seat, topic: ForumTopic, event: str, said: dict[str, object]) -> Done:
    request.world.chats.post(seat, {event: said, **topic.mark}, by_bot=True)
    return Done(True)


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "closeForumTopic": close_forum_topic,
        "closeGeneralForumTopic": close_general_forum_topic,
        "createForumTopic": create_forum_topic,
        "deleteForumTopic": delete_forum_topic,
        "editForumTopic": edit_forum_topic,
        "editGeneralForumTopic": edit_general_forum_topic,
        "hideGeneralForumTopic": hide_general_forum_topic,
        "reopenForumTopic": reopen_forum_topic,
        "reopenGeneralForumTopic": reopen_general_forum_topic,
        "unhideGeneralForumTopic": unhide_general_forum_topic,
        "unpinAllForumTopicMessages": unpin_all_forum_topic_messages,
        "unpinAllGeneralForumTopicMessages": unpin_all_general_forum_topic_messages,
    }
)
