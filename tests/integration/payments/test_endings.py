"""What is told of invoices that nobody has paid, and of payments whose handlers are all done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult, PaymentStage
from neonpay.ledger.tables import events, invoices
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.integration.conftest import MovableClock, Shop

HOUR_S = 3600


async def offered(shop: Shop, stage_id: str) -> str:
    ann = await shop.visitor()
    return (await shop.neonpay.send_payment(ann.id, stage_id)).invoice_id


async def looks(shop: Shop, task: str) -> None:
    pipeline = shop.neonpay.program.pipeline
    (work,) = [each.work for each in pipeline.endings.tasks if each.name == task]
    async with pipeline.periodic_store.turn(task, patience_s=30, next_in_s=HOUR_S) as turn:
        await work(turn)


def short(shop: Shop) -> None:
    shop.neonpay.create_payment_stage(
        "short", PaymentStage(title="Short", description="An hour", price=5, invoice_ttl_s=60)
    )


async def test_an_unpaid_invoice_expires_once_and_a_paid_one_ends_without_a_word(
    shop: Shop, clock: MovableClock, query: Callable[..., Any]
) -> None:
    short(shop)
    shop.neonpay.on_payment(name="deliver")(_nothing)
    async with shop.polling():
        paid = await shop.sells(await shop.visitor("Bob"), "short")
        await shop.delivers(paid)
        unpaid = await offered(shop, "short")
        lasting = await offered(shop, "vip")
        clock.advance(90)
        await looks(shop, "expire_invoices")
        assert shop.named("invoice_expired") == [], "an approved checkout may still become a payment"
        clock.advance(60)
        for _ in range(2):
            await looks(shop, "expire_invoices")
        assert [event.invoice_id for event in shop.named("invoice_expired")] == [unpaid]
    states = dict(await query(sa.select(invoices.c.invoice_id, invoices.c.state)))
    assert (states[unpaid], states[lasting]) == ("expired", "sent")
    assert sorted(states.values()) == ["expired", "expired", "sent"]


async def test_an_invoice_that_nobody_pays_for_a_day_is_abandoned_once(shop: Shop, clock: MovableClock) -> None:
    shop.neonpay.on_payment(name="deliver")(_nothing)
    async with shop.polling():
        paid = await shop.sells(await shop.visitor("Bob"))
        await shop.delivers(paid)
        unpaid = await offered(shop, "vip")
        clock.advance(23 * HOUR_S)
        young = await offered(shop, "vip")
        for _ in range(2):
            await shop.neonpay.books.seal()
            await looks(shop, "abandon_invoices")
        assert shop.named("invoice_abandoned") == []
        clock.advance(2 * HOUR_S)
        for _ in range(2):
            await looks(shop, "abandon_invoices")
        assert [event.invoice_id for event in shop.named("invoice_abandoned")] == [unpaid]
        clock.advance(24 * HOUR_S)
        await looks(shop, "abandon_invoices")
        assert [event.invoice_id for event in shop.named("invoice_abandoned")] == [unpaid, young]


async def test_the_program_says_when_an_invoice_is_abandoned(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    shop = open_shop(abandoned_after_s=60)
    async with shop.polling():
        unpaid = await offered(shop, "vip")
        clock.advance(50)
        await looks(shop, "abandon_invoices")
        assert shop.named("invoice_abandoned") == []
        clock.advance(20)
        await shop.neonpay.books.seal()  # numbers what the look reads
        await looks(shop, "abandon_invoices")
        assert (await shop.fact("invoice_abandoned")).invoice_id == unpaid


async def test_a_delivery_by_handlers_that_end_together_is_told_once(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="one")
    async def one(result: PaymentResult) -> None: ...

    @shop.neonpay.on_payment(name="two")
    async def two(result: PaymentResult) -> None: ...

    async with shop.polling():
        for _ in range(5):
            await shop.delivers(await shop.sells(await shop.visitor()))
        await shop.fact("payment_delivered", count=5)
        await shop.settles()
        assert len(shop.named("payment_delivered")) == 5


async def test_a_payment_is_delivered_when_the_last_of_its_handlers_is_done(
    shop: Shop, query: Callable[..., Any]
) -> None:
    first, goes_on = asyncio.Event(), asyncio.Event()

    @shop.neonpay.on_payment(name="quick")
    async def quick(result: PaymentResult) -> None:
        first.set()

    @shop.neonpay.on_payment(name="slow")
    async def slow(result: PaymentResult) -> None:
        await goes_on.wait()

    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.send_payment(ann.id, "vip")
        paid = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        outcome = paid.charge_id or ""
        await first.wait()
        async with asyncio.timeout(100):
            while {job.consumer: job.state for job in await shop.neonpay.jobs.of(outcome)}["handler:quick"] != "done":
                await between_looks()
        assert shop.named("payment_delivered") == []
        goes_on.set()
        told = await shop.fact("payment_delivered")
        await shop.settles()
        assert told.charge_id == outcome
    written = sa.select(events.c.charge_id).where(events.c.name == "payment_delivered")
    assert [row[0] for row in await query(written)] == [outcome]


@pytest.mark.parametrize("form", ["inside", "transaction", "enlisted"])
async def test_a_handler_with_a_connection_delivers_as_well(
    open_shop: Callable[..., Shop], query: Callable[..., Any], form: str
) -> None:
    shop = open_shop()
    if form == "enlisted":

        @shop.neonpay.on_payment(name="deliver")
        async def enlists(result: PaymentResult, ctx: Any) -> None:
            ctx.enlist(sa.update(invoices).values(link="sold"))

    else:
        failures = 1 if form == "transaction" else 0

        @shop.neonpay.on_payment(name="deliver")
        def inside(result: PaymentResult, connection: sa.Connection) -> None:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise RuntimeError("not yet")

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        told = await shop.fact("payment_delivered")
        assert told.charge_id == outcome.charge_id
    written = sa.select(events.c.charge_id).where(events.c.name == "payment_delivered")
    assert [row[0] for row in await query(written)] == [outcome.charge_id]


async def _nothing() -> None:
    pass
