"""Groups and channels made for a test, with everybody in them."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final

from neonpay.errors import SimulatorError
from neonpay.simulator.chats.accounts import BotAccount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neonpay.simulator.chats.accounts import UserAccount
    from neonpay.simulator.chats.groups import Group, GroupKind
    from neonpay.simulator.people.persons import Person
    from neonpay.simulator.world import World

_USERNAME_LETTERS: Final = frozenset(string.ascii_letters + string.digits + "_")


def found(
    world: World,
    title: str,
    kind: GroupKind,
    members: Sequence[Person | BotAccount],
    administrators: Sequence[Person | BotAccount],
    owner: Person | None,
    username: str,
) -> Group:
    """Make a group of this kind.

    Raises:
        SimulatorError: the title is empty, or the username cannot be one or is taken.
    """
    username = username.removeprefix("@")
    taken = {group.username.lower() for group in world.chats.groups.values() if group.username}
    if not title.strip():
        raise SimulatorError("a group needs a title")
    if username and (not _USERNAME_LETTERS.issuperset(username) or username.lower() in taken):
        raise SimulatorError(f"{username!r} cannot be a username, or another group has it")
    founder = world.accounts.user("Owner") if owner is None else world.accounts.users[owner.id]
    group = world.memberships.found(title, kind, founder, username=username)
    for who in members:
        world.memberships.admit(group, _account_of(world, who), by=founder)
    for who in administrators:
        world.memberships.promote(group, _account_of(world, who), by=founder)
    return group


def _account_of(world: World, who: Person | BotAccount) -> BotAccount | UserAccount:
    return who if isinstance(who, BotAccount) else world.accounts.users[who.id]
