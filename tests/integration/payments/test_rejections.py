"""A handler that rejects its payment sends the Stars back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentContext, PaymentResult, PaymentStatus, RejectPayment
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import journal, refunds
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop

GOODS = sa.Table("goods", sa.MetaData(), sa.Column("charge_id", sa.Text), sa.Column("what", sa.Text))


@pytest.fixture
async def goods(database_url: str) -> sa.Table:
    """A table of the shop's own, in the database of the ledger."""
    ledger = open_ledger(database_url)
    await ledger.run(lambda transaction: transaction.connection.execute(sa.schema.CreateTable(GOODS)) and None)
    await ledger.close()
    return GOODS


async def stars_by_account(query: Callable[..., Any]) -> dict[str, int]:
    accounts = sa.select(journal.c.account, sa.func.sum(journal.c.amount_stars)).group_by(journal.c.account)
    return {account: int(total) for account, total in await query(accounts)}


def _rejects_async(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.enlist(sa.insert(GOODS).values(charge_id=result.transaction_id, what="async"))
        raise RejectPayment("sold out")


def _rejects_in_a_thread(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="deliver")
    def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.enlist(sa.insert(GOODS).values(charge_id=result.transaction_id, what="thread"))
        raise RejectPayment("sold out")


def _rejects_in_the_recording_transaction(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="deliver")
    def deliver(result: PaymentResult, connection: sa.Connection) -> None:
        connection.execute(sa.insert(GOODS).values(charge_id=result.transaction_id, what="transaction"))
        raise RejectPayment("sold out")


REJECTING = pytest.mark.parametrize(
    "reject", [_rejects_async, _rejects_in_a_thread, _rejects_in_the_recording_transaction]
)


@REJECTING
async def test_a_rejected_payment_goes_back_and_leaves_nothing(
    shop: Shop, goods: sa.Table, query: Callable[..., Any], reject: Callable[[Shop], None]
) -> None:
    reject(shop)
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        charge_id = (await shop.sells(ann)).charge_id or ""
        payment = await shop.neonpay.payments.get(charge_id)
        jobs = {job.consumer: (job.state, job.error) for job in await shop.neonpay.jobs.of(charge_id)}
        (refund,) = await shop.neonpay.refunds.list()
        proof = await shop.neonpay.books.verify()

    assert (ann.stars, shop.telegram.balance(shop.account)) == (80, 0)
    assert payment.status is PaymentStatus.REFUNDED
    assert jobs == {"handler:deliver": ("rejected", "sold out"), "neonpay:refund": ("done", None)}
    assert (refund.state, refund.reason, refund.requested_by) == ("refunded", "sold out", "handler:deliver")
    names = ["payment_completed", "payment_rejected", "refund_requested", "payment_refunded"]
    assert [e.name for e in shop.facts if e.charge_id] == names
    (rejected,) = shop.named("payment_rejected")
    assert (rejected.handler, rejected.reason) == ("deliver", "sold out")
    assert await query(sa.select(goods)) == []
    assert await stars_by_account(query) == {"stars": 0, "revenue": 0, "unsettled": 0}
    assert proof.findings == ()


@REJECTING
async def test_a_rejection_drops_the_other_handlers_and_the_thanks(
    open_shop: Callable[..., Shop], goods: sa.Table, reject: Callable[[Shop], None]
) -> None:
    shop = open_shop(thank_you_message="Thank you!")
    may_end = asyncio.Event()

    @shop.neonpay.on_payment(name="slow")
    async def slow(result: PaymentResult, ctx: PaymentContext) -> None:
        ctx.enlist(sa.insert(GOODS).values(charge_id=result.transaction_id, what="slow"))
        await may_end.wait()

    reject(shop)
    shop.telegram.faults.fail("sendMessage", error_code=500, times=100)
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        await shop.neonpay.send_payment(ann.id, "vip")
        outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await shop.fact("payment_refunded")
        may_end.set()
        await shop.settles()
        jobs = {job.consumer: job.state for job in await shop.neonpay.jobs.of(outcome.charge_id or "")}
        assert await shop.neonpay.jobs.retry(outcome.charge_id or "") == 0

    assert jobs.pop("handler:slow") in {"interrupted", "dropped"}
    assert jobs.pop("neonpay:thank_you") in {"interrupted", "dropped"}
    assert jobs == {"handler:deliver": "rejected", "neonpay:refund": "done"}
    assert ann.stars == 80


async def test_a_transaction_handler_may_reject_when_it_runs_again(
    shop: Shop, goods: sa.Table, query: Callable[..., Any], clock: MovableClock
) -> None:
    runs: list[int] = []

    @shop.neonpay.on_payment
    def deliver(result: PaymentResult, connection: sa.Connection) -> None:
        runs.append(1)
        connection.execute(sa.insert(GOODS).values(charge_id=result.transaction_id, what="transaction"))
        if len(runs) == 1:
            raise RuntimeError("the warehouse is closed")
        raise RejectPayment("the warehouse has burnt down")

    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        await shop.sells(ann)
        await shop.fact("payment_refunded")

    assert len(runs) == 2
    assert ann.stars == 80
    assert await query(sa.select(goods)) == []


async def test_a_payment_that_telegram_will_not_take_back_needs_attention(
    shop: Shop, query: Callable[..., Any]
) -> None:
    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        raise RejectPayment("sold out")

    shop.telegram.faults.fail("refundStarPayment", error_code=400, description="Bad Request: CHARGE_NOT_REFUNDABLE")
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        charge_id = (await shop.sells(ann)).charge_id or ""
        (waiting,) = await shop.neonpay.payments.needs_attention()
        accounts = await stars_by_account(query)
        refund = await shop.neonpay.refund(charge_id)

    assert (waiting.charge_id, waiting.attention) == (charge_id, "refund_refused")
    assert waiting.status is PaymentStatus.FAILED
    assert accounts == {"stars": 50, "revenue": 0, "unsettled": -50}
    assert refund.state == "refunded"
    assert ann.stars == 80
    assert await stars_by_account(query) == {"stars": 0, "revenue": 0, "unsettled": 0}


async def test_a_rejected_payment_that_telegram_will_not_take_back_can_be_accepted_and_delivered(
    shop: Shop, query: Callable[..., Any]
) -> None:
    in_stock: list[bool] = []

    @shop.neonpay.on_payment(name="deliver")
    async def deliver(result: PaymentResult) -> None:
        if not in_stock:
            raise RejectPayment("sold out")

    shop.telegram.faults.fail("refundStarPayment", error_code=400, description="Bad Request: CHARGE_NOT_REFUNDABLE")
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        outcome = await shop.sells(ann)
        in_stock.append(True)
        payment = await shop.neonpay.payments.accept(outcome.charge_id or "")
        async with asyncio.timeout(100):
            while any(job.state != "done" for job in await shop.neonpay.jobs.of(payment.charge_id)):
                await between_looks()

    assert payment.status is PaymentStatus.COMPLETED
    assert await stars_by_account(query) == {"stars": 50, "revenue": -50, "unsettled": 0}


async def test_a_rejection_whose_refund_is_put_off_goes_back_later(shop: Shop, clock: MovableClock) -> None:
    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        raise RejectPayment("sold out")

    shop.telegram.faults.fail("refundStarPayment", error_code=429, retry_after=30)
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        charge_id = (await shop.sells(ann)).charge_id or ""
        due = await shop.neonpay.payments.get(charge_id)
        proof = await shop.neonpay.books.verify()
        clock.advance(30)
        await shop.fact("payment_refunded")

    assert (due.state, due.status) == ("refund_due", PaymentStatus.PENDING)
    assert proof.findings == ()
    assert ann.stars == 80


async def test_a_rejection_that_comes_after_a_refund_changes_nothing(shop: Shop, query: Callable[..., Any]) -> None:
    runs, may_end = asyncio.Event(), asyncio.Event()

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        runs.set()
        await may_end.wait()
        raise RejectPayment("sold out")

    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        await shop.neonpay.send_payment(ann.id, "vip")
        outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await runs.wait()
        await shop.neonpay.refund(outcome.charge_id or "")
        may_end.set()
        await shop.settles()

    assert shop.named("payment_rejected") == []
    assert await stars_by_account(query) == {"stars": 0, "revenue": -50, "refunds": 50}
    assert len(await query(sa.select(refunds))) == 1


async def test_two_handlers_that_reject_one_payment_make_one_refund(shop: Shop, query: Callable[..., Any]) -> None:
    both = asyncio.Barrier(2)

    async def deliver(result: PaymentResult) -> None:
        await both.wait()
        raise RejectPayment("sold out")

    shop.neonpay.on_payment(name="first")(deliver)
    shop.neonpay.on_payment(name="second")(deliver)
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        await shop.sells(ann)

    assert len(shop.named("payment_rejected")) == 1
    assert len(shop.telegram.calls("refundStarPayment")) == 1
    assert await stars_by_account(query) == {"stars": 0, "revenue": 0, "unsettled": 0}


async def test_a_handler_may_refund_its_own_payment_and_go_on(shop: Shop) -> None:
    told: list[str] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        refund = await shop.neonpay.refund(result.transaction_id or "", reason="a gift", requested_by="the shop")
        told.append(refund.state)

    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        await shop.sells(ann)

    assert told == ["refunded"]
    assert ann.stars == 80
