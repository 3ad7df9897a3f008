"""Business accounts: their connection, and their Stars."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.chats.accounts import NANOSTARS
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.money.business import BusinessConnection

TRANSFER_MAX_STARS: Final = 10_000
"""Most Stars of one transfer (API, transferBusinessAccountStars)."""


@simulated("Connections made by `Buyer.connects_business`.")
def get_business_connection(request: Request) -> Done:
    """Somebody's permission for the bot."""
    return Done(_connection(request, "").as_json)


@simulated("The balance of the person, with the right `can_view_gifts_and_stars`.")
def get_business_account_star_balance(request: Request) -> Done:
    """The Stars of a business account."""
    owner = _connection(request, "can_view_gifts_and_stars").owner
    return Done(dump(build(types.StarAmount, amount=owner.balance_stars)))


@simulated("1 to 10000 Stars, with the right `can_transfer_stars`; the row is a `business_account_transfer`.")
def transfer_business_account_stars(request: Request) -> Done:
    """Take Stars of a business account into the bot's balance."""
    stars = request.params.integer("star_count")
    owner = _connection(request, "can_transfer_stars").owner
    if not 1 <= stars <= TRANSFER_MAX_STARS:
        raise bad_request("STARS_AMOUNT_INVALID")  # API has the bounds. UNVERIFIED word
    if owner.balance_stars < stars:
        raise bad_request("BALANCE_TOO_LOW")  # ERR
    owner.balance_stars -= stars
    partner = build(
        types.TransactionPartnerUser, type="user", transaction_type="business_account_transfer", user=owner.as_user
    )
    till = request.world.till
    till.enter(request.bot, till.new_id(), "source", stars * NANOSTARS, partner, user_id=owner.id)
    return Done(True)


def _connection(request: Request, right: str) -> BusinessConnection:
    connection_id = request.params.required("business_connection_id")
    return request.world.business.require(request.bot, connection_id, right)


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "getBusinessAccountStarBalance": get_business_account_star_balance,
        "getBusinessConnection": get_business_connection,
        "transferBusinessAccountStars": transfer_business_account_stars,
    }
)
