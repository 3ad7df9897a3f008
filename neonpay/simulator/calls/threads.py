"""Which topic of a forum a call means (SRV, read 2026-11-28: check_message_topic)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neonpay.simulator.chats.groups import GENERAL_ID, Seat
from neonpay.simulator.wire.params import INT32_MAX
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from neonpay.simulator.chats.groups import ForumTopic
    from neonpay.simulator.chats.places import Place
    from neonpay.simulator.chats.posts import Post
    from neonpay.simulator.wire.params import Params


def read_topic(params: Params, chat: Place) -> ForumTopic | None:
    """The topic that ``message_thread_id`` names; None when it names none, or the group is no forum, where it says nothing.

    Raises:
        Refusal: there is no such topic. General has a number that no call may use, and bots' private chats have no topics here.
    """
    number = params.integer("message_thread_id", minimum=0, maximum=INT32_MAX)
    if not number or (isinstance(chat, Seat) and not chat.group.topics):
        return None
    topic = None if not isinstance(chat, Seat) or number == GENERAL_ID else chat.group.topics.get(number)
    if topic is None:
        raise bad_request("message thread not found")
    return topic


def topic_of(chat: Place, post: Post) -> ForumTopic | None:
    """The topic of a message that is answered, in which the answer stands, too."""
    if not isinstance(chat, Seat) or not post.message.is_topic_message:
        return None
    return chat.group.topics.get(post.message.message_thread_id or 0)


def require_open(chat: Place, topic: ForumTopic | None) -> None:
    """Refuse a message into a topic, General where none is named, that is closed to the bot.

    Raises:
        Refusal: so it is; the word is in Telegram's list of MTProto errors and in many a bot's log.
    """
    if not isinstance(chat, Seat) or not chat.group.topics:
        return
    if not (topic or chat.group.topics[GENERAL_ID]).lets_write(chat.member):
        raise bad_request("TOPIC_CLOSED")
