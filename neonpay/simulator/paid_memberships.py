"""Places in channels that are paid by the month: ``createChatSubscriptionInviteLink``.

The Stars go to the channel, so no bot sees them in its list of transactions (https://core.telegram.org/api/subscriptions,
read 2026-11-20).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neonpay.errors import SimulatorError
from neonpay.simulator.groups import Group, Member

if TYPE_CHECKING:
    from neonpay.simulator.accounts import UserAccount
    from neonpay.simulator.clock import SteppedClock
    from neonpay.simulator.invite_links import InviteLink
    from neonpay.simulator.memberships import Memberships


class PaidMemberships:
    """Takes the Stars of each period until the member leaves or has too few."""

    def __init__(self, memberships: Memberships, clock: SteppedClock) -> None:
        self._memberships = memberships
        self._clock = clock

    def enter(self, person: UserAccount, url: str) -> None:
        """Pay the first period and be let in.

        Raises:
            SimulatorError: the link lets nobody in, or the Stars do not suffice; nothing was paid.
        """
        group, link = self._memberships.behind(url)
        self._memberships.check_entry(group, link, person)
        if person.balance_stars < link.subscription_price_stars:
            raise SimulatorError(f"{person.first_name} has {person.balance_stars} Stars: BALANCE_TOO_LOW")
        self._take(group, link, person)

    def _take(self, group: Group, link: InviteLink, person: UserAccount) -> None:
        person.balance_stars -= link.subscription_price_stars
        group.balance_stars += link.subscription_price_stars
        until = int(self._clock.now()) + link.subscription_period_s
        # UNVERIFIED: that bots are told of each renewal, by a chat_member update with the later date.
        member = Member(person, until_date=until)
        self._memberships.change(group, member, by=person, link=link)
        self._clock.call_after(link.subscription_period_s, lambda: self._renew(group, link, person, member))

    def _renew(self, group: Group, link: InviteLink, person: UserAccount, member: Member) -> None:
        if group.member(person) is not member:
            return
        if person.balance_stars >= link.subscription_price_stars:
            self._take(group, link, person)
        else:
            self._memberships.change(group, Member(person, "left"), by=person)
