"""What people do in groups and channels beside talking: come, go, bring others, and run them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from neonpay.errors import SimulatorError
from neonpay.simulator.chats.accounts import BotAccount
from neonpay.simulator.chats.groups import Group, Member
from neonpay.simulator.people.persons import Person

if TYPE_CHECKING:
    from collections.abc import Iterable

    from neonpay.simulator.chats.accounts import UserAccount


class Joiner(Person):
    """Somebody who is in groups."""

    async def joins(self, where: Group | str) -> Literal["joined", "asked"]:
        """Join a public group, or follow an invite link; ``asked`` means that an administrator has to approve.

        A link with a price takes the Stars of the first period.

        Raises:
            SimulatorError: it is not public, the link lets nobody in, the Stars do not suffice, or this person is banned or
                in already.
        """
        if isinstance(where, str):
            _, link = self._world.memberships.behind(where)
            if link.subscription_period_s:
                self._world.paid_memberships.enter(self._account, where)
                return "joined"
            return self._world.memberships.enter(self._account, where)
        if not where.is_public:
            raise SimulatorError(
                f"{where.title!r} is private: join by an invite link, or have somebody add {self.name}"
            )
        primary = next(link for link in where.links.values() if link.is_primary)
        self._world.memberships.check_entry(where, primary, self._account)
        self._world.memberships.change(where, Member(self._account), by=self._account)
        return "joined"

    def join_web_app(self, group: Group) -> str:
        """The address of the Mini App that the group's guard shows this person, who has asked to be let in.

        Raises:
            SimulatorError: it shows none.
        """
        url = self._world.memberships.join_queries.shown_to(self._account, group)
        if not url:
            raise SimulatorError(f"the guard of {group.title!r} shows {self.name} no Mini App")
        return url

    async def leaves(self, group: Group) -> None:
        """Leave it.

        Raises:
            SimulatorError: this person is not in it, or owns it.
        """
        member = group.member(self._account)
        if not member.is_in or member.status == "creator":
            raise SimulatorError(f"{self.name} {'owns' if member.is_in else 'is not in'} {group.title!r}")
        self._world.memberships.change(group, Member(self._account, "left"), by=self._account)

    async def adds(self, who: BotAccount | Person, *, to: Group) -> None:
        """Bring somebody in; a bot comes to a channel as its administrator.

        Raises:
            SimulatorError: this person is not in the group.
        """
        self._in(to)
        self._world.memberships.admit(to, _account(who), by=self._account)

    async def promotes(self, who: BotAccount | Person, *, in_: Group, rights: Iterable[str] | None = None) -> None:
        """Make somebody an administrator, with every right unless told which.

        Raises:
            SimulatorError: this person may not, or there is no such right.
        """
        self._runs(in_)
        given = None if rights is None else frozenset(rights)
        if given is not None and (wrong := [name for name in given if not name.startswith(("can_", "is_anonymous"))]):
            raise SimulatorError(f"{', '.join(wrong)}: rights are named as in ChatAdministratorRights")
        self._world.memberships.promote(in_, _account(who), by=self._account, rights=given)

    async def removes(self, who: BotAccount | Person, *, from_: Group) -> None:
        """Ban somebody.

        Raises:
            SimulatorError: this person may not.
        """
        self._runs(from_)
        self._world.memberships.change(from_, Member(_account(who), "kicked"), by=self._account)

    def _in(self, group: Group) -> Member:
        member = group.member(self._account)
        if not member.is_in:
            raise SimulatorError(f"{self.name} is not in {group.title!r}")
        return member

    def _runs(self, group: Group) -> None:
        if not self._in(group).is_admin:
            raise SimulatorError(f"{self.name} is no administrator of {group.title!r}")


def _account(who: BotAccount | Person) -> BotAccount | UserAccount:
    return who if isinstance(who, BotAccount) else who._account  # noqa: SLF001 - of this very class
