"""Topics of forums, and who may write in them.

From https://core.telegram.org/api/forum (read 2026-11-28): a topic is named by the id of the service message that made it, and
every forum has the topic General with the id 1, in which a message stands that names no topic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.simulator.wire.objects import build, dump

if TYPE_CHECKING:
    from neonpay.simulator.chats.accounts import BotAccount, UserAccount
    from neonpay.simulator.chats.book import Chats
    from neonpay.simulator.chats.groups import Group, Member
    from neonpay.simulator.chats.posts import Post

GENERAL_ID: Final = 1
"""The id of General (SRV: GENERAL_FORUM_TOPIC_ID)."""
NAME_MAX_CHARS: Final = 128
"""Longest name of a topic; a longer one is cut (TDL: MAX_FORUM_TOPIC_TITLE_LENGTH)."""
ICON_COLORS: Final = (0x6FB9F0, 0xFFD67E, 0xCB86DB, 0x8EEE98, 0xFF93B2, 0xFB6F5F)
"""Colours that an icon can have (API, createForumTopic); the first is that of topics for which none is named."""


@dataclass(slots=True, eq=False)
class ForumTopic:
    """A topic, which can stand wherever people name a group.

    Attributes:
        group: the forum that it is in.
        id: ``message_thread_id``.
        creator_id: who made it, and so may close it without the right to manage topics.
    """

    group: Group = field(repr=False)
    id: int
    name: str
    creator_id: int
    icon_color: int = ICON_COLORS[0]
    icon_custom_emoji_id: str = ""
    is_closed: bool = False
    is_hidden: bool = False

    @property
    def as_json(self) -> dict[str, object]:
        """The ``ForumTopic`` object."""
        return {"message_thread_id": self.id, **self.looks}

    @property
    def looks(self) -> dict[str, object]:
        """Its name and icon."""
        emoji = self.icon_custom_emoji_id or None
        return dump(
            build(types.ForumTopicCreated, name=self.name, icon_color=self.icon_color, icon_custom_emoji_id=emoji)
        )

    @property
    def mark(self) -> dict[str, object]:
        """The fields of ``Message`` by which a message says that it is in here; General has none (SRV: get_forum_topic_id)."""
        return {} if self.id == GENERAL_ID else {"message_thread_id": self.id, "is_topic_message": True}

    def has(self, post: Post) -> bool:
        """Whether a message of its group is in this topic."""
        number = post.message.message_thread_id if post.message.is_topic_message else GENERAL_ID
        return number == self.id

    def lets_write(self, member: Member) -> bool:
        """Whether somebody who may write in the group may write here (TDL: can_send_message_to_forum_topic)."""
        return not self.is_closed or member.account.id == self.creator_id or member.can("can_manage_topics")


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
    topic = ForumTopic(group, chats.next_message_id, name, creator.id, icon_color, icon_custom_emoji_id)
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
