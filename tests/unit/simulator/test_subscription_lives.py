"""Whatever people, bots and time do to subscriptions: no Star is lost, and what bots were told is what is so."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import datetime
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from neonpay.errors import SimulatorError
from neonpay.simulator.chats.invoices import Invoice
from neonpay.simulator.clock import SteppedClock
from neonpay.simulator.money.subscriptions import Subscription
from neonpay.simulator.wire.refusal import Refusal
from neonpay.simulator.world import World

DAY_S = 86_400
MONTH_S = 30 * DAY_S
START_S = 1_800_000_000

deeds = st.one_of(
    st.tuples(st.sampled_from(["buys", "buys", "gets 30 stars", "pays nothing"]), st.just(0)),
    st.tuples(st.sampled_from(["cancels", "restores", "bot cancels", "bot allows", "bot refunds"]), st.integers(0, 3)),
    st.tuples(st.just("days pass"), st.sampled_from([1, 10, 29, 30, 31, 75])),
)
stories = st.lists(deeds, min_size=8, max_size=25).map(lambda story: [("buys", 0), *story])


class Life:
    """One buyer, one bot, two links and everything that was told."""

    def __init__(self) -> None:
        self.clock = SteppedClock(START_S)
        self.world = World(self.clock, Random(7))  # noqa: S311 - repeatable on purpose
        self.bot = self.world.accounts.bot("shop_bot")
        self.ann = self.world.accounts.user("Ann", stars=100)
        self.topped_up = 0
        self.links = [Invoice(self.bot.id, "x", "x", f"p{price}", price, slug="s", subscription_period_s=MONTH_S)
                      for price in (10, 60)]  # fmt: skip

    async def does(self, deed: str, number: int) -> None:
        subscriptions = self.world.subscriptions
        if deed == "days pass":
            await self.clock.advance(number * DAY_S)
        elif deed == "gets 30 stars":
            self.ann.balance_stars += 30
            self.topped_up += 30
            subscriptions.extend_failed(self.ann)
        elif deed in {"buys", "pays nothing"}:
            self._pays(ok=deed == "buys")
        else:
            bought = subscriptions.to(self.bot)
            with suppress(Refusal, SimulatorError):  # what cannot be is refused and changes nothing
                self._edits(deed, bought[number % len(bought)])

    def _edits(self, deed: str, one: Subscription) -> None:
        subscriptions = self.world.subscriptions
        if deed == "cancels":
            subscriptions.cancel(one)
        elif deed == "restores":
            subscriptions.restore(one)
        elif deed == "bot refunds":
            self.world.till.refund(self.bot, self.ann.id, one.charge_ids[-1])
        else:
            subscriptions.edit(self.bot, self.ann.id, one.charge_id, is_canceled=deed == "bot cancels")

    def _pays(self, *, ok: bool) -> None:
        invoice = self.links[len(self.world.checkouts.begun) % 2]
        checkout = self.world.checkouts.begin(self.ann, self.world.checkouts.open_form(self.ann, invoice))
        if checkout.result is None:
            assert checkout.query_id is not None
            self.world.checkouts.answer(self.bot, checkout.query_id, ok=ok, error_message="no")

    def told(self, kind: str) -> list[dict[str, object]]:
        history = self.world.postbox(self.bot).queue.history
        return [update.payload for update in history if update.kind == kind]

    def check(self) -> None:
        subscriptions, till = self.world.subscriptions.to(self.bot), self.world.till
        assert self.ann.balance_stars + self.bot.balance_stars == 100 + self.topped_up
        rows = till.transactions(self.bot)
        assert sum(row.amount if row.direction == "source" else -row.amount for row in rows) == self.bot.balance_stars
        charges = [charge for one in subscriptions for charge in one.charge_ids]
        assert sorted(charges) == sorted(payment.charge_id for payment in till.payments(self.bot))
        self._check_what_was_told(charges)
        now = self.clock.moment()
        for one in subscriptions:
            assert (one.expires_at > now) is (one.state in {"active", "canceled"}), one
            assert one.canceled or not one.bot_canceled
            assert one.ended or not (one.canceled and one.missing_balance)

    def _check_what_was_told(self, charges: list[str]) -> None:
        paid = [message["successful_payment"] for message in self.told("message") if "successful_payment" in message]
        ends: dict[str, int] = {}
        for one in paid:
            assert isinstance(one, dict)
            assert one["is_recurring"] is True
            ends[one["telegram_payment_charge_id"]] = one["subscription_expiration_date"]
        assert sorted(ends) == sorted(charges)
        for subscription in self.world.subscriptions.to(self.bot):
            assert datetime.fromtimestamp(ends[subscription.charge_ids[-1]], subscription.expires_at.tzinfo) == (
                subscription.expires_at
            )
        assert len(paid) == len(ends)
        first = Counter(one.get("is_first_recurring", False) for one in paid if isinstance(one, dict))
        assert first[True] == len(self.world.subscriptions.to(self.bot))


async def _lives(story: list[tuple[str, int]]) -> None:
    life = Life()
    for deed, number in story:
        await life.does(deed, number)
        life.check()


@settings(max_examples=60, deadline=None)
@given(story=stories)
def test_no_star_is_lost_and_what_was_told_is_so(story: list[tuple[str, int]]) -> None:
    asyncio.run(_lives(story))
