"""Stars on their way back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentContext, PaymentResult, PaymentStatus
from neonpay.errors import PaymentNotFoundError, RefundError, ValidationError
from neonpay.ledger.tables import journal, refunds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from neonpay.simulator import Buyer
    from tests.integration.conftest import MovableClock, Shop


@pytest.fixture
async def sold(shop: Shop) -> AsyncIterator[tuple[Shop, Buyer, str]]:
    """A running shop that has sold something for 50 of the buyer's 80 Stars."""

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        outcome = await shop.sells(ann)
        yield shop, ann, outcome.charge_id or ""


async def stars_by_account(query: Callable[..., Any]) -> dict[str, int]:
    accounts = sa.select(journal.c.account, sa.func.sum(journal.c.amount_stars)).group_by(journal.c.account)
    return {account: int(total) for account, total in await query(accounts)}


async def test_a_refund_returns_when_the_stars_are_back(
    sold: tuple[Shop, Buyer, str], query: Callable[..., Any]
) -> None:
    shop, ann, charge_id = sold
    refund = await shop.neonpay.refund(charge_id, reason="the buyer changed their mind")
    await shop.settles()
    payment = await shop.neonpay.payments.get(charge_id)

    assert (refund.state, refund.amount_stars, refund.user_id) == ("refunded", 50, ann.id)
    assert (refund.source, refund.reason) == ("call", "the buyer changed their mind")
    assert refund.finished_at is not None
    assert payment.status is PaymentStatus.REFUNDED
    assert (ann.stars, shop.telegram.balance(shop.account)) == (80, 0)
    assert await stars_by_account(query) == {"stars": 0, "revenue": -50, "refunds": 50}
    (call,) = shop.telegram.calls("refundStarPayment")
    assert (call.params["user_id"], call.params["telegram_payment_charge_id"]) == (ann.id, charge_id)
    assert [e.name for e in shop.facts if e.charge_id][-2:] == ["refund_requested", "payment_refunded"]


async def test_a_second_refund_changes_nothing(sold: tuple[Shop, Buyer, str]) -> None:
    shop, ann, charge_id = sold
    first = await shop.neonpay.refund(charge_id, reason="first")
    second = await shop.neonpay.refund(charge_id, reason="second")
    await shop.settles()

    assert second == first
    assert len(shop.telegram.calls("refundStarPayment")) == 1
    assert len(shop.named("payment_refunded")) == 1
    assert ann.stars == 80


async def test_refunds_at_the_same_time_are_one(sold: tuple[Shop, Buyer, str], query: Callable[..., Any]) -> None:
    shop, ann, charge_id = sold
    both = await asyncio.gather(shop.neonpay.refund(charge_id), shop.neonpay.refund(charge_id))
    await shop.settles()

    assert [refund.state for refund in both] == ["refunded", "refunded"]
    assert len(shop.named("payment_refunded")) == 1
    assert ann.stars == 80
    assert await stars_by_account(query) == {"stars": 0, "revenue": -50, "refunds": 50}


