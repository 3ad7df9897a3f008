"""From the moment a refund is intended nothing is delivered that has not begun, until it is known whether the Stars go back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from neonpay import PaymentError, PaymentResult
from neonpay.core.payments import RefundState
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator import Outcome
    from tests.integration.conftest import MovableClock, Shop


class Goods:
    """A handler that fails as often as it is told, and notes what it was called for."""

    def __init__(self, shop: Shop, *, failures: int, max_attempts: int = 10) -> None:
        self.failures = failures
        self.attempts: list[str | None] = []
        shop.neonpay.on_payment(name="deliver", max_attempts=max_attempts)(self.deliver)

    async def deliver(self, result: PaymentResult) -> None:
        self.attempts.append(result.transaction_id)
        if len(self.attempts) <= self.failures:
            raise RuntimeError("the warehouse is closed")


async def states(shop: Shop, outcome: Outcome) -> dict[str, str]:
    return {job.consumer: job.state for job in await shop.neonpay.jobs.of(outcome.charge_id or "")}


def makes_telegram_wait(shop: Shop) -> None:
    shop.telegram.faults.fail("refundStarPayment", error_code=429, retry_after=3600)


async def test_what_waits_for_another_attempt_is_held_once_its_refund_is_intended(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    shop = open_shop()
    goods = Goods(shop, failures=1)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        makes_telegram_wait(shop)
        refund = await shop.neonpay.refund(outcome.charge_id or "")
        assert refund.state is RefundState.INTENDED
        assert (await states(shop, outcome))["handler:deliver"] == "held"
        clock.advance(600)
        later = await shop.sells(await shop.visitor("Bob"))
        await shop.delivers(later)
        clock.advance(3600)
        await shop.fact("payment_refunded")
        assert (await states(shop, outcome))["handler:deliver"] == "dropped"
    assert goods.attempts == [outcome.charge_id, later.charge_id]


async def test_what_a_refund_has_held_is_delivered_when_telegram_refuses_it_for_good(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    shop = open_shop()
    goods = Goods(shop, failures=1)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        makes_telegram_wait(shop)
        await shop.neonpay.refund(outcome.charge_id or "")
        shop.telegram.faults.fail("refundStarPayment", error_code=400, description="Bad Request: CHARGE_NOT_FOUND")
        clock.advance(3600)
        await shop.fact("refund_failed")
        await shop.settles()
        async with asyncio.timeout(100):
            while (await states(shop, outcome))["handler:deliver"] != "done":
                await between_looks()
    assert goods.attempts == [outcome.charge_id] * 2


async def test_nothing_is_retried_or_accepted_while_its_stars_are_on_their_way_back(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop()
    goods = Goods(shop, failures=99, max_attempts=1)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        charge_id = outcome.charge_id or ""
        makes_telegram_wait(shop)
        await shop.neonpay.refund(charge_id)
        await shop.settles()
        assert (await states(shop, outcome))["handler:deliver"] == "dead"
        with pytest.raises(PaymentError, match="on their way back"):
            await shop.neonpay.jobs.retry(charge_id, handler="deliver")
        makes_telegram_wait(shop)  # the refund asked for again, which would drop the dead letter
        await shop.neonpay.jobs.retry(charge_id)
        assert (await states(shop, outcome))["handler:deliver"] == "dead", "only the refund is asked for again"
    assert goods.attempts == [charge_id]


async def test_a_handler_that_runs_is_counted_by_a_retry_and_left_alone(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    runs, goes_on = asyncio.Event(), asyncio.Event()
    attempts: list[str | None] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        attempts.append(result.transaction_id)
        runs.set()
        await goes_on.wait()

    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.send_payment(ann.id, "vip")
        outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await runs.wait()
        assert await shop.neonpay.jobs.retry(outcome.charge_id or "", handler="deliver") == 1
        goes_on.set()
        await shop.delivers(outcome)
    assert attempts == [outcome.charge_id]


async def test_an_attempt_that_runs_when_the_refund_is_intended_is_its_last(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    shop = open_shop()
    runs, goes_on = asyncio.Event(), asyncio.Event()
    attempts: list[str | None] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        attempts.append(result.transaction_id)
        runs.set()
        await goes_on.wait()
        raise RuntimeError("the warehouse is closed")

    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.send_payment(ann.id, "vip")
        outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await runs.wait()
        makes_telegram_wait(shop)
        await shop.neonpay.refund(outcome.charge_id or "")
        goes_on.set()
        await shop.fact("fulfilment_failed")
        clock.advance(600)
        async with asyncio.timeout(100):
            while (await states(shop, outcome))["handler:deliver"] != "held":
                await between_looks()
        clock.advance(3600)
        await shop.fact("payment_refunded")
    assert attempts == [outcome.charge_id]


async def test_a_delivery_of_a_process_that_died_is_not_taken_up_once_its_refund_is_intended(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    first = open_shop(grace_s=0.01, poll_s=3600)  # it does not look after its jobs, as one that is dead
    runs = asyncio.Event()

    @first.neonpay.on_payment(name="deliver")
    async def hang(result: PaymentResult) -> None:
        runs.set()
        await asyncio.Event().wait()

    second, panel = open_shop(), open_shop(role="offers")
    goods = Goods(second, failures=0)
    async with first.polling(), panel.neonpay:
        ann = await first.visitor()
        await first.neonpay.send_payment(ann.id, "vip")
        outcome = await ann.pays(await ann.hears(first.account, predicate=lambda m: m.invoice is not None))
        await runs.wait()
        makes_telegram_wait(first)
        await panel.neonpay.refund(outcome.charge_id or "")
        clock.advance(31)  # the lease of the process that hangs
        async with second.neonpay, asyncio.timeout(100):
            while (await states(second, outcome))["handler:deliver"] != "held":
                await between_looks()
    assert goods.attempts == []


async def test_an_accepted_payment_is_not_accepted_again_while_its_stars_are_on_their_way_back(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop()
    Goods(shop, failures=99)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        makes_telegram_wait(shop)
        await shop.neonpay.refund(outcome.charge_id or "")
        with pytest.raises(PaymentError, match="on their way"):
            await shop.neonpay.payments.accept(outcome.charge_id or "")


async def test_a_refund_handler_that_was_given_up_is_retried_by_its_name(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    Goods(shop, failures=0)
    fails = True

    @shop.neonpay.on_refund(name="revoke", max_attempts=1)
    async def revoke() -> None:
        if fails:
            raise RuntimeError("the door is stuck")

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        charge_id = outcome.charge_id or ""
        await shop.neonpay.refund(charge_id)
        await shop.fact("fulfilment_abandoned")
        with pytest.raises(PaymentError, match="no unfinished job of 'typo'; its unfinished jobs: on_refund:revoke"):
            await shop.neonpay.jobs.retry(charge_id, handler="typo")
        fails = False
        assert await shop.neonpay.jobs.retry(charge_id, handler="revoke") == 1
        async with asyncio.timeout(100):
            while (await states(shop, outcome))["on_refund:revoke"] != "done":
                await between_looks()
