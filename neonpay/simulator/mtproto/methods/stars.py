"""A bot's Stars: the balance, the transactions, and gifts that it buys and looks at."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from neonpay.core.limits import CURRENCY
from neonpay.simulator.mtproto.media import number_of
from neonpay.simulator.mtproto.peers import user_of
from neonpay.simulator.mtproto.reading import entities, not_simulated, params
from neonpay.simulator.mtproto.refusals import RpcRefusal
from neonpay.simulator.mtproto.stars import write_amount, write_gift, write_transaction
from neonpay.simulator.mtproto.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.mtproto.asked import Asked, Method
    from neonpay.simulator.mtproto.tl import TlObject

_PAGE_MAX: Final = 100
_FILTERS: Final = {
    "exclude_saved": "exclude_saved", "exclude_unlimited": "exclude_unlimited",
    "exclude_upgradable": "exclude_limited_upgradable", "sort_by_value": "sort_by_price",
}  # fmt: skip
"""Filters of gifts that say something here, and their names in the Bot API."""
_IDLE_FILTERS: Final = frozenset({"exclude_unsaved", "exclude_unique", "exclude_unupgradable", "exclude_hosted"})
"""Filters that nothing here falls under."""


async def get_stars_status(asked: Asked) -> TlObject:
    """The bot's balance."""
    _require_own(asked)
    balance = await asked.line.carry_out("getMyStarBalance", params())
    return _status(asked, balance["amount"], balance.get("nanostar_amount", 0), [], None)


async def get_stars_transactions(asked: Asked) -> TlObject:
    """The bot's transactions, newest first or ``ascending``, all or one direction, and its balance."""
    request, world = asked.request, asked.line.world
    _require_own(asked)
    if getattr(request, "subscription_id", None):
        raise not_simulated("transactions of one subscription")
    offset = int(request.offset) if request.offset.isdecimal() else 0
    limit = getattr(request, "limit", _PAGE_MAX)  # older layers have none
    total, rows = len(world.till.transactions(asked.me)), []
    for start in range(0, max(total, 1), _PAGE_MAX):
        call = params(offset=start, limit=_PAGE_MAX)
        rows += (await asked.line.carry_out("getStarTransactions", call))["transactions"]
    if not getattr(request, "ascending", None):
        rows.reverse()
    if request.inbound or request.outbound:
        wanted = {name for name, is_meant in (("source", request.inbound), ("receiver", request.outbound)) if is_meant}
        rows = [row for row in rows if wanted & row.keys()]
    end = offset + min(max(limit, 0), _PAGE_MAX)
    stars, nanos = asked.me.balance_stars, asked.me.balance_nanostars
    return _status(asked, stars, nanos, rows[offset:end], str(end) if end < len(rows) else None)


async def get_star_gifts(asked: Asked) -> TlObject:
    """The gifts that can be bought."""
    line = asked.line
    found = await line.carry_out("getAvailableGifts", params())
    gifts = [write_gift(line.tl, gift, int(line.world.clock.now())) for gift in found["gifts"]]
    return line.tl.make("payments.StarGifts", hash=0, gifts=gifts, chats=[], users=[])


async def get_saved_star_gifts(asked: Asked) -> TlObject:
    """The gifts that somebody has got, newest first."""
    line, request = asked.line, asked.request
    tl, writer = line.tl, Writer(line.tl, asked.me, line.world.accounts)
    others = tl.set_fields(request) - _FILTERS.keys() - _IDLE_FILTERS - {"peer", "offset", "limit"}
    if others:
        raise not_simulated(f"payments.GetSavedStarGifts with {', '.join(sorted(others))}")
    owner = user_of(tl, request.peer, asked.me, line.world.accounts)
    filters = {ours: True for theirs, ours in _FILTERS.items() if getattr(request, theirs, None)}
    call = params(user_id=owner.id, offset=request.offset or None, limit=request.limit, **filters)
    found = await line.carry_out("getUserGifts", call)
    gifts, senders = [], [owner.id]
    for one in found["gifts"]:
        senders.append(one["sender_user"]["id"])
        gifts.append(
            tl.make(
                "SavedStarGift",
                date=one["send_date"],
                gift=write_gift(tl, one["gift"], one["send_date"]),
                from_id=tl.make("PeerUser", user_id=one["sender_user"]["id"]),
                message=writer.words(one["text"], one.get("entities", ())) if "text" in one else None,
                can_upgrade=one.get("can_be_upgraded"),
                upgrade_stars=one.get("prepaid_upgrade_star_count"),
            )
        )
    return tl.make(
        "payments.SavedStarGifts",
        count=found["total_count"],
        gifts=gifts,
        next_offset=found.get("next_offset"),
        chats=[],
        users=writer.users(senders),
    )


