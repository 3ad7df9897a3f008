"""Payments and refunds whose update never came are found in Telegram's list of transactions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from aiogram.types import Update

from neonpay.app import NeonPayCore
from neonpay.errors import TelegramError, TelegramUnreachableError
from neonpay.ledger.tables import payments, refunds
from neonpay.payments.settings import Settings
from neonpay.telegram.console import ConsoleAdapter
from tests.integration.reconcile.conftest import notes_deliveries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.integration.conftest import Shop
    from tests.integration.reconcile.conftest import SellUnseen

    Books = Callable[[], Awaitable[dict[str, float]]]


async def test_a_payment_whose_update_was_lost_is_recorded_and_delivered(
    sells_unseen: SellUnseen, open_shop: Callable[..., Shop], books: Books
) -> None:
    outcome = await sells_unseen()
    shop = open_shop()
    delivered = notes_deliveries(shop)

    report = await shop.neonpay.books.reconcile(grace_s=0)
    await shop.neonpay.program.drain()
    payment = await shop.neonpay.payments.get(outcome.charge_id or "")

    assert (report.checked, report.recovered, report.is_complete, report.is_clean) == (1, 1, True, True)
    assert (report.balance_stars, report.drift_stars) == (50, 0)
    assert [(result.transaction_id, result.metadata) for result in delivered] == [(outcome.charge_id, {"days": 30})]
    assert (payment.source, payment.state, payment.amount_stars) == ("reconcile", "accepted", 50)
    assert len(shop.named("payment_completed")) == 1
    assert await books() == {"stars": 50, "revenue": -50}


async def test_a_second_comparison_finds_nothing_new(sells_unseen: SellUnseen, open_shop: Callable[..., Shop]) -> None:
    await sells_unseen()
    shop = open_shop()
    delivered = notes_deliveries(shop)
    await shop.neonpay.books.reconcile(grace_s=0)

    again = await shop.neonpay.books.reconcile(grace_s=0)
    afresh = await shop.neonpay.books.reconcile(grace_s=0, afresh=True)
    await shop.neonpay.program.drain()

    assert (again.checked, again.recovered, again.is_clean) == (0, 0, True)
    assert (afresh.checked, afresh.recovered, afresh.is_clean) == (1, 0, True)
    assert len(delivered) == 1


async def test_a_payment_is_left_to_its_update_for_the_time_of_grace(
    sells_unseen: SellUnseen, open_shop: Callable[..., Shop], clock: Any
) -> None:
    outcome = await sells_unseen()
    shop = open_shop()
    notes_deliveries(shop)
    paid_at = shop.telegram.payments(shop.account)[0].paid_at.timestamp()

    clock.advance(paid_at - clock.now_us() / 1e6 + 59)
    early = await shop.neonpay.books.reconcile()
    clock.advance(2)
    late = await shop.neonpay.books.reconcile()

    assert (early.recovered, early.waiting, early.is_clean, early.drift_stars) == (0, 1, False, 0)
    assert (late.recovered, late.waiting, late.is_clean) == (1, 0, True)
    assert (await shop.neonpay.payments.get(outcome.charge_id or "")).source == "reconcile"


async def test_an_update_that_comes_after_all_changes_nothing(
    sells_unseen: SellUnseen, open_shop: Callable[..., Shop], query: Callable[..., Any]
) -> None:
    await sells_unseen()
    shop = open_shop()
    delivered = notes_deliveries(shop)
    await shop.neonpay.books.reconcile(grace_s=0)

    (update,) = [u for u in shop.telegram.updates(shop.account) if "successful_payment" in u.payload]
    await shop.dispatcher.feed_update(shop.bot, Update.model_validate(update.body))
    await shop.neonpay.program.drain()

    assert len(delivered) == 1
    assert await query(sa.select(payments.c.source)) == [("reconcile",)]


async def test_the_comparison_and_updates_at_the_same_time_deliver_once(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    delivered = notes_deliveries(shop)
    async with shop.polling():
        ann = await shop.visitor()
        invoice = await shop.neonpay.create_payment_link("vip")
        outcome, *_ = await asyncio.gather(
            ann.pays(invoice.link or ""), *(shop.neonpay.books.reconcile(grace_s=0) for _ in range(3))
        )
        await shop.settles()
        report = await shop.neonpay.books.reconcile(grace_s=0)

    assert [result.transaction_id for result in delivered] == [outcome.charge_id]
    assert report.is_clean


async def test_a_payment_that_nobody_delivers_is_recorded_and_waits(
    sells_unseen: SellUnseen, open_shop: Callable[..., Shop], clock: Any
) -> None:
    await sells_unseen()
    shop = open_shop()
    report = await shop.neonpay.books.reconcile(grace_s=0)
    clock.advance(600)
    await shop.fact("payment_needs_attention")
    (waiting,) = await shop.neonpay.payments.needs_attention()

    assert (report.recovered, report.needs_attention) == (1, 0)
    assert waiting.attention == "no_handler"


@pytest.mark.parametrize("secret", [None, "the same secret in both places"])
async def test_what_another_ledger_has_sold_is_told_once_and_nobody_is_advised_to_refund_it(
    sells_unseen: SellUnseen,
    open_shop: Callable[..., Shop],
    tmp_path: Any,
    caplog: pytest.LogCaptureFixture,
    secret: str | None,
) -> None:
    for _ in range(2):
        await sells_unseen(database_url=f"sqlite:///{tmp_path / 'first.db'}", secret=secret)
    caplog.clear()
    shop = open_shop(secret=secret)
    delivered = notes_deliveries(shop)
    report = await shop.neonpay.books.reconcile(grace_s=0)
    waiting = await shop.neonpay.payments.needs_attention()

    assert (report.recovered, report.sold_elsewhere, report.needs_attention, report.foreign) == (2, 2, 0, 0)
    assert [payment.attention for payment in waiting] == ["other_ledger"] * 2
    assert delivered == []
    (line,) = [record.getMessage() for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]
    assert line.startswith(f"2 payments of bot {shop.account.id} in Telegram's list were sold by another ledger")
    assert "do not refund them" in line
    assert "NEONPAY_DATABASE_URL" in line


async def test_a_refund_that_the_ledger_missed_ends_as_a_refund(
    open_shop: Callable[..., Shop], query: Callable[..., Any], books: Books
) -> None:
    shop = open_shop()
    notes_deliveries(shop)
    async with shop.polling():
        ann = await shop.visitor()
        outcome = await shop.sells(ann)
    await shop.bot.refund_star_payment(ann.id, outcome.charge_id or "")

    back = open_shop()
    notes_deliveries(back)
    report = await back.neonpay.books.reconcile(grace_s=0)
    again = await back.neonpay.books.reconcile(grace_s=0)

    assert (report.checked, report.refunded, report.balance_stars) == (2, 1, 0)
    assert (again.refunded, again.is_clean) == (0, True)
    assert await query(sa.select(refunds.c.state, refunds.c.source)) == [("refunded", "reconcile")]
    assert await books() == {"stars": 0, "revenue": -50, "refunds": 50}


async def test_a_payment_that_was_paid_and_refunded_unseen_is_both(
    sells_unseen: SellUnseen, open_shop: Callable[..., Shop], books: Books
) -> None:
    outcome = await sells_unseen()
    shop = open_shop()
    notes_deliveries(shop)
    (payment,) = shop.telegram.payments(shop.account)
    await shop.bot.refund_star_payment(payment.user_id, payment.charge_id)

    report = await shop.neonpay.books.reconcile(grace_s=0)
    await shop.neonpay.program.drain()

    assert (report.recovered, report.refunded, report.balance_stars, report.is_clean) == (1, 1, 0, True)
    assert (await shop.neonpay.payments.get(outcome.charge_id or "")).state == "refunded"
    assert (await books())["stars"] == 0


@pytest.mark.parametrize("is_net", [True, False])
async def test_an_affiliates_share_does_not_change_what_was_paid(
    sells_unseen: SellUnseen, open_shop: Callable[..., Shop], books: Books, is_net: bool
) -> None:
    shop = open_shop()
    shop.telegram.treasury(shop.account).shares_sales(101, is_net=is_net)
    outcome = await sells_unseen()
    delivered = notes_deliveries(shop)
    async with shop.polling():
        await shop.sells(await shop.visitor("Bob"))
        report = await shop.neonpay.books.reconcile(grace_s=0)
        await shop.settles()
    payment = await shop.neonpay.payments.get(outcome.charge_id or "")

    assert (payment.amount_stars, payment.state, len(delivered)) == (50, "accepted", 2)
    assert (report.recovered, report.is_clean) == (1, True)
    net = {"stars": 89.9, "revenue": -100, "commissions": 10.1}
    assert await books() == pytest.approx(net if is_net else {"stars": 100, "revenue": -100})


@pytest.mark.parametrize("method", ["getStarTransactions", "getMyStarBalance"])
async def test_a_comparison_that_telegram_does_not_answer_can_be_made_again(
    sells_unseen: SellUnseen, open_shop: Callable[..., Shop], method: str
) -> None:
    await sells_unseen()
    shop = open_shop()
    delivered = notes_deliveries(shop)
    shop.telegram.faults.fail(method, error_code=400, description="Bad Request: not today")
    with pytest.raises((TelegramError, TelegramUnreachableError)):
        await shop.neonpay.books.reconcile(grace_s=0)

    report = await shop.neonpay.books.reconcile(grace_s=0)
    await shop.neonpay.program.drain()

    assert report.is_clean
    assert len(delivered) == 1


async def test_a_comparison_waits_when_telegram_asks_for_it(shop: Shop) -> None:
    shop.telegram.faults.fail("getStarTransactions", error_code=429, retry_after=0)
    assert (await shop.neonpay.books.reconcile(grace_s=0)).is_clean


async def test_a_tool_records_what_was_lost_and_the_bot_delivers_it(
    sells_unseen: SellUnseen, open_shop: Callable[..., Shop], database_url: str, clock: Any
) -> None:
    outcome = await sells_unseen()
    bot = open_shop()
    delivered = notes_deliveries(bot)
    await bot.neonpay.setup()
    await bot.neonpay.close()
    adapter = ConsoleAdapter(bot.account.token, base_url=bot.telegram.base_url)
    tool = NeonPayCore(adapter, database_url=database_url, settings=Settings(is_tool=True), clock=clock)
    async with tool:
        report = await tool.books.reconcile(grace_s=0)
    await adapter.close()
    assert (report.recovered, report.needs_attention, delivered) == (1, 0, [])

    async with bot.polling():
        await bot.delivers(outcome)
    assert [result.transaction_id for result in delivered] == [outcome.charge_id]
