"""A command works on the ledger of a bot that runs elsewhere: it leaves the rest to the bot."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay import NeonPayCore, PaymentError, PaymentResult, RejectPayment
from neonpay.cli.speaking import WithoutToken
from neonpay.core.payments import PaymentState
from neonpay.payments.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.integration.conftest import MovableClock, Shop


@asynccontextmanager
async def a_tool(shop: Shop, database_url: str, clock: MovableClock) -> AsyncIterator[NeonPayCore]:
    """What a command works with: the same ledger, and neither handlers nor a token."""
    adapter = WithoutToken(shop.neonpay.program.adapter.bot_id)
    async with NeonPayCore(adapter, database_url=database_url, settings=Settings(is_tool=True), clock=clock) as tool:
        yield tool


async def test_a_bot_delivers_what_a_tool_has_accepted(
    open_shop: Callable[..., Shop], database_url: str, clock: MovableClock
) -> None:
    first = open_shop()
    async with first.polling():
        (outcome,) = await first.sells_in_vain(await first.visitor())
    charge_id = outcome.charge_id or ""

    second = open_shop(thank_you_message="Thank you!")
    told: list[str | None] = []
    inside: list[int] = []

    @second.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        told.append(result.transaction_id)

    @second.neonpay.on_payment(name="write")
    def write(result: PaymentResult, connection: sa.Connection) -> None:
        inside.append(connection.execute(sa.select(sa.literal(result.amount))).scalar_one())

    async with second.polling():
        async with a_tool(first, database_url, clock) as tool:
            assert (await tool.payments.accept(charge_id)).state is PaymentState.ACCEPTED
        await second.delivers(outcome)
        jobs = {job.consumer: job.state for job in await second.neonpay.jobs.of(charge_id)}
    assert (told, inside) == ([charge_id], [50])
    names = ("handler:deliver", "handler:write", "neonpay:plan", "neonpay:thank_you")
    assert jobs == dict.fromkeys(names, "done")


async def test_a_tool_accepts_nothing_that_no_program_of_the_shop_takes(
    open_shop: Callable[..., Shop], database_url: str, clock: MovableClock
) -> None:
    first = open_shop()
    async with first.polling():
        (outcome,) = await first.sells_in_vain(await first.visitor())
    async with a_tool(first, database_url, clock) as tool:
        with pytest.raises(PaymentError, match="no handler of this shop takes payments of stage 'vip'"):
            await tool.payments.accept(outcome.charge_id or "")
        assert len(await tool.payments.needs_attention()) == 1


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
        await tool.payments.accept(charge_id)
        (job,) = [job for job in await tool.jobs.of(charge_id) if job.consumer == "handler:deliver"]
        assert job.state == "ready"

    second = open_shop()
    told: list[str | None] = []

    @second.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        told.append(result.transaction_id)

    async with second.polling():
        await second.delivers(outcome)
        assert (await second.neonpay.books.verify()).findings == ()
    assert told == [charge_id]
