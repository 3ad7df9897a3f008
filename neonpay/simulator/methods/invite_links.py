"""Links into groups and channels, paid ones too."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from neonpay.core.limits import SUBSCRIPTION_PRICE_MAX_STARS
from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.chats.access import require_right
from neonpay.simulator.chats.groups import Seat
from neonpay.simulator.chats.invite_links import InviteLink, new_url
from neonpay.simulator.chats.invoices import subscription_periods_s
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.params import INT32_MAX
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME_MAX_CHARS: Final = 32
"""Longest name of a link (API, createChatInviteLink)."""
_MEMBERS_MAX: Final = 99_999
_LIMIT_CLAMP: Final = 100_000


@simulated("The old primary link leads nowhere any more.")
def export_chat_invite_link(request: Request) -> Done:
    """Make a new primary link."""
    seat, world = _seat(request), request.world
    for link in seat.group.links.values():
        if link.is_primary:
            link.is_primary, link.is_revoked = False, True
    made = InviteLink(new_url(world.random), request.bot, is_primary=True)
    seat.group.links[made.url] = made
    return Done(made.url)


@simulated("With expiry, limit and join requests; people follow it by `Buyer.joins`.")
def create_chat_invite_link(request: Request) -> Done:
    """Make a link."""
    seat = _seat(request)
    made = InviteLink(new_url(request.world.random), request.bot)
    _set(request, made)
    seat.group.links[made.url] = made
    return Done(made.as_json)


@simulated("Of the bot's own links.")
def edit_chat_invite_link(request: Request) -> Done:
    """Change a link."""
    link = _own(request)
    if link.subscription_period_s:
        raise bad_request("CHAT_INVITE_LINK_IS_SUBSCRIPTION")  # UNVERIFIED word
    _set(request, link)
    return Done(link.as_json)


@simulated("Of the bot's own links; who has come by it stays.")
def revoke_chat_invite_link(request: Request) -> Done:
    """Have a link lead nowhere."""
    link = _own(request)
    link.is_revoked = True
    return Done(link.as_json)


@simulated(
    "Channels only, 2592000 s, 1 to 10000 Stars. `Buyer.joins` pays the first period, later ones are taken as time passes, "
    "`until_date` tells to when; the Stars are the channel's (`Group.balance_stars`), so no bot's list has them."
)
def create_chat_subscription_invite_link(request: Request) -> Done:
    """Make a link that costs Stars every month."""
    params = request.params
    period_s = params.integer("subscription_period")
    price_stars = params.integer("subscription_price")
    seat = _seat(request)
    if seat.group.kind != "channel":
        raise bad_request("PRICING_CHAT_INVALID")  # ERR
    if period_s not in subscription_periods_s(test_environment=request.world.test_environment):
        raise bad_request("SUBSCRIPTION_PERIOD_INVALID")  # ERR
    if not 1 <= price_stars <= SUBSCRIPTION_PRICE_MAX_STARS:
        raise bad_request("PRICING_AMOUNT_INVALID")  # API has the bounds. UNVERIFIED word
    made = InviteLink(
        new_url(request.world.random),
        request.bot,
        name=_name(request),
        subscription_period_s=period_s,
        subscription_price_stars=price_stars,
    )
    seat.group.links[made.url] = made
    return Done(made.as_json)


@simulated("The name alone, as the Bot API has it.")
def edit_chat_subscription_invite_link(request: Request) -> Done:
    """Rename such a link."""
    link = _own(request)
    if not link.subscription_period_s:
        raise bad_request("INVITE_HASH_INVALID")  # UNVERIFIED word
    link.name = _name(request)
    return Done(link.as_json)


def _seat(request: Request) -> Seat:
    place = request.world.chats.writable(request.bot, request.params.text("chat_id"))
    if not isinstance(place, Seat):
        raise bad_request("can't invite members to a private chat")  # TDL
    require_right(place, "can_invite_users")
    return place


def _own(request: Request) -> InviteLink:
    seat = _seat(request)
    link = seat.group.links.get(request.params.text("invite_link"))
    if link is None or link.creator is not request.bot:
        raise bad_request("INVITE_HASH_EXPIRED" if link is None else "CHAT_ADMIN_INVITE_REQUIRED")  # ERR
    return link


def _set(request: Request, link: InviteLink) -> None:
    params = request.params
    name = _name(request)
    expire_date = params.integer("expire_date", minimum=0, maximum=INT32_MAX)
    limit = params.integer("member_limit", minimum=0, maximum=_LIMIT_CLAMP)
    asks = params.boolean("creates_join_request")
    if expire_date and expire_date <= request.world.clock.now():
        raise bad_request("EXPIRE_DATE_INVALID")  # ERR
    if limit > _MEMBERS_MAX:
        raise bad_request("USAGE_LIMIT_INVALID")  # ERR
    if asks and limit:
        # API, createChatInviteLink; TDL
        raise bad_request("member limit can't be specified for links requiring administrator approval")
    link.name, link.expire_date, link.member_limit, link.creates_join_request = name, expire_date, limit, asks


def _name(request: Request) -> str:
    name = request.params.text("name")
    if len(name) > NAME_MAX_CHARS:
        raise bad_request("INVITE_LINK_NAME_TOO_LONG")  # API has the bound. UNVERIFIED word
    return name


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "createChatInviteLink": create_chat_invite_link,
        "createChatSubscriptionInviteLink": create_chat_subscription_invite_link,
        "editChatInviteLink": edit_chat_invite_link,
        "editChatSubscriptionInviteLink": edit_chat_subscription_invite_link,
        "exportChatInviteLink": export_chat_invite_link,
        "revokeChatInviteLink": revoke_chat_invite_link,
    }
)
