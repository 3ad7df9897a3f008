"""Groups, supergroups and channels, and who is in them as what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from aiogram import types

from neonpay.simulator.wire.objects import build, dump

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from neonpay.simulator.chats.accounts import BotAccount, UserAccount
    from neonpay.simulator.chats.invite_links import InviteLink
    from neonpay.simulator.chats.posts import Post

GroupKind: TypeAlias = Literal["group", "supergroup", "channel"]
MemberStatus: TypeAlias = Literal["creator", "administrator", "member", "restricted", "left", "kicked"]

CHANNEL_RIGHTS: Final = frozenset({"can_post_messages", "can_edit_messages", "can_manage_direct_messages"})
"""Rights that an administrator can have in channels only (API, ChatMemberAdministrator)."""
GROUP_RIGHTS: Final = frozenset({"can_pin_messages", "can_manage_tags"})
"""Rights in groups and supergroups only."""
SUPERGROUP_RIGHTS: Final = frozenset({"can_manage_topics"})
"""Rights in supergroups only."""
COMMON_RIGHTS: Final = frozenset(
    {
        "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members", "can_promote_members",
        "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories", "can_delete_stories",
        "can_send_welcome_messages",
    }
)  # fmt: skip
"""Rights everywhere."""
PERMISSIONS: Final = frozenset(
    {
        "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
        "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
        "can_add_web_page_previews", "can_react_to_messages", "can_edit_tag", "can_change_info", "can_invite_users",
        "can_pin_messages", "can_manage_topics",
    }
)  # fmt: skip
"""What a member may do unless restricted (API, ChatPermissions)."""
GENERAL_ID: Final = 1
"""The id of General (SRV: GENERAL_FORUM_TOPIC_ID)."""
ICON_COLORS: Final = (0x6FB9F0, 0xFFD67E, 0xCB86DB, 0x8EEE98, 0xFF93B2, 0xFB6F5F)
"""Colours that an icon can have (API, createForumTopic); the first is that of topics for which none is named."""
_DEFAULT_PERMISSIONS: Final = PERMISSIONS - {"can_change_info", "can_pin_messages", "can_manage_topics"}


@dataclass(frozen=True, slots=True)
class Member:
    """What somebody is in a group.

    Attributes:
        rights: of an administrator.
        permissions: of somebody restricted.
        until_date: Unix time at which a ban, a restriction or a paid membership ends; 0 for never.
        stays: somebody restricted is in the group.
    """

    account: BotAccount | UserAccount
    status: MemberStatus = "member"
    rights: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    until_date: int = 0
    custom_title: str = ""
    stays: bool = True

    @property
    def is_in(self) -> bool:
        """Whether they are in the group."""
        return self.status in {"creator", "administrator", "member"} or (self.status == "restricted" and self.stays)

    @property
    def is_admin(self) -> bool:
        """Whether they run the group."""
        return self.status in {"creator", "administrator"}

    def can(self, right: str) -> bool:
        """Whether they have this right of an administrator."""
        return self.status == "creator" or (self.status == "administrator" and right in self.rights)

    def as_json(self, kind: GroupKind) -> dict[str, object]:
        """The ``ChatMember`` object."""
        return dump(self._object(kind))

    def _object(self, kind: GroupKind) -> BaseModel:
        user = self.account.as_user
        title = self.custom_title or None
        match self.status:
            case "creator":
                return build(types.ChatMemberOwner, status="creator", user=user, is_anonymous=False, custom_title=title)
            case "administrator":
                return build(
                    types.ChatMemberAdministrator,
                    status="administrator",
                    user=user,
                    can_be_edited=False,
                    is_anonymous="is_anonymous" in self.rights,
                    custom_title=title,
                    **{right: right in self.rights for right in sorted(rights_in(kind))},
                )
            case "member":
                return build(types.ChatMemberMember, status="member", user=user, until_date=self.until_date or None)
            case "restricted":
                allowed = {name: name in self.permissions for name in sorted(PERMISSIONS)}
                return build(
                    types.ChatMemberRestricted,
                    status="restricted",
                    user=user,
                    is_member=self.stays,
                    until_date=self.until_date,
                    **allowed,
                )
            case "left":
                return build(types.ChatMemberLeft, status="left", user=user)
        return build(types.ChatMemberBanned, status="kicked", user=user, until_date=self.until_date)


@dataclass(slots=True, eq=False)
class Group:
    """A chat of many.

    Attributes:
        kind: a channel is one too.
        username: without @; a group that has one is public.
        permissions: what members may do by default.
        pinned: ids of pinned messages, the newest last.
        requests: who asks to be let in, by the link that they used.
        balance_stars: what a channel has earned.
        parent: the channel whose direct messages this is.
        guard: the bot that decides on who asks to be let in, as an owner sets it in Telegram; set it to one.
        topics: of a forum, by their ids; a group that is none has none.
    """

    id: int
    kind: GroupKind
    title: str
    username: str = ""
    description: str = ""
    members: dict[int, Member] = field(default_factory=dict, repr=False)
    permissions: frozenset[str] = _DEFAULT_PERMISSIONS
    posts: list[Post] = field(default_factory=list, repr=False)
    pinned: list[int] = field(default_factory=list)
    links: dict[str, InviteLink] = field(default_factory=dict, repr=False)
    requests: dict[int, InviteLink] = field(default_factory=dict, repr=False)
    balance_stars: int = 0
    parent: Group | None = field(default=None, repr=False)
    guard: BotAccount | None = None
    topics: dict[int, ForumTopic] = field(default_factory=dict, repr=False)

    @property
    def as_json(self) -> dict[str, object]:
        """The ``Chat`` object."""
        fields: dict[str, object] = {"id": self.id, "type": self.kind, "title": self.title}
        if self.username:
            fields["username"] = self.username
        if self.parent is not None:
            fields["is_direct_messages"] = True
        if self.topics:
            fields["is_forum"] = True
        return fields

    @property
    def is_public(self) -> bool:
        """Whether everybody can find it."""
        return bool(self.username)

    def member(self, account: BotAccount | UserAccount) -> Member:
        """What somebody is here; somebody who never was has left."""
        return self.members.get(account.id, Member(account, "left"))

    def present(self) -> Iterator[Member]:
        """Everybody who is here, in the order of coming."""
        return (member for member in self.members.values() if member.is_in)

    @property
    def creator(self) -> Member:
        """Whose group it is."""
        return next(member for member in self.members.values() if member.status == "creator")


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


@dataclass(frozen=True, slots=True)
class Seat:
    """A bot's place in a group: where it writes, as its private chats are."""

    bot: BotAccount
    group: Group

    @property
    def id(self) -> int:
        """The chat's id."""
        return self.group.id

    @property
    def as_json(self) -> dict[str, object]:
        """The ``Chat`` object."""
        return self.group.as_json

    @property
    def posts(self) -> list[Post]:
        """The messages in it."""
        return self.group.posts

    @property
    def member(self) -> Member:
        """What the bot is there."""
        return self.group.member(self.bot)


def rights_in(kind: GroupKind) -> frozenset[str]:
    """The rights that an administrator of such a group can have."""
    if kind == "channel":
        return COMMON_RIGHTS | CHANNEL_RIGHTS
    return COMMON_RIGHTS | GROUP_RIGHTS | (SUPERGROUP_RIGHTS if kind == "supergroup" else frozenset())
