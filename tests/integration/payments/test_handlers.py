"""Payment handlers: how they are registered, what they are given, and their three exactly-once forms."""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentContext, PaymentResult, PaymentStage
from neonpay.errors import HandlerError
from neonpay.ledger import open_ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiogram import Bot, Dispatcher

    from tests.integration.conftest import MovableClock, Shop

CREDITS = sa.Table("credits", sa.MetaData(), sa.Column("charge_id", sa.Text), sa.Column("attempt", sa.Integer))


@pytest.fixture
async def credits_table(database_url: str) -> sa.Table:
    """A table of the shop's own, in the database of the ledger."""
    ledger = open_ledger(database_url)
    await ledger.run(lambda transaction: transaction.connection.execute(sa.schema.CreateTable(CREDITS)) and None)
    await ledger.close()
    return CREDITS


async def test_the_decorator_returns_the_function_itself(shop: Shop) -> None:
    async def deliver(result: PaymentResult) -> None: ...

    async def deliver_vip(result: PaymentResult) -> None: ...

    assert shop.neonpay.on_payment(deliver) is deliver
    assert shop.neonpay.on_payment(stage="vip", name="vip", max_attempts=3)(deliver_vip) is deliver_vip


async def test_a_handler_of_one_stage_gets_only_its_payments(shop: Shop) -> None:
    got: dict[str, list[str | None]] = {"art": [], "all": [], "both": []}
    shop.neonpay.create_payment_stage("art", PaymentStage(title="Art", description="A picture", price=1))

    @shop.neonpay.on_payment(stage="art")
    async def art(result: PaymentResult) -> None:
        got["art"].append(result.stage_id)

    @shop.neonpay.on_payment(stage=["art", "vip"])
    async def both(result: PaymentResult) -> None:
        got["both"].append(result.stage_id)

    @shop.neonpay.on_payment
    async def everything(result: PaymentResult) -> None:
        got["all"].append(result.stage_id)

    async with shop.polling():
        ann = await shop.visitor()
        await shop.sells(ann, "vip")
        await shop.sells(ann, "art")

    assert got == {"art": ["art"], "both": ["vip", "art"], "all": ["vip", "art"]}


async def test_a_plain_handler_runs_in_a_thread_so_that_it_cannot_stop_the_bot(shop: Shop) -> None:
    threads: list[threading.Thread] = []

    @shop.neonpay.on_payment
    def deliver(result: PaymentResult) -> None:
        threads.append(threading.current_thread())

    async with shop.polling():
        await shop.sells(await shop.visitor())

    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


async def test_a_partial_and_a_callable_object_can_deliver(shop: Shop) -> None:
    got: list[str] = []

    async def deliver(result: PaymentResult, *, word: str) -> None:
        got.append(word)

    class Delivery:
        async def __call__(self, result: PaymentResult) -> None:
            got.append("object")

    shop.neonpay.on_payment(name="partial")(functools.partial(deliver, word="partial"))
    shop.neonpay.on_payment(name="object")(Delivery())
    async with shop.polling():
        await shop.sells(await shop.visitor())

    assert sorted(got) == ["object", "partial"]


async def test_a_handler_is_given_the_hosts_objects_by_name(shop: Shop) -> None:
    got: list[object] = []
    shop.dispatcher["settings"] = {"currency": "stars"}

    @shop.neonpay.on_payment
    async def deliver(
        result: PaymentResult,
        ctx: PaymentContext,
        bot: Bot,
        dispatcher: Dispatcher,
        settings: dict[str, str],
        warehouse: str,
        colour: str = "blue",
    ) -> None:
        got.extend([ctx.result is result, bot, dispatcher, settings, warehouse, colour])

    async with shop.polling(warehouse="north"):
        await shop.sells(await shop.visitor())

    assert got == [True, shop.bot, shop.dispatcher, {"currency": "stars"}, "north", "blue"]


async def test_the_first_parameter_may_have_any_name(shop: Shop) -> None:
    got: list[int] = []

    @shop.neonpay.on_payment
    async def deliver(purchase: PaymentResult, bot: Bot) -> None:
        got.append(purchase.amount)

    async with shop.polling():
        await shop.sells(await shop.visitor())

    assert got == [50]


