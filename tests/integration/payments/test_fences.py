"""Who may go on: a worker that lost its job, one that stops, one whose clock jumps, one that died too often."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentContext, PaymentResult
from neonpay.errors import HandlerError, LeaseLostError
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import jobs, steps

if TYPE_CHECKING:
    from neonpay.simulator import Outcome
    from tests.integration.conftest import MovableClock, Shop


async def begins(shop: Shop) -> Outcome:
    """Somebody pays; nobody waits for the handlers."""
    ann = await shop.visitor()
    await shop.neonpay.send_payment(ann.id, "vip")
    outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
    await shop.fact("payment_completed")
    return outcome


async def test_no_step_is_made_after_a_refund_has_ended_the_delivery(shop: Shop, query: Callable[..., Any]) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()
    revoked = asyncio.Event()
    granted: list[str] = []
    raised: list[BaseException] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        await ctx.step("one", granted.append, "one")
        reached.set()
        await go_on.wait()
        try:
            await ctx.step("two", granted.append, "two")
        except LeaseLostError as exc:
            raised.append(exc)
            raise

    @shop.neonpay.on_refund(name="revoke")
    async def revoke(result: PaymentResult) -> None:
        granted.append("revoked")
        revoked.set()

    async with shop.polling():
        outcome = await begins(shop)
        await reached.wait()
        await shop.neonpay.refund(outcome.charge_id or "")
        await revoked.wait()
        go_on.set()
        await shop.settles()

    assert granted == ["one", "revoked"]
    assert len(raised) == 1
    assert await query(sa.select(steps.c.name)) == [("one",)]


@pytest.mark.parametrize("form", ["async", "thread"])
async def test_a_step_whose_lease_was_lost_during_its_call_is_not_remembered(
    shop: Shop, database_url: str, clock: MovableClock, query: Callable[..., Any], form: str
) -> None:
    ledger = open_ledger(database_url, clock=clock)
    calls: list[int] = []

    def lose(*_: object) -> str:
        calls.append(1)
        if len(calls) == 1:
            taken = sa.update(jobs).where(jobs.c.state == "leased").values(token=1, state="ready")
            ledger.run_sync(lambda transaction: transaction.connection.execute(taken) and None)
        return f"call {len(calls)}"

    if form == "async":

        @shop.neonpay.on_payment(name="deliver")
        async def in_the_loop(result: PaymentResult, ctx: PaymentContext) -> None:
            assert await ctx.step("order", lose) == "call 2"

    else:

        @shop.neonpay.on_payment(name="deliver")
        def in_a_thread(result: PaymentResult, ctx: PaymentContext) -> None:
            assert ctx.step_sync("order", lose) == "call 2"

    async with shop.polling():
        outcome = await begins(shop)
        async with asyncio.timeout(100):
            while len(calls) < 2:
                clock.advance(60)
                await shop.neonpay.jobs.of(outcome.charge_id or "")
        await shop.delivers(outcome)

    await ledger.close()
    assert await query(sa.select(steps.c.result)) == [('"call 2"',)]
    assert shop.named("fulfilment_failed") == []


async def test_a_stop_leaves_a_thread_its_lease_and_begins_nothing(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    first = open_shop(grace_s=0.01)
    begun, release = threading.Event(), threading.Event()
    runs: list[str] = []

    @first.neonpay.on_payment(name="deliver")
    def hang(result: PaymentResult) -> None:
        runs.append("first")
        begun.set()
        release.wait(30)

    second = open_shop()

    @second.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        runs.append("second")

    async with first.polling():
        outcome = await begins(first)
        assert await asyncio.to_thread(begun.wait, 10)
    async with second.polling():
        await second.settles()
        assert runs == ["first"], "the thread still runs, so nobody begins it anew"
        release.set()
        clock.advance(60)
        await second.delivers(outcome)
    assert runs == ["first", "second"], "it was not written that the thread had come to its end"


async def test_a_handler_that_does_not_take_notice_does_not_hold_up_the_stop(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(grace_s=0.01)
    release = asyncio.Event()

    @shop.neonpay.on_payment(name="deliver")
    async def stubborn(result: PaymentResult) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async with asyncio.timeout(100), shop.polling():
        await begins(shop)
    release.set()


async def test_a_clock_that_is_put_forward_does_not_start_what_this_process_is_at(
    shop: Shop, clock: MovableClock
) -> None:
    go_on, attempts = asyncio.Event(), list[int]()

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        attempts.append(ctx.attempt)
        await go_on.wait()

    async with shop.polling():
        outcome = await begins(shop)
        for _ in range(5):
            clock.advance(3600)
            await asyncio.sleep(0.05)  # several looks at the queue; a second start would show
        (job,) = await shop.neonpay.jobs.of(outcome.charge_id or "")
        assert (job.state, job.attempts) == ("leased", 1)
        go_on.set()
        await shop.delivers(outcome)
    assert attempts == [1]


async def test_an_attempt_that_never_ended_counts_and_the_last_one_leaves_a_dead_letter(
    open_shop: Callable[..., Shop], database_url: str, clock: MovableClock
) -> None:
    attempts: list[int] = []
    outcome = None
    for life in range(3):
        shop = open_shop()
        begun, hang = asyncio.Event(), asyncio.Event()

        @shop.neonpay.on_payment(name="deliver", max_attempts=2)
        async def deliver(
            result: PaymentResult, ctx: PaymentContext, begun: asyncio.Event = begun, hang: asyncio.Event = hang
        ) -> None:
            attempts.append(ctx.attempt)
            begun.set()
            await hang.wait()

        await shop.neonpay.setup()
        if life == 0:
            async with shop.polling():
                outcome = await begins(shop)
                await begun.wait()
                await _die(shop)
        elif life == 1:
            clock.advance(60)
            await begun.wait()
            await _die(shop)
        else:
            clock.advance(60)
            abandoned = await shop.fact("fulfilment_abandoned")
            assert (abandoned.handler, abandoned.charge_id) == ("deliver", outcome.charge_id if outcome else None)
            (letter,) = await shop.neonpay.jobs.dead_letters()
            assert (letter.attempts, "has not ended" in (letter.error or "")) == (2, True)
    assert attempts == [1, 2]


async def test_a_start_says_what_waits_for_a_lease_and_a_take_over_is_told(
    open_shop: Callable[..., Shop], clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="neonpay.payments")
    first, begun, hang = open_shop(), asyncio.Event(), asyncio.Event()

    @first.neonpay.on_payment(name="deliver")
    async def hangs(result: PaymentResult) -> None:
        begun.set()
        await hang.wait()

    async with first.polling():
        outcome = await begins(first)
        await begun.wait()
        await _die(first)
    assert _named(caplog, "jobs_begun_before", "handler_taken_over") == []

    second = open_shop()

    @second.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    await second.neonpay.setup()
    (waits,) = _named(caplog, "jobs_begun_before")
    assert (waits["jobs"], waits["handler"]) == (1, "deliver")
    assert 0 < waits["next_in_s"] <= 30
    clock.advance(60)
    await second.fact("payment_delivered")
    (taken,) = _named(caplog, "handler_taken_over")
    assert (taken["handler"], taken["attempt"], taken["charge_id"]) == ("deliver", 2, outcome.charge_id)

    await second.neonpay.close()
    await second.neonpay.setup()
    assert len(_named(caplog, "jobs_begun_before")) == 1


def _named(caplog: pytest.LogCaptureFixture, *names: str) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records if getattr(record, "event_name", None) in names]


async def _die(shop: Shop) -> None:
    """End the workers of a process without a word to the ledger."""
    pipeline = shop.neonpay.program.pipeline
    for task in pipeline.fulfilment._running:  # noqa: SLF001  # what SIGKILL does
        task.cancel()
    await asyncio.gather(*pipeline.fulfilment._running, return_exceptions=True)  # noqa: SLF001
    await pipeline._worker.stop(grace_s=0)  # noqa: SLF001


async def _async_generator(result: PaymentResult) -> AsyncIterator[None]:
    yield


def _generator(result: PaymentResult) -> Iterator[None]:
    yield


class _Generating:
    def __call__(self, result: PaymentResult) -> Iterator[None]:
        yield


async def _with_connection(result: PaymentResult, connection: sa.Connection) -> None: ...


@functools.wraps(_with_connection)
def _wrapped(*args: Any, **kwargs: Any) -> Any:
    return _with_connection(*args, **kwargs)


@pytest.mark.parametrize(
    "function", [_generator, _async_generator, _Generating(), functools.partial(_generator), _wrapped]
)
async def test_a_handler_none_of_whose_lines_would_run_is_refused(shop: Shop, function: Any) -> None:
    with pytest.raises(HandlerError):
        shop.neonpay.on_payment(name="deliver")(function)
    with pytest.raises(HandlerError):
        shop.neonpay.on_refund(name="deliver")(function)


@pytest.mark.parametrize("function", [_generator, _async_generator, _Generating(), functools.partial(_generator)])
async def test_a_hook_or_listener_none_of_whose_lines_would_run_is_refused(shop: Shop, function: Any) -> None:
    for declare in (shop.neonpay.on_pre_checkout, shop.neonpay.on("payment_completed")):
        with pytest.raises(HandlerError):
            declare(function)
    await shop.neonpay.close()  # what was refused is not declared anew


async def test_many_slow_handlers_starve_nobody(shop: Shop) -> None:
    release = threading.Event()
    shop.neonpay.on_pre_checkout(lambda query: None)

    @shop.neonpay.on_payment(name="slow")
    def slow(result: PaymentResult) -> None:
        release.wait(30)

    async with shop.polling(handle_as_tasks=True):
        ann = await shop.visitor(stars=10_000)
        for _ in range(40):
            await shop.neonpay.send_payment(ann.id, "vip")
            message = await ann.hears(shop.account, predicate=lambda m: m.invoice is not None)
            assert (await ann.pays(message)).status == "paid"
        assert await asyncio.to_thread(lambda: "the host's own") == "the host's own"
        release.set()
        await shop.settles()
