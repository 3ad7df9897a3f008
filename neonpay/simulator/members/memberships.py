"""Coming to groups and channels, leaving them, and what bots are told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from aiogram import types

from neonpay.errors import SimulatorError
from neonpay.simulator.chats.groups import Group, Member, rights_in
from neonpay.simulator.chats.invite_links import InviteLink, new_url
from neonpay.simulator.members.join_queries import JoinQueries
from neonpay.simulator.wire.objects import build, dump

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from neonpay.simulator.chats.accounts import Accounts, BotAccount, UserAccount
    from neonpay.simulator.chats.book import Chats
    from neonpay.simulator.chats.groups import GroupKind
    from neonpay.simulator.clock import SteppedClock

SUPERGROUP_BASE: Final = 10**12
"""Ids of supergroups and channels are below minus this (SRV: get_supergroup_chat_id)."""


class Memberships:
    """Who comes and goes."""

    def __init__(
        self,
        accounts: Accounts,
        chats: Chats,
        clock: SteppedClock,
        random: Random,
        tell: Callable[[BotAccount, str, dict[str, object], tuple[int, str]], object],
    ) -> None:
        self._accounts = accounts
        self._chats = chats
        self._clock = clock
        self._random = random
        self._tell = tell
        self.join_queries = JoinQueries(clock, random)

    def found(
        self, title: str, kind: GroupKind, owner: UserAccount, *, username: str = "", group_id: int | None = None
    ) -> Group:
        """A new group with nobody in it but its owner.

        Raises:
            SimulatorError: the id is taken, or is none of such a group.
        """
        if group_id is None:
            number = self._random.randrange(10**9, 4 * 10**9)
            group_id = -number if kind == "group" else -SUPERGROUP_BASE - number
        elif group_id in self._chats.groups:
            raise SimulatorError(f"another group has the id {group_id}")
        elif not (-SUPERGROUP_BASE < group_id < 0 if kind == "group" else group_id < -SUPERGROUP_BASE):
            like = "-1234567" if kind == "group" else "-1001234567890"
            raise SimulatorError(f"{group_id} is no id of a {kind}; bots know one by an id such as {like}")
        group = Group(group_id, kind, title, username)
        group.members[owner.id] = Member(owner, "creator")
        link = InviteLink(new_url(self._random), owner, is_primary=True)
        group.links[link.url] = link
        self._chats.groups[group_id] = group
        return group

    def open_direct_messages(self, channel: Group) -> Group:
        """The chat in which people write to a channel; its administrators are the channel's own."""
        known = (group for group in self._chats.groups.values() if group.parent is channel)
        opened = next(known, None)
        if opened is None:
            group_id = -SUPERGROUP_BASE - self._random.randrange(10**9, 4 * 10**9)
            opened = Group(group_id, "supergroup", channel.title, parent=channel, members=channel.members)
            self._chats.groups[group_id] = opened
        return opened

    def change(
        self,
        group: Group,
        new: Member,
        *,
        by: BotAccount | UserAccount,
        link: InviteLink | None = None,
        via_request: bool = False,
    ) -> None:
        """Make somebody something else in a group, and tell the bots that may know."""
        old = group.member(new.account)
        if old == new:
            return
        group.members[new.account.id] = new
        group.requests.pop(new.account.id, None)
        if link is not None and new.is_in and not old.is_in:
            link.joined |= {new.account.id}
        if new.until_date:
            self._end_later(group, new)
        update = build(
            types.ChatMemberUpdated,
            chat=group.as_json,
            from_=by.as_user,
            date=int(self._clock.now()),
            old_chat_member=old.as_json(group.kind),
            new_chat_member=new.as_json(group.kind),
            invite_link=None if link is None else link.as_json,
            via_join_request=via_request or None,
        )
        self._tell_of_change(group, new, dump(update), by)
        if group.kind != "channel" and old.is_in != new.is_in:
            gone: dict[str, object] = {"left_chat_member": new.account.as_user}
            come: dict[str, object] = {"new_chat_members": [new.account.as_user]}
            self._chats.post_in(group, by, come if new.is_in else gone)

    def admit(self, group: Group, account: BotAccount | UserAccount, *, by: BotAccount | UserAccount) -> None:
        """Let somebody in; a bot comes to a channel as an administrator, as it can only be that there."""
        if group.kind == "channel" and account.id in self._accounts.bots:
            self.promote(group, account, by=by)
        else:
            self.change(group, Member(account), by=by)

    def promote(
        self,
        group: Group,
        account: BotAccount | UserAccount,
        *,
        by: BotAccount | UserAccount,
        rights: frozenset[str] | None = None,
    ) -> None:
        """Make somebody an administrator, with every right that there is unless told which."""
        every = rights_in(group.kind)
        given = every if rights is None else (rights & every) | {"can_manage_chat"}
        title = group.member(account).custom_title
        self.change(group, Member(account, "administrator", given, custom_title=title), by=by)

    def enter(self, person: UserAccount, url: str) -> Literal["joined", "asked"]:
        """Follow an invite link that costs nothing.

        Raises:
            SimulatorError: there is no such link, it lets nobody in, or the person is banned or in already.
        """
        group, link = self.behind(url)
        self.check_entry(group, link, person)
        if link.creates_join_request:
            self._ask(group, link, person)
            return "asked"
        self.change(group, Member(person), by=person, link=link)
        return "joined"

    def behind(self, url: str) -> tuple[Group, InviteLink]:
        """The group that a link leads to.

        Raises:
            SimulatorError: none.
        """
        for group in self._chats.groups.values():
            if url in group.links:
                return group, group.links[url]
        raise SimulatorError(f"no group has the invite link {url!r}")

    def check_entry(self, group: Group, link: InviteLink, person: UserAccount) -> None:
        """Whether somebody can come by this link now.

        Raises:
            SimulatorError: not.
        """
        member = group.member(person)
        if member.is_in or member.status == "kicked":
            state = "in it already" if member.is_in else "banned from it"
            raise SimulatorError(f"{person.first_name} cannot join {group.title!r}: {state}")
        if why := link.refuses(self._clock.now()):
            raise SimulatorError(f"{person.first_name} cannot join {group.title!r}: the link {why}")

    def _ask(self, group: Group, link: InviteLink, person: UserAccount) -> None:
        group.requests[person.id] = link
        link.pending += 1
        request = dump(
            build(
                types.ChatJoinRequest,
                chat=group.as_json,
                from_=person.as_user,
                user_chat_id=person.id,
                date=int(self._clock.now()),
                invite_link=link.as_json,
            )
        )

        def tell_administrators() -> None:
            for member in list(group.present()):
                bot = self._accounts.bots.get(member.account.id)
                # API, Update.chat_join_request
                if bot is not None and bot is not group.guard and member.can("can_invite_users"):
                    self._tell_of_request(bot, group, person, request)

        if group.guard is None:
            tell_administrators()
            return
        query = self.join_queries.ask(group.guard, group, person, queue=tell_administrators)
        self._tell_of_request(group.guard, group, person, request | {"query_id": query.id})

    def _tell_of_request(self, bot: BotAccount, group: Group, person: UserAccount, request: dict[str, object]) -> None:
        self._chats.between(bot, person).known = True
        self._tell(bot, "chat_join_request", request, (group.id, "membership"))

    def _tell_of_change(
        self, group: Group, new: Member, update: dict[str, object], by: BotAccount | UserAccount
    ) -> None:
        lane = (group.id, "membership")
        concerned = self._accounts.bots.get(new.account.id)
        if concerned is not None:
            self._tell(concerned, "my_chat_member", update, lane)
        for member in list(group.present()):
            bot = self._accounts.bots.get(member.account.id)
            # API, Update.chat_member: an administrator, who asks for it. UNVERIFIED: whether of its own deeds too.
            if bot is not None and bot is not concerned and member.is_admin:
                self._tell(bot, "chat_member", update, lane)

    def _end_later(self, group: Group, member: Member) -> None:
        if member.status not in {"kicked", "restricted"}:
            return

        def end() -> None:
            if group.member(member.account) is member:
                group.members[member.account.id] = (
                    Member(member.account) if member.is_in else replace(member, status="left", until_date=0)
                )

        self._clock.call_after(max(0.0, member.until_date - self._clock.now()), end)
