"""``neonpay.reports``: what a shop sold is what its reports say, awaited, waited for, and over a bare ledger."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from neonpay.analytics import Analytics, Bucket, Period, Split, reports_of
from neonpay.analytics.marks import marks
from neonpay.analytics.scope import Scope
from neonpay.errors import ValidationError
from neonpay.ledger import open_ledger
from neonpay.tracking import Tracking

if TYPE_CHECKING:
    from tests.integration.conftest import MovableClock, Shop


EVER = Period(since=datetime(2020, 1, 1, tzinfo=UTC), until=datetime(2040, 1, 1, tzinfo=UTC))


async def sell_three_and_refund_one(shop: Shop) -> None:
    async with shop.polling():
        ann, bob = await shop.visitor("Ann"), await shop.visitor("Bob")
        outcomes = [await shop.sells(buyer) for buyer in (ann, ann, bob)]
        await shop.neonpay.refund(outcomes[0].charge_id or "")


async def test_reports_say_what_was_sold_and_what_went_back(shop: Shop) -> None:
    shop.neonpay.on_payment(stage="vip")(_deliver)
    await sell_three_and_refund_one(shop)
    price = shop.neonpay.list_payment_stages()["vip"].price
    found = await shop.neonpay.reports.revenue(EVER, by=Bucket.YEAR, split=Split.STAGE)
    assert (found.takings.orders, found.takings.gross_stars, found.takings.net_stars) == (3, 3 * price, 2 * price)
    assert (found.refunds, found.refunded_stars) == (1, price)
    assert [share.key for share in found.shares] == ["vip"]
    orders = await shop.neonpay.reports.orders(EVER)
    assert (orders.customers, orders.new_customers, orders.median_stars) == (2, 2, price)
    funnel = await shop.neonpay.reports.funnel(EVER)
    assert (funnel.viewed, funnel.invoiced, funnel.checkouts, funnel.paid, funnel.delivered) == (None, 3, 3, 3, 3)
    statement = await shop.neonpay.reports.statement(EVER)
    assert (statement.balance.stars, statement.gap_stars) == (2 * price, None)
    assert (await shop.neonpay.reports.attention()).payments == 0


async def test_where_buyers_came_from_and_what_they_looked_at_is_in_the_reports(shop: Shop) -> None:
    shop.neonpay.use(Tracking())
    shop.neonpay.on_payment(stage="vip")(_deliver)
    price = shop.neonpay.list_payment_stages()["vip"].price
    async with shop.polling():
        ann, bob = shop.telegram.user("Ann", stars=1000), shop.telegram.user("Bob", stars=1000)
        await ann.says("/start ad_7", to=shop.account)
        await bob.says("/start", to=shop.account)
        for stage_id in ("vip", "vip", "vip", "other"):
            shop.neonpay.track_event("product_view", ann.id, stage_id=stage_id)
        for buyer in (ann, ann, bob):
            await shop.sells(buyer)
    found = await shop.neonpay.reports.revenue(EVER, by=Bucket.YEAR, split=Split.SOURCE)
    assert [(share.key, share.takings.net_stars) for share in found.shares] == [("ad_7", 2 * price), ("", price)]
    everything = await shop.neonpay.reports.funnel(EVER)
    of_one = await shop.neonpay.reports.funnel(EVER, stages=["vip"])
    of_none = await shop.neonpay.reports.funnel(EVER, stages=["nothing"])
    assert [one.viewed for one in (everything, of_one, of_none)] == [4, 3, None]
    later = Period(since=datetime(2039, 1, 1, tzinfo=UTC), until=datetime(2040, 1, 1, tzinfo=UTC))
    assert (await shop.neonpay.reports.funnel(later)).viewed == 0


async def test_after_a_comparison_the_balance_of_telegram_stands_beside_that_of_the_books(shop: Shop) -> None:
    shop.neonpay.on_payment(stage="vip")(_deliver)
    await sell_three_and_refund_one(shop)
    price = shop.neonpay.list_payment_stages()["vip"].price
    await shop.neonpay.books.reconcile(grace_s=0)
    account = await shop.neonpay.reports.account(EVER, by=Bucket.YEAR)
    assert account.balance.telegram_nanostars == account.balance.nanostars == 2 * price * 1_000_000_000
    assert account.balance.as_of is not None
    assert (account.gap_stars, account.waiting, account.unexplained) == (0, 0, 0)
    assert sum(day.ledger_stars for day in account.days) == sum(day.telegram_stars for day in account.days) == 2 * price
    assert account.balance.held_stars == 2 * price
    assert account.balance.withdrawable_stars == 0


async def test_the_extension_rolls_up_what_the_shop_does(shop: Shop, clock: MovableClock) -> None:
    shop.neonpay.use(Analytics(every_s=0.01))
    shop.neonpay.on_payment(stage="vip")(_deliver)
    bot_id = shop.neonpay.program.adapter.bot_id
    await sell_three_and_refund_one(shop)
    before = await shop.neonpay.reports.revenue(EVER, by=Bucket.YEAR, split=Split.STAGE)
    await shop.neonpay.books.seal()
    async with asyncio.timeout(100):
        while not await shop.neonpay.program.pipeline.ledger.read(marks, Scope((bot_id,))):
            clock.advance(1)
    assert await shop.neonpay.reports.revenue(EVER, by=Bucket.YEAR, split=Split.STAGE) == before


async def test_a_ledger_without_an_application_has_the_same_reports(shop: Shop, database_url: str) -> None:
    shop.neonpay.on_payment(stage="vip")(_deliver)
    await sell_three_and_refund_one(shop)
    ledger = open_ledger(database_url)
    reports = reports_of(ledger, clock=shop.clock)
    expected = await shop.neonpay.reports.orders(EVER)
    assert await reports.orders(EVER) == expected
    await shop.neonpay.books.seal()
    assert await reports.refresh()
    assert await reports.orders(EVER) == expected
    await ledger.close()


async def test_a_report_about_no_bot_is_refused(shop: Shop) -> None:
    with pytest.raises(ValidationError, match="bots"):
        await shop.neonpay.reports.orders(EVER, bots=[])


async def _deliver(result: object) -> None:
    pass
