"""Topics that are made in forums.

From https://core.telegram.org/api/forum (read 2026-11-28): a topic is named by the id of the service message that made it, and
every forum has the topic General with the id 1, in which a message stands that names no topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neonpay.simulator.chats.groups import GENERAL_ID, ICON_COLORS, ForumTopic, Group

if TYPE_CHECKING:
    from neonpay.simulator.chats.accounts import BotAccount, UserAccount
    from neonpay.simulator.chats.book import Chats
    from neonpay.simulator.chats.posts import Post

NAME_MAX_CHARS: Final = 128
"""Longest name of a topic; a longer one is cut (TDL: MAX_FORUM_TOPIC_TITLE_LENGTH)."""


def make_forum(group: Group, chats: Chats, owner: UserAccount) -> None:
    """Give a group its General topic; from then on it has topics."""
    chats.post_in(
        group, owner, {"supergroup_chat_created": True}
    )  # takes the id that General has, should it be the first
    group.topics[GENERAL_ID] = ForumTopic(group, GENERAL_ID, "General", owner.id)


def open_topic(
    group: Group,
    chats: Chats,
    creator: BotAccount | UserAccount,
    name: str,
    *,
    icon_color: int = ICON_COLORS[0],
    icon_custom_emoji_id: str = "",
) -> ForumTopic:
    """Make a topic, with the service message that gives it its id."""
    topic = ForumTopic(group, chats.newest_id + 1, name, creator.id, icon_color, icon_custom_emoji_id)
    group.topics[topic.id] = topic
    chats.post_in(group, creator, {"forum_topic_created": topic.looks, **topic.mark})
    return topic


def mark_of(post: Post) -> dict[str, object]:
    """The fields by which what answers a message, or tells of it, is in its topic."""
    message = post.message
    return (
        {"message_thread_id": message.message_thread_id, "is_topic_message": True} if message.is_topic_message else {}
    )


def clean_name(name: str) -> str:
    """A name without needless space, no longer than a topic's can be."""
    return " ".join(name.split())[:NAME_MAX_CHARS].strip()
