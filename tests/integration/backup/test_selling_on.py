"""A shop goes on selling on a ledger that was restored, and does nothing a second time by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.core.job_states import JobState
from neonpay.ledger.tables import events, invoices, jobs
from neonpay.ledger.tables_notifications import notifications
from neonpay.notifications.buyers import BuyerMessages
from tests.integration.backup.conftest import Deliveries, Kit
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.core.payments import Refund
    from neonpay.payments.handlers.context import PaymentContext
    from neonpay.simulator import Outcome
    from tests.integration.conftest import MovableClock, Shop


TELLING = (
    sa.select(jobs.c.state)
    .join(events, sa.and_(events.c.bot_id == jobs.c.bot_id, events.c.event_id == jobs.c.event_id))
    .where(events.c.name == "payment_refunded", jobs.c.consumer.contains("buyers:"))
)


async def restored(kit: Kit, backup_id: str, url: str) -> Any:
    return await asyncio.to_thread(kit.restore, backup_id, url)


@pytest.fixture
def kit(kit: Kit, clock: MovableClock) -> Kit:
    kit.clock = clock
    kit.encrypt()
    return kit


async def test_what_was_sold_since_waits_for_a_person_and_nothing_old_is_done_again(
    kit: Kit, open_shop: Callable[..., Shop], database_url: str, clock: MovableClock, query: Callable[..., Any]
) -> None:
    shop = open_shop()
    first = Deliveries(shop)
    async with shop.polling():
        ann, bob, cem, dan = [await shop.visitor(name) for name in ("Ann", "Bob", "Cem", "Dan")]
        first.failing.add(cem.id)
        before = await shop.sells(ann)
        begun = await shop.sells(cem)
        refunded = await shop.sells(ann)
        link = await shop.neonpay.create_payment_link("vip")
        made = await asyncio.to_thread(kit.save, database_url)
        # What only the ledger knows that is about to be lost.
        since: Outcome = await shop.sells(bob)
        by_link: Outcome = await dan.pays(await dan.opens(link.link or ""))
        await shop.settles()
        await shop.neonpay.refund(refunded.charge_id or "")
        await shop.settles()
    assert set(first.told) == {one.charge_id for one in (before, refunded, since, by_link)}
    await shop.aclose()
    paid_us = max(int(one.paid_at.timestamp()) for one in shop.telegram.payments(shop.account)) * 1_000_000
    clock.advance((paid_us - clock.now_us()) / 1_000_000 + 60)

    found = await restored(kit, made.backup_id, database_url)
    assert list(found.parked.values()) == [{"jobs": 1, "messages": 0, "invoices": 0}]

    shop = open_shop()
    second = Deliveries(shop)
    async with shop.polling():
        report = await shop.neonpay.books.reconcile(grace_s=0)
        await shop.settles()
        assert (report.recovered, report.needs_attention, report.refunded) == (2, 2, 1)
        waiting = {one.charge_id: one.attention for one in await shop.neonpay.payments.needs_attention()}
        assert waiting == dict.fromkeys((since.charge_id, by_link.charge_id), "restored")
        assert second.told == []
        assert (await shop.neonpay.payments.get(refunded.charge_id or "")).state == "refunded"
        (letter,) = await shop.neonpay.jobs.dead_letters()
        assert (letter.charge_id, "restored from a backup" in (letter.error or "")) == (begun.charge_id, True)

        # The person looks: Dan has his, and Bob and Cem have not.
        await shop.neonpay.payments.accept(by_link.charge_id or "", is_delivered=True)
        await shop.neonpay.payments.accept(since.charge_id or "")
        await shop.neonpay.jobs.retry(begun.charge_id or "")
        for one in (since, begun):
            await shop.delivers(one)
        assert sorted(second.told) == sorted([since.charge_id, begun.charge_id])

        await shop.telegram.advance(minutes=5)
        after = await shop.sells(ann)
        await shop.delivers(after)
        assert second.told[2:] == [after.charge_id]
        assert (await shop.neonpay.books.verify()).is_clean
    assert await query(sa.select(sa.func.count()).select_from(notifications)) == [(0,)]
    assert await query(sa.select(sa.func.count()).select_from(invoices).where(invoices.c.state == "queued")) == [(0,)]


async def test_an_update_that_telegram_brings_again_is_no_new_sale(
    kit: Kit, open_shop: Callable[..., Shop], database_url: str, clock: MovableClock
) -> None:
    shop = open_shop()
    Deliveries(shop)
    async with shop.polling():
        ann = await shop.visitor()
        await shop.neonpay.send_payment(ann.id, "vip")
        invoice = await ann.hears(shop.account, predicate=lambda m: m.invoice is not None)
        made = await asyncio.to_thread(kit.save, database_url)
        sold = await ann.pays(invoice)
        await shop.settles()
    await shop.aclose()
    clock.advance(30 * 86_400 * 12)
    await restored(kit, made.backup_id, database_url)

    shop = open_shop()
    second = Deliveries(shop)
    async with shop.polling():
        (paid,) = [one for one in shop.telegram.updates(shop.account) if "successful_payment" in repr(one)]
        await shop.telegram.redeliver(paid.update_id, shop.account, new_id=True)
        await shop.settles()
    assert second.told == []
    assert (await shop.neonpay.payments.get(sold.charge_id or "")).attention == "restored"


async def test_a_refund_since_is_noted_and_its_handlers_run_once_more_and_are_told_where_it_comes_from(
    kit: Kit, open_shop: Callable[..., Shop], database_url: str, clock: MovableClock, query: Callable[..., Any]
) -> None:
    def revokes(shop: Shop, told: list[tuple[str, str]]) -> None:
        @shop.neonpay.on_refund(stage="vip", name="revoke")
        async def revoke(ctx: PaymentContext, refund: Refund) -> None:
            told.append((ctx.payment.charge_id, refund.source.value))

    shop = open_shop()
    Deliveries(shop)
    first: list[tuple[str, str]] = []
    revokes(shop, first)
    shop.neonpay.use(BuyerMessages())
    async with shop.polling():
        ann = await shop.visitor()
        sold = await shop.sells(ann)
        await shop.delivers(sold)
        made = await asyncio.to_thread(kit.save, database_url)
        await shop.neonpay.refund(sold.charge_id or "")
        await ann.hears(shop.account, containing="↩️")
        await shop.settles()
    assert first == [(sold.charge_id, "call")]
    await shop.aclose()
    assert told_of_it(shop) == 1
    paid_us = max(int(one.paid_at.timestamp()) for one in shop.telegram.payments(shop.account)) * 1_000_000
    clock.advance((paid_us - clock.now_us()) / 1_000_000 + 60)
    await restored(kit, made.backup_id, database_url)

    shop = open_shop()
    Deliveries(shop)
    second: list[tuple[str, str]] = []
    revokes(shop, second)
    shop.neonpay.use(BuyerMessages())
    async with shop.polling():
        for refunded in (1, 0):
            assert (await shop.neonpay.books.reconcile(grace_s=0)).refunded == refunded
            await shop.settles()
        async with asyncio.timeout(60):
            while await query(TELLING) != [(JobState.DONE.value,)]:
                await between_looks()
        assert (await shop.neonpay.books.verify()).is_clean
    assert second == [(sold.charge_id, "reconcile")]
    assert len(shop.telegram.calls("refundStarPayment")) == 1
    assert told_of_it(shop) == 1


def told_of_it(shop: Shop) -> int:
    """How often a buyer was told that Stars are back."""
    texts = [str(call.params.get("text")) for call in shop.telegram.calls("sendMessage")]
    return len([text for text in texts if "↩️" in text])
