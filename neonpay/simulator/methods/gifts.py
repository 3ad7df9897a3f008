"""Gifts and Telegram Premium, bought with a bot's Stars."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiogram import types

from neonpay.simulator.calls.requests import Done, Method, Request
from neonpay.simulator.chats.accounts import NANOSTARS, BotAccount
from neonpay.simulator.chats.groups import Seat
from neonpay.simulator.files.contents import params_of
from neonpay.simulator.methods.chats import user_id_of
from neonpay.simulator.methods.depth import simulated
from neonpay.simulator.money.gifts import PREMIUM_PRICES, TEXT_MAX_CHARS, OwnedGift
from neonpay.simulator.text.formatting import read_formatted
from neonpay.simulator.wire.objects import build, dump
from neonpay.simulator.wire.refusal import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from neonpay.simulator.chats.accounts import UserAccount
    from neonpay.simulator.money.gifts import GiftKind
    from neonpay.simulator.text.formatting import FormattedText

PAGE_MAX: Final = 100
"""Most gifts in one answer (API, getUserGifts)."""
_TEXT_CLAMP: Final = 10**6


@simulated("A catalogue of the simulator's own: three gifts without end, and one of ten that can be upgraded.")
def get_available_gifts(request: Request) -> Done:
    """What can be bought."""
    gifts = [kind.as_json for kind in request.world.gifts.catalogue.values()]
    return Done(dump(build(types.Gifts, gifts=gifts)))


@simulated(
    "To people and channels, with text and prepaid upgrade; the Stars leave the bot's balance and the row is a `gift_purchase` "
    "of the user, or of the chat. Limited gifts sell out.",
)
def send_gift(request: Request) -> Done:
    """Buy a gift for somebody."""
    params, world = request.params, request.world
    text = _text(request)
    kind = world.gifts.catalogue.get(params.required("gift_id"))
    user, seat = _receiver(request)
    if kind is None:
        raise bad_request("STARGIFT_INVALID")  # UNVERIFIED word, as the next four
    if kind.total and seat is not None:
        raise bad_request("STARGIFT_INVALID")  # API, sendGift: limited gifts can't be sent to channels
    if kind.total and not kind.left:
        raise bad_request("STARGIFT_USAGE_LIMITED")
    upgrade_stars = kind.upgrade_stars if params.boolean("pay_for_upgrade") else 0
    if params.boolean("pay_for_upgrade") and not upgrade_stars:
        raise bad_request("STARGIFT_UPGRADE_UNAVAILABLE")
    if len(text.text) > TEXT_MAX_CHARS:
        raise bad_request("STARGIFT_MESSAGE_INVALID")
    _pay(request, kind.stars + upgrade_stars, _partner(kind, user, seat), user)
    owner_id = user.id if user is not None else seat.id if seat is not None else 0
    entities = tuple(text.entities)
    gift = OwnedGift(kind, request.bot, int(world.clock.now()), text.text, entities, upgrade_stars)
    world.gifts.give(owner_id, gift)
    return Done(True)


@simulated(
    "3, 6 or 12 months for 1000, 1500 or 2500 Stars; the row is a `premium_purchase`. Nobody is shown as Premium by it."
)
def gift_premium_subscription(request: Request) -> Done:
    """Buy somebody Telegram Premium."""
    params = request.params
    user_id = user_id_of(request)
    months, stars = params.integer("month_count"), params.integer("star_count")
    text = _text(request)
    user = _known_user(request, user_id)
    if PREMIUM_PRICES.get(months) != stars:
        raise bad_request("GIFT_MONTHS_INVALID")  # UNVERIFIED words here and below
    if len(text.text) > TEXT_MAX_CHARS:
        raise bad_request("GIFT_MESSAGE_INVALID")
    partner = build(
        types.TransactionPartnerUser,
        type="user",
        transaction_type="premium_purchase",
        user=user.as_user,
        premium_subscription_duration=months,
    )
    _pay(request, stars, partner, user)
    return Done(True)


@simulated("Gifts that bots of this simulator gave. Filters are heeded as far as such gifts differ.")
def get_user_gifts(request: Request) -> Done:
    """What somebody has got."""
    user = _known_user(request, user_id_of(request))
    return _page(request, user.id)


@simulated("As `getUserGifts`, of a channel in which the bot is.")
def get_chat_gifts(request: Request) -> Done:
    """What a channel has got."""
    place = request.world.chats.reach(request.bot, request.params.text("chat_id"), "read")
    return _page(request, place.id)


@simulated(
    "As `getUserGifts`, of a business account with the right `can_view_gifts_and_stars`; no gift can be converted or passed on."
)
def get_business_account_gifts(request: Request) -> Done:
    """What a business account has got."""
    connection_id = request.params.required("business_connection_id")
    connection = request.world.business.require(request.bot, connection_id, "can_view_gifts_and_stars")
    return _page(request, connection.owner.id)


def _page(request: Request, owner_id: int) -> Done:
    params = request.params
    gifts = request.world.gifts.owned.get(owner_id, [])
    gifts = [gift for gift in gifts if not _is_excluded(request, gift)]
    by_price = params.boolean("sort_by_price")
    gifts = sorted(gifts, key=lambda gift: -gift.kind.stars) if by_price else gifts[::-1]
    start = params.integer("offset", minimum=0)
    limit = params.integer("limit", PAGE_MAX, minimum=1, maximum=PAGE_MAX)
    more = str(start + limit) if start + limit < len(gifts) else None
    page = [gift.as_json for gift in gifts[start : start + limit]]
    return Done(dump(build(types.OwnedGifts, total_count=len(gifts), gifts=page, next_offset=more)))


def _is_excluded(request: Request, gift: OwnedGift) -> bool:
    params = request.params
    if not gift.kind.total:
        return params.boolean("exclude_unlimited") or params.boolean("exclude_saved")
    return params.boolean("exclude_limited_upgradable") or params.boolean("exclude_saved")


def _receiver(request: Request) -> tuple[UserAccount | None, Seat | None]:
    params = request.params
    if params.has("user_id") or not params.has("chat_id"):
        return _known_user(request, user_id_of(request)), None
    place = request.world.chats.reach(request.bot, params.text("chat_id"), "read")
    if isinstance(place, Seat):
        if place.group.kind != "channel":
            raise bad_request("CHAT_INVALID")  # UNVERIFIED word; API: a user, or a channel
        return None, place
    return place.user, None


def _known_user(request: Request, user_id: int) -> UserAccount:
    user = request.world.accounts.users.get(user_id)
    if user is None or not request.world.chats.between(request.bot, user).known:
        raise bad_request("user not found")  # SRV: check_user
    return user


def _text(request: Request) -> FormattedText:
    params = request.params
    said = params_of({"text": params.text("text"), "parse_mode": params.text("text_parse_mode")})
    if params.has("text_entities"):
        said.values["text_entities"] = params.text("text_entities")
    return read_formatted(said, "text", "text_entities", max_chars=_TEXT_CLAMP)


def _partner(kind: GiftKind, user: UserAccount | None, seat: Seat | None) -> BaseModel:
    if user is None:
        assert seat is not None, "a gift goes to somebody"
        return build(types.TransactionPartnerChat, type="chat", chat=seat.as_json, gift=kind.as_json)
    return build(
        types.TransactionPartnerUser,
        type="user",
        transaction_type="gift_purchase",
        user=user.as_user,
        gift=kind.as_json,
    )


def _pay(request: Request, stars: int, partner: BaseModel, user: UserAccount | None) -> None:
    bot: BotAccount = request.bot
    if bot.balance_stars < stars:
        raise bad_request("BALANCE_TOO_LOW")  # ERR
    till = request.world.till
    till.enter(bot, till.new_id(), "receiver", stars * NANOSTARS, partner, user_id=None if user is None else user.id)


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "getAvailableGifts": get_available_gifts,
        "getBusinessAccountGifts": get_business_account_gifts,
        "getChatGifts": get_chat_gifts,
        "getUserGifts": get_user_gifts,
        "giftPremiumSubscription": gift_premium_subscription,
        "sendGift": send_gift,
    }
)
