"""Refunds, retries, rejections and handlers that meet at one payment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from neonpay import PaymentContext, PaymentResult, RejectPayment
from neonpay.core.roles import Role
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import journal, refunds
from neonpay.payments.consumers.selection import ConsumerSelection, Program
from neonpay.payments.extending.settling import Settling
from neonpay.payments.extensions_used import Extensions
from neonpay.payments.handlers.registry import HandlerRegistry
from neonpay.payments.refunds.store import RefundStore
from neonpay.store.ids import new_event_id
from neonpay.store.stage_versions import Catalogue
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop

LEASE_S = 30.0


async def _deliver(result: PaymentResult) -> None: ...


async def test_a_refund_that_a_dead_process_was_making_is_taken_over_when_its_lease_has_run_out(
    open_shop: Callable[..., Shop], database_url: str, clock: MovableClock
) -> None:
    shop = open_shop()
    shop.neonpay.on_payment(name="deliver")(_deliver)
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=80)
        charge_id = (await shop.sells(ann)).charge_id or ""
        # What a process leaves that is killed between its intent and its call.
        program = Program(HandlerRegistry(), HandlerRegistry(), thanks=False, role=Role.OFFERS)
        plan = ConsumerSelection(shop.account.id, program)
        dead = RefundStore(
            shop.account.id,
            catalogue=Catalogue(shop.account.id),
            plan=plan,
            settling=Settling(shop.account.id, Extensions(), plan),
            clock=clock,
            new_event_id=new_event_id,
            new_token=lambda: 1,
            lease_us=int(LEASE_S * 1_000_000),
            host_data=dict,
        )
        ledger = open_ledger(database_url, clock=clock)
        await ledger.run(dead.intend, charge_id, "killed", "a dead process", True)
        await ledger.close()
        waits = await shop.neonpay.refund(charge_id)
        calls = len(shop.telegram.calls("refundStarPayment"))
        clock.advance(LEASE_S)
        await shop.fact("payment_refunded")
        (refund,) = await shop.neonpay.refunds.list()

    assert (waits.state, waits.requested_by, calls) == ("intended", "a dead process", 0)
    assert (refund.state, refund.reason) == ("refunded", "killed")
    assert ann.stars == 80


async def test_two_workers_that_refund_one_payment_make_one_refund(
    open_shop: Callable[..., Shop], query: Callable[..., Any], clock: MovableClock
) -> None:
    first, second = open_shop(), open_shop()
    for worker in (first, second):
        worker.neonpay.on_payment(name="deliver")(_deliver)
    async with first.polling(), second.neonpay:
        ann = await first.visitor("Ann", stars=80)
        charge_id = (await first.sells(ann)).charge_id or ""
        both = await asyncio.gather(*[worker.neonpay.refund(charge_id) for worker in (first, second)])
        await first.settles()
        await second.neonpay.program.drain()

    assert {refund.state for refund in both} <= {"refunded", "intended"}
    assert len(first.named("payment_refunded")) + len(second.named("payment_refunded")) == 1
    assert ann.stars == 80
    assert len(await query(sa.select(refunds))) == 1


async def test_whatever_meets_at_a_payment_its_stars_and_its_books_agree(
    open_shop: Callable[..., Shop], query: Callable[..., Any]
) -> None:
    first, second = open_shop(), open_shop()
    revoked: list[str | None] = []
    granted: list[str | None] = []

    async def deliver(result: PaymentResult, ctx: PaymentContext) -> None:
        granted.append(result.transaction_id)
        if result.payment.number % 2:
            raise RejectPayment("every second one")

    async def revoke(result: PaymentResult) -> None:
        revoked.append(result.transaction_id)

    for worker in (first, second):
        worker.neonpay.on_payment(name="deliver")(deliver)
        worker.neonpay.on_payment(name="beside")(_deliver)
        worker.neonpay.on_refund(name="revoke")(revoke)
    async with first.polling(), second.neonpay:
        ann = await first.visitor("Ann", stars=80)
        invoice = await first.neonpay.create_payment_link("vip", user_id=ann.id)
        for _ in range(6):
            outcome = await ann.pays(invoice.link or "")
            charge_id = outcome.charge_id or ""
            async with asyncio.timeout(100):
                while not await query(sa.select(journal).limit(1)):
                    await between_looks()
            await first.telegram.idle(first.account)
            met = await asyncio.gather(
                first.neonpay.refund(charge_id, reason="first"),
                second.neonpay.refund(charge_id, reason="second"),
                first.neonpay.jobs.retry(charge_id),
                second.neonpay.jobs.retry(charge_id, handler="deliver"),
                first.bot.refund_star_payment(ann.id, charge_id),
                return_exceptions=True,
            )
            assert not [oops for oops in met if isinstance(oops, AssertionError)]
            async with asyncio.timeout(100):
                while (await first.neonpay.payments.get(charge_id)).state != "refunded":
                    await between_looks()
            await first.settles()
            await second.neonpay.program.drain()
        proof = await first.neonpay.books.verify()

    assert ann.stars == 80
    assert first.telegram.balance(first.account) == 0
    assert proof.findings == ()
    assert len(revoked) == len(set(revoked)) <= 6
    assert {state for (state,) in await query(sa.select(refunds.c.state))} == {"refunded"}
