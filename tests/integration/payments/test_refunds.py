"""Stars on their way back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentContext, PaymentResult, PaymentStatus
from neonpay.errors import PaymentNotFoundError, RefundError, TelegramError, TelegramUnreachableError
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
    payment = await shop.neonpay.get_payment(charge_id)

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
    await shop.neonpay.drain()

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

    assert (await shop.neonpay.get_payment(charge_id)).state == "refunded"
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
    assert (await shop.neonpay.get_payment(charge_id)).state == "accepted"
    (failed,) = shop.named("refund_failed")
    assert failed.reason == "Bad Request: CHARGE_NOT_REFUNDABLE"
    assert await stars_by_account(query) == {"stars": 50, "revenue": -50}

    assert (await shop.neonpay.refund(charge_id)).state == "refunded"
    assert ann.stars == 80


async def test_a_refund_that_telegram_puts_off_says_for_how_long(sold: tuple[Shop, Buyer, str]) -> None:
    shop, ann, charge_id = sold
    shop.telegram.faults.fail("refundStarPayment", error_code=429, retry_after=7)
    with pytest.raises(TelegramError) as put_off:
        await shop.neonpay.refund(charge_id)

    assert (put_off.value.error_code, put_off.value.retry_after_s) == (429, 7)
    assert shop.named("refund_failed") == []
    assert (await shop.neonpay.refund(charge_id)).state == "refunded"
    assert ann.stars == 80


async def test_a_refund_whose_answer_was_lost_is_made_once(
    sold: tuple[Shop, Buyer, str], query: Callable[..., Any]
) -> None:
    shop, ann, charge_id = sold
    shop.telegram.faults.lose_answer("refundStarPayment")
    with pytest.raises(TelegramUnreachableError, match="it may have taken effect"):
        await shop.neonpay.refund(charge_id)
    refund = await shop.neonpay.refund(charge_id)
    await shop.settles()

    assert refund.state == "refunded"
    assert ann.stars == 80
    assert len(shop.named("payment_refunded")) == 1
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
        (job,) = await shop.neonpay.jobs(outcome.charge_id or "")
        assert await shop.neonpay.retry(outcome.charge_id or "") == 0
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
        (job,) = await shop.neonpay.jobs(outcome.charge_id or "")

    # Had the statement been executed, it would have failed for want of a table.
    assert job.state == "dropped"
    assert shop.named("fulfilment_failed") == []