async def get_payment_form(asked: Asked) -> TlObject:
    """The form by which a gift is bought for somebody."""
    tl, gift = asked.line.tl, _gift(asked)
    kind = asked.line.world.gifts.catalogue.get(str(gift.gift_id))
    if kind is None:
        raise RpcRefusal(400, "STARGIFT_INVALID")
    price = kind.stars + (kind.upgrade_stars if gift.include_upgrade else 0)
    invoice = tl.make("Invoice", currency=CURRENCY, prices=[tl.make("LabeledPrice", label="Gift", amount=price)])
    return tl.make("payments.PaymentFormStarGift", form_id=_form_id(asked, gift), invoice=invoice)


async def send_stars_form(asked: Asked) -> TlObject:
    """Buy the gift of a form; no update tells of it."""
    line, gift = asked.line, _gift(asked)
    if asked.request.form_id != _form_id(asked, gift):
        raise RpcRefusal(400, "FORM_EXPIRED")  # UNVERIFIED: which of its words it is for a form of something else
    receiver = user_of(line.tl, gift.peer, asked.me, line.world.accounts)
    said = gift.message
    call = params(
        user_id=receiver.id,
        gift_id=str(gift.gift_id),
        pay_for_upgrade=True if gift.include_upgrade else None,
        text=None if said is None else said.text,
        text_entities=None if said is None else entities(line.tl, said.entities),
    )
    await line.carry_out("sendGift", call)
    # UNVERIFIED: whether the message about the gift is among the updates.
    updates = Writer(line.tl, asked.me, line.world.accounts).updates([], [receiver.id], line.world.clock.now())
    return line.tl.make("payments.PaymentResult", updates=updates)


def _gift(asked: Asked) -> TlObject:
    name = asked.line.tl.name_of(asked.request.invoice)
    if name != "InputInvoiceStarGift":
        raise not_simulated(f"paying {name}")
    return asked.request.invoice


def _form_id(asked: Asked, gift: TlObject) -> int:
    return number_of(f"{asked.me.id} {gift.gift_id} {bool(gift.include_upgrade)}")


def _require_own(asked: Asked) -> None:
    if user_of(asked.line.tl, asked.request.peer, asked.me, asked.line.world.accounts) is not asked.me:
        raise RpcRefusal(400, "PEER_ID_INVALID")  # UNVERIFIED word: a bot sees its own alone
    if getattr(asked.request, "ton", None):
        raise not_simulated("balances of Toncoin")


def _status(asked: Asked, stars: int, nanos: int, rows: list[dict[str, Any]], next_offset: str | None) -> TlObject:
    tl, world = asked.line.tl, asked.line.world
    products = _products(asked)
    named = [row[side]["user"]["id"] for row in rows for side in ("source", "receiver") if "user" in row.get(side, ())]
    history = [write_transaction(tl, row, products.get(row["id"], {})) for row in rows]
    return tl.make_filled(
        "payments.StarsStatus",
        balance=write_amount(tl, stars, nanos),
        next_offset=next_offset,
        users=Writer(tl, asked.me, world.accounts).users(named),
        **({"history": history} if history else {}),  # no library writes an empty list as it reads it
    )


def _products(asked: Asked) -> dict[str, dict[str, str]]:
    """Title and description of what was sold, by charge id."""
    world, found = asked.line.world, {}
    for checkout in world.checkouts.begun:
        if checkout.bot is asked.me and checkout.result is not None and checkout.result.charge_id:
            found[checkout.result.charge_id] = checkout.invoice
    for subscription in world.subscriptions.to(asked.me):
        found |= dict.fromkeys(subscription.charge_ids, subscription.invoice)
    return {charge: {"title": sold.title, "description": sold.description} for charge, sold in found.items()}


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "payments.GetPaymentForm": get_payment_form,
        "payments.GetSavedStarGifts": get_saved_star_gifts,
        "payments.GetStarGifts": get_star_gifts,
        "payments.GetStarsStatus": get_stars_status,
        "payments.GetStarsTransactions": get_stars_transactions,
        "payments.SendStarsForm": send_stars_form,
    }
)