async def test_an_argument_that_nobody_gives_is_refused_at_set_up(shop: Shop) -> None:
    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult, warehouse: str) -> None: ...

    with pytest.raises(HandlerError, match=r"asks for 'warehouse'; it may ask for: result, ctx, connection.*bot"):
        await shop.neonpay.setup()
    with pytest.raises(HandlerError, match="warehouse"):
        async with shop.polling():
            pass


async def test_two_handlers_of_one_name_are_refused(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...

    with pytest.raises(HandlerError, match="two on_payment handlers are called 'deliver'"):
        shop.neonpay.on_payment(name="deliver")(lambda result: None)


@pytest.mark.parametrize(
    ("function", "options", "complaint"),
    [
        (lambda result: None, {}, "needs one"),
        (42, {}, "must be callable"),
        ("coffee", {}, r"@neonpay\.on_payment\(stage=.coffee.\)"),
        (lambda result, /: None, {"name": "positional"}, "positional-only"),
        (lambda result: None, {"name": "never", "max_attempts": 0}, "at least 1"),
    ],
)
async def test_a_function_that_cannot_deliver_is_refused(
    shop: Shop, function: Any, options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(HandlerError, match=complaint):
        shop.neonpay.on_payment(**options)(function)


@pytest.mark.usefixtures("credits_table")
async def test_enlisted_statements_take_effect_once_over_all_attempts(
    shop: Shop, clock: MovableClock, query: Callable[..., Any]
) -> None:

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.enlist(sa.insert(CREDITS), {"charge_id": result.transaction_id, "attempt": ctx.attempt})
        if ctx.attempt < 3:
            raise RuntimeError("not yet")

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        for attempt in (1, 2):
            await shop.fact("fulfilment_failed", count=attempt)
            clock.advance(3600)
        await shop.delivers(outcome)

    assert await query(sa.select(CREDITS)) == [(outcome.charge_id, 3)]


async def test_an_enlisted_statement_that_fails_is_the_handlers_failure(shop: Shop, clock: MovableClock) -> None:
    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        if ctx.attempt == 1:
            ctx.enlist(sa.text("INSERT INTO no_such_table VALUES (1)"))

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        failed = await shop.fact("fulfilment_failed")
        assert "no_such_table" in (failed.reason or "")
        clock.advance(60)
        await shop.delivers(outcome)


@pytest.mark.usefixtures("credits_table")
async def test_a_handler_with_a_connection_writes_in_the_transaction_that_records_the_payment(
    shop: Shop, query: Callable[..., Any]
) -> None:
    seen: list[int] = []

    @shop.neonpay.on_payment
    def credit(result: PaymentResult, connection: sa.Connection) -> None:
        row = sa.text("SELECT count(*) FROM neonpay_payments WHERE charge_id = :charge_id")
        seen.append(connection.execute(row, {"charge_id": result.transaction_id}).scalar_one())
        connection.execute(sa.insert(CREDITS).values(charge_id=result.transaction_id, attempt=1))

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        jobs = await shop.neonpay.jobs.of(outcome.charge_id)

    assert [job.state for job in jobs] == ["done"]
    assert await query(sa.select(CREDITS)) == [(outcome.charge_id, 1)]


@pytest.mark.usefixtures("credits_table")
async def test_a_handler_with_a_connection_that_raises_undoes_its_own_writes_only(
    shop: Shop, clock: MovableClock, query: Callable[..., Any]
) -> None:
    attempts: list[int] = []

    @shop.neonpay.on_payment
    def credit(result: PaymentResult, connection: sa.Connection) -> None:
        attempts.append(len(attempts) + 1)
        connection.execute(sa.insert(CREDITS).values(charge_id=result.transaction_id, attempt=attempts[-1]))
        if len(attempts) < 3:
            raise RuntimeError("not yet")

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        assert (await shop.neonpay.payments.get(outcome.charge_id)).state == "accepted"
        await shop.fact("fulfilment_failed")
        clock.advance(60)
        await shop.delivers(outcome)

    assert await query(sa.select(CREDITS)) == [(outcome.charge_id, 3)]


async def test_a_step_is_made_once_over_all_attempts_and_its_result_remembered(shop: Shop, clock: MovableClock) -> None:
    calls: list[str] = []
    results: list[object] = []

    async def order(item: str) -> dict[str, object]:
        calls.append(item)
        return {"order": len(calls), "item": item}

    def weigh() -> float:
        calls.append("weigh")
        return 1.5

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        results.append([await ctx.step("order", order, "кот"), await ctx.step("weigh", weigh)])
        if ctx.attempt == 1:
            raise RuntimeError("not yet")

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        clock.advance(60)
        await shop.delivers(outcome)

    assert calls == ["кот", "weigh"]
    assert results == [[{"order": 1, "item": "кот"}, 1.5]] * 2


async def test_a_step_that_raises_is_made_again(shop: Shop, clock: MovableClock) -> None:
    calls: list[int] = []

    async def order() -> None:
        calls.append(len(calls))
        if len(calls) == 1:
            raise OSError("the warehouse does not answer")

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        await ctx.step("order", order)

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        clock.advance(60)
        await shop.delivers(outcome)

    assert calls == [0, 1]


@pytest.mark.parametrize("answer", ["a\0b", "a\ud800b", {"\udfff": ["\0"]}])
async def test_a_step_may_give_text_that_no_database_takes(shop: Shop, answer: Any) -> None:
    results: list[object] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        results.append([await ctx.step("ask", lambda: answer), await ctx.step("ask", lambda: "another")])

    async with shop.polling():
        await shop.delivers(await shop.sells(await shop.visitor()))

    assert results == [[answer, answer]]


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "n" * 501])
async def test_a_step_has_a_name_that_a_database_takes(shop: Shop, name: str) -> None:
    calls: list[int] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        await ctx.step(name, calls.append, 1)

    async with shop.polling():
        await shop.sells(await shop.visitor())
        failed = await shop.fact("fulfilment_failed")

    assert (failed.reason or "").startswith("ValidationError")
    assert calls == []