async def test_a_charge_that_was_refunded_already_counts_as_refunded(
    open_shop: Callable[..., Shop], query: Callable[..., Any]
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(name="deliver")(_nothing)
    # Without messages Telegram's note of the refund does not reach the bot, so the call is how it learns.
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        outcome = await shop.sells(ann)
    await shop.bot.refund_star_payment(ann.id, outcome.charge_id or "")

    refund = await shop.neonpay.refund(outcome.charge_id or "")
    await shop.neonpay.program.drain()

    assert refund.state == "refunded"
    (_, ours) = shop.telegram.calls("refundStarPayment")
    assert "CHARGE_ALREADY_REFUNDED" in (ours.description or "")
    assert await stars_by_account(query) == {"stars": 0, "revenue": -50, "refunds": 50}


async def _nothing(result: PaymentResult) -> None: ...


async def test_a_refund_made_by_somebody_else_ends_in_the_same_state(
    sold: tuple[Shop, Buyer, str], query: Callable[..., Any]
) -> None:
    shop, ann, charge_id = sold
    await shop.bot.refund_star_payment(ann.id, charge_id)
    await shop.fact("payment_refunded")
    await shop.settles()

    assert (await shop.neonpay.payments.get(charge_id)).state == "refunded"
    assert await stars_by_account(query) == {"stars": 0, "revenue": -50, "refunds": 50}
    assert await query(sa.select(refunds.c.state, refunds.c.source)) == [("refunded", "update")]
    assert (await shop.neonpay.refund(charge_id)).state == "refunded"
    assert len(shop.telegram.calls("refundStarPayment")) == 1


async def test_a_refund_that_telegram_refuses_says_why_and_may_be_asked_for_again(
    sold: tuple[Shop, Buyer, str], query: Callable[..., Any]
) -> None:
    shop, ann, charge_id = sold
    shop.telegram.faults.fail("refundStarPayment", error_code=400, description="Bad Request: CHARGE_NOT_REFUNDABLE")
    with pytest.raises(RefundError) as refused:
        await shop.neonpay.refund(charge_id)
    await shop.settles()

    assert (refused.value.charge_id, refused.value.description) == (charge_id, "Bad Request: CHARGE_NOT_REFUNDABLE")
    assert (await shop.neonpay.payments.get(charge_id)).state == "accepted"
    (failed,) = shop.named("refund_failed")
    assert failed.reason == "Bad Request: CHARGE_NOT_REFUNDABLE"
    assert await stars_by_account(query) == {"stars": 50, "revenue": -50}

    assert (await shop.neonpay.refund(charge_id)).state == "refunded"
    assert ann.stars == 80


async def test_a_refund_that_telegram_puts_off_is_made_when_telegram_says(
    sold: tuple[Shop, Buyer, str], clock: MovableClock
) -> None:
    shop, ann, charge_id = sold
    shop.telegram.faults.fail("refundStarPayment", error_code=429, retry_after=7)
    refund = await shop.neonpay.refund(charge_id)
    clock.advance(6)
    await shop.neonpay.jobs.of(charge_id)
    calls_before = len(shop.telegram.calls("refundStarPayment"))
    clock.advance(1)
    await shop.fact("payment_refunded")

    assert (refund.state, refund.error) == ("intended", "429 Too Many Requests: retry after 7")
    assert shop.named("refund_failed") == []
    assert (calls_before, len(shop.telegram.calls("refundStarPayment"))) == (1, 2)
    assert ann.stars == 80


async def test_asking_again_for_a_refund_that_was_put_off_asks_telegram_at_once(sold: tuple[Shop, Buyer, str]) -> None:
    shop, ann, charge_id = sold
    shop.telegram.faults.fail("refundStarPayment", error_code=500)
    assert (await shop.neonpay.refund(charge_id)).state == "intended"
    assert (await shop.neonpay.refund(charge_id)).state == "refunded"
    assert ann.stars == 80


async def test_a_refund_outlives_any_number_of_failures_of_telegram(
    sold: tuple[Shop, Buyer, str], clock: MovableClock
) -> None:
    shop, ann, charge_id = sold
    shop.telegram.faults.fail("refundStarPayment", error_code=502, times=15)
    await shop.neonpay.refund(charge_id)
    async with asyncio.timeout(100):
        for attempt in range(2, 17):
            clock.advance(6 * 3600)
            while len(shop.telegram.calls("refundStarPayment")) < attempt:
                await shop.neonpay.refunds.list("intended")
            await shop.neonpay.program.drain()
    assert shop.named("refund_failed") == []
    assert len(shop.telegram.calls("refundStarPayment")) == 16
    assert ann.stars == 80


async def test_a_refund_whose_answer_was_lost_is_unknown_until_telegram_says_that_it_is_made(
    open_shop: Callable[..., Shop], query: Callable[..., Any], clock: MovableClock
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(name="deliver")(_nothing)
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        charge_id = (await shop.sells(ann)).charge_id or ""
    # Nobody polls now, so that Telegram's own note of the refund does not come first.
    await shop.neonpay.setup()
    shop.telegram.faults.lose_answer("refundStarPayment")
    refund = await shop.neonpay.refund(charge_id)
    (listed,) = await shop.neonpay.refunds.list("unknown")
    clock.advance(60)
    await shop.fact("payment_refunded")

    assert (refund.state, listed) == ("unknown", refund)
    assert refund.error == "no answer from Telegram to refundStarPayment; it may have taken effect"
    assert await shop.neonpay.refunds.list("unknown") == []
    assert ann.stars == 80
    assert len(shop.named("payment_refunded")) == 1
    assert "CHARGE_ALREADY_REFUNDED" in (shop.telegram.calls("refundStarPayment")[-1].description or "")
    assert await stars_by_account(query) == {"stars": 0, "revenue": -50, "refunds": 50}


async def test_a_charge_that_is_not_in_the_ledger_is_not_refunded(shop: Shop) -> None:
    async with shop.neonpay:
        with pytest.raises(PaymentNotFoundError):
            await shop.neonpay.refund("stx-none")
    assert shop.telegram.calls("refundStarPayment") == []


async def test_what_was_not_delivered_yet_is_not_delivered_after_a_refund(shop: Shop, clock: MovableClock) -> None:
    attempts: list[int] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        attempts.append(ctx.attempt)
        raise RuntimeError("the warehouse is closed")

    async with shop.polling():
        ann = await shop.visitor()
        outcome = await shop.sells(ann)
        await shop.neonpay.refund(outcome.charge_id or "")
        clock.advance(86_400)
        await shop.settles()
        job, _ = await shop.neonpay.jobs.of(outcome.charge_id or "")
        assert await shop.neonpay.jobs.retry(outcome.charge_id or "") == 0
        await shop.settles()

    assert job.state == "dropped"
    assert attempts == [1]


async def test_a_handler_that_runs_while_its_payment_is_refunded_cannot_finish(
    shop: Shop, query: Callable[..., Any]
) -> None:
    runs, may_end = asyncio.Event(), asyncio.Event()

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.enlist(sa.text("INSERT INTO goods VALUES ('vip')"))
        runs.set()
        await may_end.wait()

    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.send_payment(ann.id, "vip")
        outcome = await ann.pays(await ann.hears(shop.account))
        await runs.wait()
        await shop.neonpay.refund(outcome.charge_id or "")
        may_end.set()
        await shop.settles()
        job, _ = await shop.neonpay.jobs.of(outcome.charge_id or "")

    # Had the statement been executed, it would have failed for want of a table.
    assert job.state == "interrupted"
    assert shop.named("fulfilment_failed") == []


async def test_refunds_are_listed_by_state_newest_first(sold: tuple[Shop, Buyer, str], clock: MovableClock) -> None:
    shop, ann, first = sold
    await shop.neonpay.refund(first, reason="first", requested_by="admin 7")
    await shop.settles()
    clock.advance(1)
    second = (await shop.sells(ann)).charge_id or ""
    shop.telegram.faults.fail("refundStarPayment", error_code=400, description="Bad Request: CHARGE_NOT_REFUNDABLE")
    with pytest.raises(RefundError):
        await shop.neonpay.refund(second, reason="second")

    listed = await shop.neonpay.refunds.list()
    assert [(r.charge_id, r.state, r.requested_by) for r in listed] == [
        (second, "failed", None),
        (first, "refunded", "admin 7"),
    ]
    assert [r.charge_id for r in await shop.neonpay.refunds.list("failed")] == [second]
    with pytest.raises(ValidationError, match="intended"):
        await shop.neonpay.refunds.list("lost")


@pytest.mark.parametrize("limit", [0, -1, 10**30, True, "10"])
async def test_a_list_is_as_long_as_a_whole_number_says(shop: Shop, limit: Any) -> None:
    async with shop.polling():
        for listed in (shop.neonpay.refunds.list, shop.neonpay.refunds.requests, shop.neonpay.payments.list):
            with pytest.raises(ValidationError, match="limit must be a whole number from 1 to 100000"):
                await listed(limit=limit)


async def test_a_refund_that_a_tool_leaves_is_made_by_the_bot_that_runs(sold: tuple[Shop, Buyer, str]) -> None:
    shop, ann, charge_id = sold
    left = await shop.neonpay.program.pipeline.refunds.leave(charge_id, reason="asked for at a console")
    await shop.fact("payment_refunded")

    assert left.state == "intended"
    assert ann.stars == 80
