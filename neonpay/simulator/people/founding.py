"""Groups and channels made for a test, with everybody in them."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final

from neonpay.errors import SimulatorError
from neonpay.simulator.chats.accounts import BotAccount
from neonpay.simulator.chats.topics import clean_name, make_forum, open_topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neonpay.simulator.chats.accounts import UserAccount
    from neonpay.simulator.chats.groups import ForumTopic, Group, GroupKind
    from neonpay.simulator.people.persons import Person
    from neonpay.simulator.world import World

_USERNAME_LETTERS: Final = frozenset(string.ascii_letters + string.digits + "_")


class Places:
    """Makes groups and channels."""

    _world: World

    def group(
        self,
        title: str,
        *,
        members: Sequence[Person | BotAccount] = (),
        administrators: Sequence[Person | BotAccount] = (),
        owner: Person | None = None,
        username: str = "",
        kind: GroupKind = "supergroup",
        forum: bool = False,
        id: int | None = None,  # noqa: A002 - the word that everybody who looks for it uses
    ) -> Group:
        """A new group with these people and bots in it; bots are told that they were added.

        Args:
            title: its name.
            members: who is in it.
            administrators: who runs it, with every right.
            owner: whose it is; somebody new when left out.
            username: makes it public.
            kind: ``supergroup``, or ``group`` for the small old kind.
            forum: whether it has topics; ``topic`` and the bots' ``createForumTopic`` make some.
            id: as bots know it, such as -1001234567890; a new one when left out.

        Raises:
            SimulatorError: the title is empty, the username or the id cannot be one or is taken, or a forum is no supergroup.
        """
        return found(self._world, title, kind, members, administrators, owner, username, id, forum=forum)

    def channel(
        self,
        title: str,
        *,
        members: Sequence[Person | BotAccount] = (),
        administrators: Sequence[Person | BotAccount] = (),
        owner: Person | None = None,
        username: str = "",
        id: int | None = None,  # noqa: A002 - the same
    ) -> Group:
        """A new channel; the bots in it are administrators, as they can only be that there.

        Args:
            title: its name.
            members: who has subscribed to it.
            administrators: who runs it, with every right.
            owner: whose it is; somebody new when left out.
            username: makes it public.
            id: as bots know it, such as -1001234567890, for a bot that has it in its settings; a new one when left out.

        Raises:
            SimulatorError: the title is empty, or the username or the id cannot be one or is taken.
        """
        return found(self._world, title, "channel", members, administrators, owner, username, id)

    def topic(self, group: Group, name: str) -> ForumTopic:
        """A new topic, made by the owner of a forum; people take it wherever they take a group.

        Raises:
            SimulatorError: the group is no forum, or the name is empty.
        """
        if not group.topics:
            raise SimulatorError(f"{group.title!r} is no forum; make one by group({group.title!r}, forum=True)")
        if not name.strip():
            raise SimulatorError("a topic needs a name")
        return open_topic(group, self._world.chats, group.creator.account, clean_name(name))

    def direct_messages(self, channel: Group) -> Group:
        """The chat in which people write to a channel and suggest posts to it.

        Raises:
            SimulatorError: it is no channel.
        """
        if channel.kind != "channel":
            raise SimulatorError(f"{channel.title!r} is a {channel.kind}, and only channels have direct messages")
        return self._world.memberships.open_direct_messages(channel)

    def groups(self) -> list[Group]:
        """Every group and channel."""
        return list(self._world.chats.groups.values())


def found(
    world: World,
    title: str,
    kind: GroupKind,
    members: Sequence[Person | BotAccount],
    administrators: Sequence[Person | BotAccount],
    owner: Person | None,
    username: str,
    group_id: int | None = None,
    *,
    forum: bool = False,
) -> Group:
    """Make a group of this kind.

    Raises:
        SimulatorError: the title is empty, the username or the id cannot be one or is taken, or a forum is no supergroup.
    """
    if forum and kind != "supergroup":
        raise SimulatorError(f"a {kind} has no topics; only a supergroup can be a forum")
    username = username.removeprefix("@")
    taken = {group.username.lower() for group in world.chats.groups.values() if group.username}
    if not title.strip():
        raise SimulatorError("a group needs a title")
    if username and (not _USERNAME_LETTERS.issuperset(username) or username.lower() in taken):
        raise SimulatorError(f"{username!r} cannot be a username, or another group has it")
    founder = world.accounts.user("Owner") if owner is None else world.accounts.users[owner.id]
    group = world.memberships.found(title, kind, founder, username=username, group_id=group_id)
    if forum:
        make_forum(group, world.chats, founder)
    for who in members:
        world.memberships.admit(group, _account_of(world, who), by=founder)
    for who in administrators:
        world.memberships.promote(group, _account_of(world, who), by=founder)
    return group


def _account_of(world: World, who: Person | BotAccount) -> BotAccount | UserAccount:
    return who if isinstance(who, BotAccount) else world.accounts.users[who.id]