async def test_a_step_whose_result_is_no_json_says_so(shop: Shop) -> None:
    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        await ctx.step("order", object)

    async with shop.polling():
        await shop.sells(await shop.visitor())
        failed = await shop.fact("fulfilment_failed")

    assert (failed.reason or "").startswith("TypeError")


async def test_an_idempotency_key_is_the_same_for_every_attempt_and_another_for_each_handler(
    shop: Shop, clock: MovableClock
) -> None:
    keys: dict[str, list[str]] = {"one": [], "two": []}

    @shop.neonpay.on_payment(name="one")
    async def one(result: PaymentResult, ctx: PaymentContext) -> None:
        keys["one"].append(ctx.idempotency_key)
        if ctx.attempt == 1:
            raise RuntimeError("not yet")

    @shop.neonpay.on_payment(name="two")
    async def two(result: PaymentResult, ctx: PaymentContext) -> None:
        keys["two"].append(ctx.idempotency_key)

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        clock.advance(60)
        await shop.delivers(outcome)

    first, second = keys["one"]
    assert first == second != keys["two"][0]
    assert outcome.charge_id in first


async def test_a_slow_handler_does_not_hold_up_the_next_payment(shop: Shop) -> None:
    may_end, both_run = asyncio.Event(), asyncio.Event()
    running: list[str | None] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        running.append(result.transaction_id)
        if len(running) == 2:
            both_run.set()
        await may_end.wait()

    async with shop.polling():
        ann = await shop.visitor()
        invoice = await shop.neonpay.create_payment_link("vip")
        paid = [await ann.pays(invoice.link or ""), await ann.pays(invoice.link or "")]
        await both_run.wait()
        assert shop.neonpay.get_stats()["running_handlers"] == 2
        may_end.set()
        await shop.settles()

    assert running == [outcome.charge_id for outcome in paid]
