"""Handlers that fail, disappear, or come back; and the message of thanks."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest

from neonpay import PaymentContext, PaymentResult
from neonpay.errors import PaymentNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop


def fails(shop: Shop, *, times: int, max_attempts: int = 10) -> list[int]:
    """A handler that raises on its first attempts; the attempts it has made."""
    attempts: list[int] = []

    @shop.neonpay.on_payment(name="deliver", max_attempts=max_attempts)
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        attempts.append(ctx.attempt)
        if len(attempts) <= times:
            raise RuntimeError("the warehouse is closed")

    return attempts


async def test_a_handler_that_raised_runs_again_when_its_time_has_come(shop: Shop, clock: MovableClock) -> None:
    attempts = fails(shop, times=1)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        (job,) = await shop.neonpay.jobs.of(outcome.charge_id or "")
        assert (job.state, job.attempts, job.error) == ("ready", 1, "RuntimeError: the warehouse is closed")
        assert attempts == [1], "it waits for its backoff"
        clock.advance(2.0)
        await shop.delivers(outcome)

    assert attempts == [1, 2]
    (failed,) = shop.named("fulfilment_failed")
    assert (failed.charge_id, failed.handler) == (outcome.charge_id, "deliver")


async def test_handlers_run_in_the_context_in_which_the_shop_was_made(open_shop: Callable[..., Shop]) -> None:
    where: ContextVar[str] = ContextVar("where")
    where.set("the program")
    shop, seen = open_shop(), []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        seen.append(where.get())
        where.set("a handler")

    async def close() -> None:
        where.set("who closes")
        await shop.neonpay.close()

    await asyncio.create_task(close())
    where.set("who records")
    async with shop.polling():
        for _ in range(2):
            await shop.delivers(await shop.sells(await shop.visitor()))
    assert seen == ["the program", "the program"]


async def test_pauses_between_attempts_grow_and_survive_a_restart(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    first = open_shop()
    fails(first, times=99)
    async with first.polling():
        outcome = await first.sells(await first.visitor())
        clock.advance(2)
        await first.fact("fulfilment_failed", count=2)
    second = open_shop()
    attempts = fails(second, times=0)
    async with second.polling():
        clock.advance(3.9)
        await second.settles()
        assert attempts == [], "the second pause is at least four seconds"
        clock.advance(4.1)
        await second.delivers(outcome)
    assert attempts == [3]


async def test_a_job_that_failed_for_the_last_time_is_a_dead_letter_that_retry_revives(
    shop: Shop, clock: MovableClock
) -> None:
    attempts = fails(shop, times=3, max_attempts=3)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        for failures in (1, 2):
            await shop.fact("fulfilment_failed", count=failures)
            clock.advance(3600)
        abandoned = await shop.fact("fulfilment_abandoned")
        (letter,) = await shop.neonpay.jobs.dead_letters()
        clock.advance(30 * 86_400)
        await shop.settles()
        assert attempts == [1, 2, 3], "a dead letter waits for a person"

        assert await shop.neonpay.jobs.retry(outcome.charge_id or "", handler="deliver") == 1
        await shop.delivers(outcome)
        assert await shop.neonpay.jobs.dead_letters() == []

    assert attempts == [1, 2, 3, 1]
    assert (letter.charge_id, letter.state, letter.attempts) == (outcome.charge_id, "dead", 3)
    assert (abandoned.charge_id, abandoned.handler) == (outcome.charge_id, "deliver")


async def test_one_handler_that_fails_does_not_hold_up_another(shop: Shop) -> None:
    fails(shop, times=99)
    delivered: list[PaymentResult] = []

    @shop.neonpay.on_payment(name="other")
    async def other(result: PaymentResult) -> None:
        delivered.append(result)

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        jobs = await shop.neonpay.jobs.of(outcome.charge_id or "")

    assert len(delivered) == 1
    assert {job.consumer: job.state for job in jobs} == {"handler:deliver": "ready", "handler:other": "done"}


async def test_a_program_sets_aside_no_job_of_its_own_however_far_its_clock_was_put_forward(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    shop = open_shop(poll_s=3600)
    fails(shop, times=99)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        clock.advance(48 * 3600)
        await shop.neonpay.program.pipeline.fan_out.complete()
        (job,) = await shop.neonpay.jobs.of(outcome.charge_id or "")
        assert job.state in {"ready", "leased"}


async def test_a_job_whose_handler_is_gone_for_a_day_is_stranded_until_a_program_has_it(
    open_shop: Callable[..., Shop], clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    first = open_shop()
    fails(first, times=99)
    async with first.polling():
        outcome = await first.sells(await first.visitor())
    clock.advance(1)

    second = open_shop()
    second.neonpay.on_payment(name="renamed")(_nothing)
    async with second.polling():
        assert await second.neonpay.jobs.stranded() == [], "another program of the shop may have it"
    clock.advance(24 * 3600)
    async with second.polling():
        await second.neonpay.program.pipeline.fan_out.complete()
        (stranded,) = await second.neonpay.jobs.stranded()
    assert (stranded.charge_id, stranded.consumer, stranded.state) == (outcome.charge_id, "handler:deliver", "stranded")
    assert "no program of this shop has had for a day" in caplog.text
    assert "neonpay handlers rename handler:deliver NEW" in caplog.text

    third = open_shop()
    attempts = fails(third, times=0)
    async with third.polling():
        await third.delivers(outcome)
        assert await third.neonpay.jobs.stranded() == []
    assert attempts == [2]


async def _nothing(result: PaymentResult) -> None: ...


async def test_a_handler_that_outlives_the_stop_is_given_back_and_runs_in_the_next_program(
    open_shop: Callable[..., Shop],
) -> None:
    first = open_shop(grace_s=0.01)
    runs = asyncio.Event()

    @first.neonpay.on_payment(name="deliver")
    async def hang(result: PaymentResult) -> None:
        runs.set()
        await asyncio.Event().wait()

    async with first.polling():
        ann = await first.visitor()
        invoice = await first.neonpay.create_payment_link("vip")
        outcome = await ann.pays(invoice.link or "")
        await runs.wait()

    second = open_shop()
    attempts = fails(second, times=0)
    async with second.polling():
        await second.delivers(outcome)
    assert attempts == [1], "the attempt that was cut off does not count"


async def test_retry_of_an_unknown_charge_says_so(shop: Shop) -> None:
    async with shop.neonpay:
        with pytest.raises(PaymentNotFoundError, match="no payment with charge id 'stx-none'"):
            await shop.neonpay.jobs.retry("stx-none")


async def test_the_buyer_is_thanked_once(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(thank_you_message="Thank you! Спасибо!")
    fails(shop, times=0)
    async with shop.polling():
        ann = await shop.visitor()
        outcome = await shop.sells(ann)
        await shop.delivers(outcome)
        jobs = await shop.neonpay.jobs.of(outcome.charge_id or "")

    texts = [message.text for message in ann.messages(shop.account) if message.text]
    assert texts == ["/start", "Thank you! Спасибо!"]
    assert {job.consumer for job in jobs} == {"handler:deliver", "neonpay:thank_you"}


async def test_a_thank_you_that_telegram_does_not_take_is_sent_later(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    shop = open_shop(thank_you_message="Thank you!")
    attempts = fails(shop, times=0)
    async with shop.polling():
        ann = await shop.visitor()
        shop.telegram.faults.fail("sendMessage", error_code=500)
        outcome = await shop.sells(ann)
        await shop.fact("fulfilment_failed")
        clock.advance(60)
        await shop.delivers(outcome)

    assert attempts == [1]
    assert [message.text for message in ann.messages(shop.account)][-1] == "Thank you!"


async def test_a_buyer_who_blocked_the_bot_gets_the_goods_without_thanks(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(thank_you_message="Thank you!")
    attempts = fails(shop, times=0)
    async with shop.polling():
        ann = await shop.visitor()
        invoice = await shop.neonpay.create_payment_link("vip")
        await ann.blocks(shop.account)
        outcome = await ann.pays(invoice.link or "")
        await shop.settles()
        await shop.delivers(outcome)
        jobs = {job.consumer: job for job in await shop.neonpay.jobs.of(outcome.charge_id or "")}

    assert outcome.status == "paid"
    assert attempts == [1]
    assert jobs["neonpay:thank_you"].state == "refused"
    assert shop.named("fulfilment_failed") == []
    assert [call.error_code for call in shop.telegram.calls("sendMessage")] == [403]


async def test_a_listener_is_told_of_every_event_of_its_kind_after_it_is_durable(shop: Shop) -> None:
    seen: list[object] = []
    fails(shop, times=0)

    @shop.neonpay.on("payment_completed")
    async def completed(event: object) -> None:
        payment = await shop.neonpay.payments.get(event.charge_id)  # type: ignore[attr-defined]
        seen.append((event.charge_id, event.amount_stars, payment.state))  # type: ignore[attr-defined]

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())

    assert seen == [(outcome.charge_id, 50, "accepted")]
    assert [event.name for event in shop.facts] == [
        "invoice_created",
        "checkout_approved",
        "payment_completed",
        "payment_delivered",
    ]


async def test_a_listener_that_raises_changes_nothing(shop: Shop) -> None:
    attempts = fails(shop, times=0)

    @shop.neonpay.on("payment_completed")
    async def fail(event: object) -> None:
        raise RuntimeError("a bug in the listener")

    @shop.neonpay.on("checkout_approved")
    def fail_too(event: object) -> None:
        raise RuntimeError("a bug in the listener")

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        assert (await shop.neonpay.payments.get(outcome.charge_id or "")).state == "accepted"

    assert attempts == [1]


async def test_stats_say_what_this_process_does(shop: Shop) -> None:
    fails(shop, times=0)
    assert shop.neonpay.get_stats() == {
        "total_stages": 1,
        "registered_callbacks": 1,
        "registered_listeners": 1,
        "running_handlers": 0,
        "library": "aiogram",
        "level": "B",
        "bot_id": shop.account.id,
        "is_open": False,
        "loops_alive": 0,
        "loops_failing": 0,
        "open_circuits": 0,
        "soft_events_waiting": 0,
        "soft_events_written": 0,
        "soft_events_shed": 0,
        "seen_faults": 0,
    }
    async with shop.neonpay:
        assert shop.neonpay.get_stats()["is_open"] is True
