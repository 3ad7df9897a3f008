"""A program without handlers works on the ledger of a bot that has some: it leaves the rest to the bot."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from neonpay import PaymentResult, RejectPayment
from neonpay.core.payments import PaymentState
from neonpay.ledger import open_ledger
from neonpay.payments.catalogue import Catalogue
from neonpay.payments.history import History
from neonpay.payments.planning import PLAN, Plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.integration.conftest import MovableClock, Shop


@asynccontextmanager
async def a_tool(shop: Shop, database_url: str, clock: MovableClock) -> AsyncIterator[History]:
    """What a command works with: the same ledger, and no handlers."""
    bot_id = shop.neonpay.adapter.bot_id
    ledger = open_ledger(database_url, clock=clock)
    plan = Plan(None, thanks=False)
    yield History(ledger, bot_id, catalogue=Catalogue(bot_id), plan=plan, announce=lambda _: None)
    await ledger.close()


async def test_a_bot_delivers_what_a_tool_has_accepted(
    open_shop: Callable[..., Shop], database_url: str, clock: MovableClock
) -> None:
    first = open_shop()
    async with first.polling():
        outcome = await first.sells(await first.visitor())
    charge_id = outcome.charge_id or ""
    async with a_tool(first, database_url, clock) as tool:
        assert (await tool.accept(charge_id)).state is PaymentState.ACCEPTED
        assert [(job.consumer, job.state) for job in await tool.jobs_of(charge_id)] == [(PLAN, "ready")]

    second = open_shop(thank_you_message="Thank you!")
    told: list[str | None] = []
    inside: list[int] = []

    @second.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        told.append(result.transaction_id)

    @second.neonpay.on_payment
    def write(result: PaymentResult, connection: sa.Connection) -> None:
        inside.append(connection.execute(sa.select(sa.literal(result.amount))).scalar_one())

    async with second.polling():
        await second.delivers(outcome)
        jobs = {job.consumer.rpartition(".")[2]: job.state for job in await second.neonpay.jobs(charge_id)}
    assert (told, inside) == ([charge_id], [50])
    assert jobs == {PLAN: "done", "deliver": "done", "write": "done", "neonpay:thank_you": "done"}


async def test_what_a_tool_has_accepted_waits_while_no_handler_takes_it(
    open_shop: Callable[..., Shop], database_url: str, clock: MovableClock
) -> None:
    first = open_shop()
    async with first.polling():
        outcome = await first.sells(await first.visitor())
    charge_id = outcome.charge_id or ""
    async with a_tool(first, database_url, clock) as tool:
        await tool.accept(charge_id)

    second = open_shop()
    async with second.polling():
        fact = await second.fact("fulfilment_failed")
        (job,) = await second.neonpay.jobs(charge_id)
    assert fact.reason is not None
    assert "no handler takes payments of stage 'vip'" in fact.reason
    assert (job.consumer, job.state, job.attempts) == (PLAN, "ready", 1)


async def test_a_bot_delivers_what_it_had_rejected_and_a_tool_has_accepted(
    open_shop: Callable[..., Shop], database_url: str, clock: MovableClock
) -> None:
    first = open_shop()

    @first.neonpay.on_payment(name="deliver")
    async def refuse() -> None:
        raise RejectPayment("sold out")

    first.telegram.faults.fail("refundStarPayment", error_code=400, description="Bad Request: CHARGE_NOT_REFUNDABLE")
    async with first.polling():
        outcome = await first.sells(await first.visitor())
    charge_id = outcome.charge_id or ""
    async with a_tool(first, database_url, clock) as tool:
        await tool.accept(charge_id)

    second = open_shop()
    told: list[str | None] = []

    @second.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        told.append(result.transaction_id)

    async with second.polling():
        await second.delivers(outcome)
        assert (await second.neonpay.verify()).findings == ()
    assert told == [charge_id]
