"""Places in channels that are paid by the month: ``createChatSubscriptionInviteLink``.

By https://core.telegram.org/api/subscriptions (read 2026-11-21) the Stars go to the channel, so no bot sees them in its list of
transactions; the place renews itself at its end; and who has left comes back without paying until then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from neonpay.errors import SimulatorError
from neonpay.simulator.chats.groups import Group, Member

if TYPE_CHECKING:
    from neonpay.simulator.chats.accounts import UserAccount
    from neonpay.simulator.chats.invite_links import InviteLink
    from neonpay.simulator.clock import SteppedClock
    from neonpay.simulator.members.memberships import Memberships


@dataclass(slots=True, eq=False)
class PaidPlace:
    """What somebody has paid for.

    Attributes:
        expires_at_s: Unix time.
        canceled: it does not renew.
    """

    group: Group
    link: InviteLink
    person: UserAccount
    expires_at_s: int
    canceled: bool = False


class PaidMemberships:
    """Takes the Stars of each period until the member cancels, leaves, or has too few."""

    def __init__(self, memberships: Memberships, clock: SteppedClock) -> None:
        self._memberships = memberships
        self._clock = clock
        self._places: dict[tuple[int, int], PaidPlace] = {}

    def enter(self, person: UserAccount, url: str) -> None:
        """Be let in for the Stars of the first period, or for nothing while a period is paid for.

        Raises:
            SimulatorError: the link lets nobody in, or the Stars do not suffice; nothing was paid.
        """
        group, link = self._memberships.behind(url)
        place = self._places.get((group.id, person.id))
        if place is not None and place.link is link:
            self._memberships.check_entry(group, replace(link, member_limit=0), person)
            member = Member(person, until_date=place.expires_at_s)
            self._memberships.change(group, member, by=person, link=link)
            return
        self._memberships.check_entry(group, link, person)
        if person.balance_stars < link.subscription_price_stars:
            raise SimulatorError(f"{person.first_name} has {person.balance_stars} Stars: BALANCE_TOO_LOW")
        place = self._places[group.id, person.id] = PaidPlace(group, link, person, 0)
        self._take(place)

    def of(self, person: UserAccount, group: Group) -> PaidPlace:
        """What this person has paid for in a channel.

        Raises:
            SimulatorError: nothing.
        """
        place = self._places.get((group.id, person.id))
        if place is None:
            raise SimulatorError(f"{person.first_name} has no paid place in {group.title!r}")
        return place

    def set_canceled(self, place: PaidPlace, *, canceled: bool) -> None:
        """End the renewals, or take them up again; no bot is told, and the member stays to the end of the period.

        Raises:
            SimulatorError: it is so already.
        """
        if place.canceled == canceled:
            raise SimulatorError(f"this place is {'cancelled already' if canceled else 'not cancelled'}")
        place.canceled = canceled

    def _take(self, place: PaidPlace) -> None:
        group, person, link = place.group, place.person, place.link
        person.balance_stars -= link.subscription_price_stars
        group.balance_stars += link.subscription_price_stars
        place.expires_at_s = int(self._clock.now()) + link.subscription_period_s
        now_is = group.member(person)
        # UNVERIFIED: that bots are told of each renewal, by a chat_member update with the later date.
        member = replace(now_is, until_date=place.expires_at_s) if now_is.is_in else Member(
            person, until_date=place.expires_at_s
        )  # fmt: skip
        self._memberships.change(group, member, by=person, link=link)
        what = f"end of the period of {person.first_name}'s place in {group.title}"
        self._clock.call_at(place.expires_at_s, lambda: self._fall_due(place), what=what)

    def _fall_due(self, place: PaidPlace) -> None:
        group, person = place.group, place.person
        is_in = group.member(person).is_in
        # UNVERIFIED: that who has left pays no more, and that who has too few Stars is out at once.
        if is_in and not place.canceled and person.balance_stars >= place.link.subscription_price_stars:
            self._take(place)
            return
        del self._places[group.id, person.id]
        if is_in:
            self._memberships.change(group, Member(person, "left"), by=person)
