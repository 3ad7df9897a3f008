"""A ledger in which everything has happened that a list tells apart, at times that stay the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from neonpay import PaymentResult, PaymentStage
from neonpay.core.limits import SUBSCRIPTION_PERIOD_S
from neonpay.simulator import Simulator
from neonpay.simulator.clock import SteppedClock
from tests.integration.conftest import MovableClock, Shop

if TYPE_CHECKING:
    from neonpay.simulator import Buyer

START = 4_920_000_000
"""So far ahead that no subscription of this ledger ends while somebody runs the tests."""
LONG_STAGE = "season-ticket-for-the-whole-family-2125"
_MONTHLY = {"subscription_period": SUBSCRIPTION_PERIOD_S}


class Busy(NamedTuple):
    """What was sold, by what became of it.

    Attributes:
        requests: ids of requests for refunds.
    """

    url: str
    bot_id: int
    token: str
    charges: dict[str, str]
    requests: dict[str, str]


async def sell_to_many(url: str) -> Busy:
    """Two bots sell; both are closed afterwards."""
    async with Simulator(seed=11, clock=SteppedClock(START)) as telegram:
        shop = Shop(telegram, telegram.bot("shop_bot"), database_url=url, clock=MovableClock())
        other = Shop(telegram, telegram.bot("other_bot"), database_url=url, clock=MovableClock())
        try:
            charges, requests = await _sell(shop)
            other.neonpay.create_payment_stage("coffee", PaymentStage(title="Coffee", description="One cup", price=1))
            other.neonpay.on_payment(name="pour")(_deliver)
            async with other.polling():
                charges["coffee"] = await _sold(other, await other.visitor("Zoe"), "coffee")
        finally:
            await shop.aclose()
            await other.aclose()
        return Busy(url, shop.account.id, shop.account.token, charges, requests)


async def _sell(shop: Shop) -> tuple[dict[str, str], dict[str, str]]:
    prices = {"vip": 50, LONG_STAGE: 9_999, "gems": 5, "poster": 120, "club": 100}
    for stage_id, price in prices.items():
        stage = PaymentStage(title=stage_id[:32], description="Something to buy", price=price)
        shop.neonpay.create_payment_stage(stage_id, stage)

    shop.neonpay.on_payment(stage=["vip", "club", LONG_STAGE], name="deliver")(_deliver)

    @shop.neonpay.on_payment(stage="gems", name="grant_gems", max_attempts=1)
    async def grant_gems(result: PaymentResult) -> None:
        msg = f"the game server has no account for user {result.user_id}; it says 404 Not Found"
        raise LookupError(msg)

    @shop.neonpay.on_payment(stage=LONG_STAGE, name="book_seats")
    async def book_seats() -> None:
        raise TimeoutError

    charges: dict[str, str] = {}
    requests: dict[str, str] = {}
    async with shop.polling():
        ann, bob = await shop.visitor("Ann", stars=30_000), await shop.visitor("Bob", stars=30_000)
        for name, buyer, stage_id in (
            ("kept", ann, "vip"),
            ("refunded", bob, "vip"),
            ("dead", ann, "gems"),
            ("waiting", bob, LONG_STAGE),
        ):
            charges[name] = await _sold(shop, buyer, stage_id)
        await shop.fact("fulfilment_abandoned")
        await shop.neonpay.refund(charges["refunded"], reason="it did not fit", requested_by="Olga")
        charges["undecided"] = (await shop.sells_in_vain(bob, stage_id="poster"))[0].charge_id or ""
        for name, words in (("kept", None), ("dead", "the gems never came; 宝石が届きません")):
            asked = await shop.neonpay.refunds.request(charges[name], user_id=ann.id, words=words)
            requests[name] = asked.request_id
            _later(shop, 60)
        await shop.neonpay.refunds.refuse(requests["kept"], by="Olga", answer="It was used.")
        for name, buyer in (("member", ann), ("leaver", bob)):
            await shop.telegram.advance(60)
            link = await shop.neonpay.create_payment_link("club", options=_MONTHLY)
            charges[name] = (await buyer.pays(link.link or "")).charge_id or ""
            await shop.settles()
        _later(shop, 60)
        await bob.cancels_subscription(charges["leaver"])
        await shop.settles()
    return charges, requests


async def _sold(shop: Shop, buyer: Buyer, stage_id: str) -> str:
    await shop.telegram.advance(60)
    _later(shop, 60)
    return (await shop.sells(buyer, stage_id)).charge_id or ""


def _later(shop: Shop, seconds: float) -> None:
    assert shop.clock is not None
    shop.clock.advance(seconds)


async def _deliver() -> None: ...
