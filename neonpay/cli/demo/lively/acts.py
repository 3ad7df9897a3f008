"""What people do in the lively shop, one act at a time; each begins at the moment that the simulator shows."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from neonpay.cli.demo.lively import goods
from neonpay.cli.demo.lively.names import names
from neonpay.cli.demo.lively.plans import Subscribers
from neonpay.cli.demo.lively.returns import Returns

if TYPE_CHECKING:
    from aiogram import types

    from neonpay.cli.demo.lively.shop import Shop
    from neonpay.simulator import Buyer, Outcome

_DAY_S: Final = 86_400
_RETURNING: Final = 0.52
"""Of the orders, by people who have bought before."""
_SUBSCRIBES: Final = 0.11
_WALKS_AWAY: Final = 0.16
_DAWDLES: Final = 0.09
_DAWDLES_WHEN_CHEAP: Final = 0.35
"""Who keeps an invoice of the promotion for later meets the old price."""
_FAILS: Final = 0.022
_BY_OWNER: Final = 0.006
_BY_REQUEST: Final = 0.013


class Acts:
    """Plays everybody.

    Attributes:
        later: has an act done at a virtual time.
    """

    def __init__(self, shop: Shop, owner: Buyer, *, seed: int) -> None:
        self.later: Callable[[float, Callable[[], Awaitable[None]]], None] = lambda when, act: None
        self._shop = shop
        self._telegram = shop.telegram
        self._dice = random.Random(f"{seed}/acts")  # noqa: S311 - repeatable on purpose
        self._strangers = names(self._dice)
        self._known: list[Buyer] = []
        self._plans = Subscribers(shop, self._dice, later=self._later, new_buyer=self._stranger)
        self._returns = Returns(shop, owner, self._dice, later=self._later)

    async def order(self) -> None:
        """Somebody wants something, and usually buys it."""
        if self._dice.random() < _SUBSCRIBES:
            await self._plans.subscribe()
            return
        buyer = self._somebody()
        stage_id = self._dice.choices(list(goods.ONE_OFF), list(goods.ONE_OFF.values()))[0]
        invoice = await self._asks(buyer, stage_id)
        if self._dice.random() < _WALKS_AWAY:
            return
        is_cheap = stage_id == goods.LESSONS and self._shop.price_of(stage_id) == goods.PROMOTION_PRICE
        if self._dice.random() < (_DAWDLES_WHEN_CHEAP if is_cheap else _DAWDLES):
            self._later(self._dice.uniform(0.3, 1.4) * _DAY_S, lambda: self._pays_late(buyer, invoice))
            return
        await self._telegram.advance(self._dice.randint(8, 90))
        await self._pays(buyer, invoice)

    async def pays_twice(self) -> None:
        """Somebody pays one link twice, which sells twice."""
        buyer = self._somebody()
        link = await self._asks(buyer, f"{goods.BOOK}-link")
        await self._pays(buyer, link)
        await self._telegram.advance(40)
        await self._pays(buyer, link)

    async def presses_twice(self) -> None:
        """Somebody presses Pay on two devices in the same moment; what is sold once is paid once."""
        buyer = self._somebody()
        invoice = await self._asks(buyer, goods.LESSONS)
        buyer.gets_stars(2 * goods.SHELF[goods.LESSONS].price)
        begun = [await buyer.begins_to_pay(invoice) for _ in range(2)]
        for checkout in begun:
            await checkout.outcome()
        await self._shop.settle()

    async def loses_an_update(self) -> None:
        """Telegram's word of a payment gets lost; the next comparison finds the payment and delivers it."""
        buyer = self._somebody()
        invoice = await self._asks(buyer, goods.BOOK)
        self._shop.loses_next = True
        await self._pays(buyer, invoice, is_told=False)

    async def is_blocked(self) -> None:
        """Somebody pays, and blocks the bot before the goods are sent: a dead letter that a person has to look at."""
        buyer = self._stranger()
        invoice = await self._asks(buyer, goods.LESSONS)
        self._shop.will_hold_a_delivery()
        outcome = await self._pays(buyer, invoice, is_held=True)
        await buyer.blocks(self._shop.account)
        self._known = [one for one in self._known if one.id != buyer.id]  # who orders no more
        await self._shop.delivers_after(4)
        await self._recovers(str(outcome.charge_id), pause_s=1800)

    async def never_delivers(self) -> None:
        """A delivery fails for as long as it is tried."""
        buyer = self._stranger()
        self._shop.fails[buyer.id] = 99
        invoice = await self._asks(buyer, goods.LESSONS)
        self._shop.will_hold_a_delivery()
        outcome = await self._pays(buyer, invoice, is_held=True)
        await self._shop.delivers_after(2)
        await self._recovers(str(outcome.charge_id), pause_s=1800)
        self._shop.fails[buyer.id] = 0

    async def compare(self) -> None:
        """The books and Telegram's list are compared, and what is missing is recorded and delivered."""
        await self._shop.neonpay.books.reconcile()
        await self._shop.settle()

    async def withdraws(self) -> None:
        """The owner takes out what may be taken, which is paid two days later."""
        treasury = self._telegram.treasury(self._shop.account)
        stars = treasury.available_stars // 2 // 100 * 100
        if stars < 1000:  # noqa: PLR2004 - Telegram pays out no less
            return
        withdrawal = treasury.withdraws(stars, heeds_bounds=True)

        async def succeed() -> None:
            withdrawal.succeeds()

        self._later(2 * _DAY_S, succeed)

    async def loses_stars(self) -> None:
        """Telegram takes Stars from the balance and shows no row for it."""
        self._telegram.treasury(self._shop.account).loses(45)

    async def end_with_what_waits(self) -> None:
        """The last things that happen: a request that waits for its answer, and a lost update that nobody has looked for."""
        await self._returns.ask_about_the_newest()
        await self.loses_an_update()

    def _later(self, after_s: float, act: Callable[[], Awaitable[None]]) -> None:
        self.later(self._telegram.clock.now() + after_s, act)

    def _somebody(self) -> Buyer:
        if self._known and self._dice.random() < _RETURNING:
            return self._dice.choice(self._known)
        return self._stranger()

    def _stranger(self) -> Buyer:
        if not self._strangers:  # everybody in town has been here
            return self._dice.choice(self._known)
        name = self._strangers.pop()
        buyer = self._telegram.user(name.full, username=name.username or None, language_code=name.language)
        self._known.append(buyer)
        return buyer

    async def _asks(self, buyer: Buyer, what: str) -> types.Message | str:
        """The invoice that the bot sends, or its link."""
        await buyer.says(f"/start {what}", to=self._shop.account)
        await self._telegram.idle(self._shop.account)
        message = await buyer.hears(self._shop.account, predicate=_is_offer)
        return link_under(message) or message

    async def _pays_late(self, buyer: Buyer, invoice: types.Message | str) -> None:
        await self._pays(buyer, invoice)

    async def _pays(
        self, buyer: Buyer, invoice: types.Message | str, *, is_told: bool = True, is_held: bool = False
    ) -> Outcome:
        """Pay what was asked for; the goods come some seconds later, or after some failures, and may go back."""
        form = await buyer.opens(invoice)
        if buyer.stars < form.amount_stars:
            buyer.gets_stars(form.amount_stars - buyer.stars)
        if is_told and not is_held:
            self._shop.will_hold_a_delivery()
        outcome = await buyer.pays(form)
        if outcome.status != "paid" or outcome.charge_id is None:
            self._shop.will_hold_nothing()
            return outcome
        if not is_told:
            self._shop.will_hold_nothing()
            await self._shop.settle()
            return outcome
        if is_held:
            return outcome
        fails = self._dice.random() < _FAILS
        if fails:
            self._shop.fails[buyer.id] = self._dice.randint(1, 3)
        await self._shop.delivers_after(min(90.0, self._dice.lognormvariate(1.1, 0.9)))
        if fails:
            await self._recovers(outcome.charge_id, pause_s=240)
        self._may_go_back(buyer, outcome.charge_id)
        return outcome

    async def _recovers(self, charge_id: str, *, pause_s: float) -> None:
        """Let the delivery of a payment be tried until it comes to an end, good or bad."""
        number = 1
        while await self._shop.attempt(charge_id, number):
            number += 1
            await self._telegram.advance(pause_s)

    def _may_go_back(self, buyer: Buyer, charge_id: str) -> None:
        chance = self._dice.random()
        if chance < _BY_OWNER:
            self._later(self._dice.uniform(0.1, 9) * _DAY_S, lambda: self._returns.by_owner(charge_id))
        elif chance < _BY_OWNER + _BY_REQUEST:
            self._later(self._dice.uniform(0.05, 12) * _DAY_S, lambda: self._returns.by_request(buyer, charge_id))
        self._returns.newest = (buyer, charge_id)


def _is_offer(message: types.Message) -> bool:
    return message.invoice is not None or link_under(message) is not None


def link_under(message: types.Message) -> str | None:
    """The link of the button under a message."""
    markup = message.reply_markup
    return None if markup is None else markup.inline_keyboard[0][0].url
