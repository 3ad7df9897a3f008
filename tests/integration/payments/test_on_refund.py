"""Handlers that take back what a refunded payment had granted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentContext, PaymentResult, PaymentStage, PaymentStatus, RejectPayment
from neonpay.core.payments import Refund
from neonpay.errors import HandlerError
from neonpay.ledger import open_ledger
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop

ACCESS = sa.Table("access", sa.MetaData(), sa.Column("user_id", sa.BigInteger), sa.Column("how", sa.Text))


@pytest.fixture
async def access(database_url: str) -> sa.Table:
    """A table of the shop's own, in the database of the ledger."""
    ledger = open_ledger(database_url)
    await ledger.run(lambda transaction: transaction.connection.execute(sa.schema.CreateTable(ACCESS)) and None)
    await ledger.close()
    return ACCESS


def delivers(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None: ...


async def test_a_refund_runs_the_refund_handlers_once_with_the_refund(shop: Shop) -> None:
    got: list[tuple[PaymentResult, Refund]] = []
    delivers(shop)

    @shop.neonpay.on_refund
    async def revoke(result: PaymentResult, refund: Refund) -> None:
        got.append((result, refund))

    async with shop.polling():
        ann = await shop.visitor()
        charge_id = (await shop.sells(ann)).charge_id or ""
        await shop.neonpay.refund(charge_id, reason="the buyer asked")
        await shop.settles()
        jobs = {job.consumer.partition(":")[0]: job.state for job in await shop.neonpay.jobs.of(charge_id)}

    ((result, refund),) = got
    assert (result.status, result.user_id, result.stage_id) == (PaymentStatus.REFUNDED, ann.id, "vip")
    assert (refund.state, refund.reason, refund.charge_id) == ("refunded", "the buyer asked", charge_id)
    assert jobs == {"handler": "done", "neonpay": "done", "on_refund": "done"}


async def test_a_refund_made_by_somebody_else_is_revoked_too(shop: Shop) -> None:
    got: list[str | None] = []
    delivers(shop)

    @shop.neonpay.on_refund
    async def revoke(result: PaymentResult) -> None:
        got.append(result.transaction_id)

    async with shop.polling():
        ann = await shop.visitor()
        charge_id = (await shop.sells(ann)).charge_id or ""
        await shop.bot.refund_star_payment(ann.id, charge_id)
        await shop.fact("payment_refunded")
        await shop.settles()

    assert got == [charge_id]


@pytest.mark.parametrize("form", ["async", "thread", "transaction"])
async def test_what_a_refund_handler_writes_to_the_database_is_there_once(
    shop: Shop, access: sa.Table, query: Callable[..., Any], form: str, clock: MovableClock
) -> None:
    delivers(shop)
    runs: list[int] = []

    def fails_first() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise RuntimeError("the door is jammed")

    async def revoke_async(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.enlist(sa.insert(access).values(user_id=result.user_id, how="revoked"))
        fails_first()

    def revoke_in_a_thread(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.enlist(sa.insert(access).values(user_id=result.user_id, how="revoked"))
        fails_first()

    def revoke_inside(result: PaymentResult, connection: sa.Connection, refund: Refund) -> None:
        connection.execute(sa.insert(access).values(user_id=refund.user_id, how="revoked"))
        fails_first()

    revoke = {"async": revoke_async, "thread": revoke_in_a_thread, "transaction": revoke_inside}[form]
    shop.neonpay.on_refund(name="revoke")(revoke)
    async with shop.polling():
        ann = await shop.visitor()
        charge_id = (await shop.sells(ann)).charge_id or ""
        await shop.neonpay.refund(charge_id)
        await shop.settles()
        clock.advance(10)
        async with asyncio.timeout(100):
            while any(job.state != "done" for job in await shop.neonpay.jobs.of(charge_id)):
                await between_looks()

    assert len(runs) == 2
    assert await query(sa.select(access)) == [(ann.id, "revoked")]


async def test_a_refund_handler_outlives_the_process(
    open_shop: Callable[..., Shop], access: sa.Table, query: Callable[..., Any], clock: MovableClock
) -> None:
    first, second = open_shop(), open_shop()
    for shop in (first, second):
        delivers(shop)

    @first.neonpay.on_refund(name="revoke")
    async def breaks(result: PaymentResult) -> None:
        raise RuntimeError("not here")

    @second.neonpay.on_refund(name="revoke")
    async def works(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.enlist(sa.insert(access).values(user_id=result.user_id, how="revoked"))

    async with first.polling():
        ann = await first.visitor()
        charge_id = (await first.sells(ann)).charge_id or ""
        await first.neonpay.refund(charge_id)
        await first.settles()
    clock.advance(3600)
    async with second.neonpay:
        async with asyncio.timeout(100):
            while any(job.state != "done" for job in await second.neonpay.jobs.of(charge_id)):
                await between_looks()

    assert await query(sa.select(access)) == [(ann.id, "revoked")]


async def test_a_refund_handler_of_one_stage_gets_only_its_refunds(shop: Shop) -> None:
    got: list[str | None] = []
    delivers(shop)
    shop.neonpay.create_payment_stage("art", PaymentStage(title="Art", description="A picture", price=1))

    @shop.neonpay.on_refund(stage="art", name="art")
    async def revoke(result: PaymentResult) -> None:
        got.append(result.stage_id)

    async with shop.polling():
        ann = await shop.visitor()
        for stage in ("vip", "art"):
            await shop.neonpay.refund((await shop.sells(ann, stage)).charge_id or "")
        await shop.settles()

    assert got == ["art"]


async def test_nothing_is_revoked_when_nothing_was_delivered(shop: Shop) -> None:
    got: list[str | None] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        raise RejectPayment("sold out")

    @shop.neonpay.on_refund
    async def revoke(result: PaymentResult) -> None:
        got.append(result.transaction_id)

    async with shop.polling():
        await shop.sells(await shop.visitor())
        await shop.settles()

    assert len(shop.named("payment_refunded")) == 1
    assert got == []


async def test_a_rejection_revokes_what_another_handler_had_delivered(shop: Shop) -> None:
    got: list[str | None] = []
    delivered = asyncio.Event()

    @shop.neonpay.on_payment(name="fast")
    async def fast(result: PaymentResult) -> None:
        delivered.set()

    @shop.neonpay.on_payment(name="slow")
    async def slow(result: PaymentResult) -> None:
        await delivered.wait()
        raise RejectPayment("sold out")

    @shop.neonpay.on_refund
    async def revoke(result: PaymentResult) -> None:
        got.append(result.transaction_id)

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.settles()

    assert got == [outcome.charge_id]


async def test_a_rejection_in_a_refund_handler_is_an_ordinary_failure(shop: Shop) -> None:
    delivers(shop)

    @shop.neonpay.on_refund(name="revoke", max_attempts=1)
    async def revoke(result: PaymentResult) -> None:
        raise RejectPayment("never")

    async with shop.polling():
        charge_id = (await shop.sells(await shop.visitor())).charge_id or ""
        await shop.neonpay.refund(charge_id)
        await shop.settles()
        (dead,) = await shop.neonpay.jobs.dead_letters()

    assert dead.consumer == "on_refund:revoke"
    assert (await shop.fact("fulfilment_abandoned")).handler == "on_refund:revoke"


async def test_a_refund_handler_is_checked_like_a_payment_handler(shop: Shop) -> None:
    @shop.neonpay.on_refund(name="revoke")
    async def revoke(result: PaymentResult, warehouse: str) -> None: ...

    with pytest.raises(HandlerError, match="it may ask for: result, ctx, connection, refund"):
        await shop.neonpay.setup()
    with pytest.raises(HandlerError, match=r"@neonpay\.on_refund\(name="):
        shop.neonpay.on_refund(name="revoke")(revoke)
