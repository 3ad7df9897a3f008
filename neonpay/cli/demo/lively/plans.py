"""Those who subscribe: they renew, leave, come back, or run out of Stars."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from neonpay.cli.demo.lively import goods

if TYPE_CHECKING:
    from neonpay.cli.demo.lively.shop import Shop
    from neonpay.simulator import Buyer, Subscription

_DAY_S: Final = 86_400
_FATES: Final = {"stays": 60, "leaves": 16, "returns": 6, "runs out": 11, "runs dry": 7}
_PERIOD_DAYS: Final = goods.PERIOD_S / _DAY_S

Later = Callable[[float, Callable[[], Awaitable[None]]], None]


class Subscribers:
    """Plays those who subscribe, each with a fate of her or his own."""

    def __init__(self, shop: Shop, dice: random.Random, *, later: Later, new_buyer: Callable[[], Buyer]) -> None:
        self._shop = shop
        self._telegram = shop.telegram
        self._dice = dice
        self._later = later
        self._new_buyer = new_buyer

    async def subscribe(self) -> None:
        """Somebody new takes a plan."""
        stage_id = self._dice.choices(list(goods.PLANS), list(goods.PLANS.values()))[0]
        buyer, bot = self._new_buyer(), self._shop.account
        await buyer.says(f"/start {stage_id}", to=bot)
        await self._telegram.idle(bot)
        message = await buyer.hears(bot, containing="Here you are")
        assert message.reply_markup is not None, "the link is under it"
        link = str(message.reply_markup.inline_keyboard[0][0].url)
        await self._telegram.advance(self._dice.randint(10, 120))
        price = goods.SHELF[stage_id].price
        buyer.gets_stars(price)
        self._shop.will_hold_a_delivery()
        await buyer.pays(link)
        await self._shop.delivers_after(self._dice.uniform(1, 6))
        subscription = buyer.subscriptions(bot)[-1]
        self._meet_fate(buyer, subscription, price)

    def _meet_fate(self, buyer: Buyer, subscription: Subscription, price: int) -> None:
        fate = self._dice.choices(list(_FATES), list(_FATES.values()))[0]
        if fate == "stays":
            buyer.gets_stars(12 * price)
            return
        periods = self._dice.choice((0, 0, 1, 2))
        if periods:
            buyer.gets_stars(periods * price)
        ends_s = (periods + 1) * _PERIOD_DAYS * _DAY_S
        if fate in {"leaves", "returns"}:
            self._later(ends_s - self._dice.uniform(1, 25) * _DAY_S, lambda: self._leave(buyer, subscription))
        if fate == "returns":
            self._later(ends_s - 0.4 * _DAY_S, lambda: self._return(buyer, subscription, price))
        if fate == "runs out":
            self._later(ends_s + self._dice.uniform(0.5, 9) * _DAY_S, lambda: self._fill_up(buyer, price))

    async def _leave(self, buyer: Buyer, subscription: Subscription) -> None:
        if subscription.state == "active":
            await buyer.cancels_subscription(subscription)
            await self._shop.settle()

    async def _return(self, buyer: Buyer, subscription: Subscription, price: int) -> None:
        if subscription.state == "canceled":
            await buyer.restores_subscription(subscription)
            await self._shop.settle()
            buyer.gets_stars(6 * price)

    async def _fill_up(self, buyer: Buyer, price: int) -> None:
        buyer.gets_stars(6 * price)
        await self._shop.settle()
