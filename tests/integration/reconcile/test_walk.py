"""The walk goes on where it stopped, one worker at a time, and notices a list that is not the same any more."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from aiogram.types import Update

from neonpay.errors import BusyError, TelegramError
from neonpay.ledger.tables import duties, journal
from neonpay.reconcile.reconciler import ReconcileRules
from tests.integration.reconcile.conftest import notes_deliveries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from neonpay.simulator import Simulator
    from tests.integration.conftest import MovableClock, Shop
    from tests.integration.reconcile.conftest import SellUnseen

    Query = Callable[..., Awaitable[list[tuple[Any, ...]]]]


def offsets(telegram: Simulator) -> list[int]:
    """Where each page began that was asked for."""
    return [int(str(call.params.get("offset", 0))) for call in telegram.calls("getStarTransactions")]


def moves(shop: Shop, count: int) -> None:
    for _ in range(count):
        shop.telegram.treasury(shop.account).move("affiliate", 1)


async def test_a_walk_begins_at_the_last_row_that_is_dealt_with(shop: Shop) -> None:
    moves(shop, 3)
    await shop.neonpay.books.reconcile(grace_s=0)
    moves(shop, 2)
    report = await shop.neonpay.books.reconcile(grace_s=0)

    assert offsets(shop.telegram) == [0, 2]
    assert (report.checked, report.moved, report.balance_stars, report.is_clean) == (2, 2, 5, True)


async def test_a_long_list_is_read_page_by_page(shop: Shop, query: Query) -> None:
    moves(shop, 201)
    report = await shop.neonpay.books.reconcile(grace_s=0)

    assert offsets(shop.telegram) == [0, 100, 200]
    assert (report.checked, report.moved, report.is_clean) == (201, 201, True)
    assert await query(sa.select(duties.c.position).where(duties.c.name == "reconcile")) == [(201,)]


async def test_a_walk_that_is_cut_off_has_kept_what_it_did_and_goes_on_there(shop: Shop, query: Query) -> None:
    moves(shop, 150)
    shop.telegram.faults.fail("getMyStarBalance", error_code=400, description="Bad Request: not today")
    with pytest.raises(TelegramError):
        await shop.neonpay.books.reconcile(grace_s=0)
    entries = await query(sa.select(sa.func.count()).select_from(journal))
    report = await shop.neonpay.books.reconcile(grace_s=0)

    assert entries == [(300,)]
    assert offsets(shop.telegram) == [0, 100, 149]
    assert (report.checked, report.moved, report.is_clean) == (0, 0, True)


async def test_a_list_that_was_changed_is_read_again_from_the_start(shop: Shop) -> None:
    moves(shop, 3)
    await shop.neonpay.books.reconcile(grace_s=0)
    rows = shop.telegram.treasury(shop.account).till._transactions[shop.account.id]  # noqa: SLF001 - nothing else removes a row
    del rows[1]
    shop.telegram.treasury(shop.account).loses(1)
    report = await shop.neonpay.books.reconcile(grace_s=0)

    assert (report.checked, report.moved, report.balance_stars, report.drift_stars) == (2, 0, 2, 0)
    assert report.is_clean


async def test_a_list_that_is_gone_is_noticed_once(shop: Shop, query: Query) -> None:
    moves(shop, 3)
    await shop.neonpay.books.reconcile(grace_s=0)
    shop.telegram.treasury(shop.account).till._transactions.clear()  # noqa: SLF001 - nothing else removes a row
    report = await shop.neonpay.books.reconcile(grace_s=0)

    assert (report.checked, report.drift_stars) == (0, 3)
    assert await query(sa.select(duties.c.position).where(duties.c.name == "reconcile")) == [(0,)]


async def test_a_row_that_is_younger_than_the_grace_is_looked_at_again(shop: Shop, clock: MovableClock) -> None:
    clock.advance(shop.telegram.clock.moment().timestamp() - clock.now_us() / 1e6 + 30)
    moves(shop, 2)
    early = await shop.neonpay.books.reconcile()
    clock.advance(31)
    late = await shop.neonpay.books.reconcile()

    assert (early.checked, early.moved, early.drift_stars, early.is_complete) == (2, 0, 0, True)
    assert (late.checked, late.moved, late.is_clean) == (2, 2, True)


async def test_a_payment_that_telegram_does_not_know_is_reported(shop: Shop, clock: MovableClock) -> None:
    notes_deliveries(shop)
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        body: Any = deepcopy(
            next(u for u in shop.telegram.updates(shop.account) if "successful_payment" in u.payload).body
        )
        body["message"]["successful_payment"]["telegram_payment_charge_id"] = "made-up"
        await shop.dispatcher.feed_update(shop.bot, Update.model_validate(body))
        await shop.settles()
        clock.advance(1)
        first = await shop.neonpay.books.reconcile(grace_s=0)
        second = await shop.neonpay.books.reconcile(grace_s=0)
        await shop.settles()

    assert outcome.charge_id != "made-up"
    assert (first.unexplained, first.unexplained_charges, first.is_clean) == (1, ("made-up",), False)
    assert (second.unexplained, second.is_clean) == (1, False)
    assert [event.charge_id for event in shop.named("payment_unexplained")] == ["made-up"]


async def test_the_comparison_is_made_when_the_bot_starts(
    sells_unseen: SellUnseen, open_shop: Callable[..., Shop]
) -> None:
    await sells_unseen()
    for _ in range(2):  # the second start is long before the periodic task is due again
        shop = open_shop(reconcile_every_s=600, reconcile_grace_s=0)
        delivered = notes_deliveries(shop)
        before = len(shop.telegram.calls("getMyStarBalance"))
        async with shop.polling():
            await shop.telegram.called("getMyStarBalance", count=before + 1)
            await shop.settles()
        await shop.neonpay.close()
        assert len(delivered) == (before == 0)


async def test_one_worker_compares_at_a_time(open_shop: Callable[..., Shop]) -> None:
    one, other = open_shop(), open_shop()
    moves(one, 1)
    await other.neonpay.setup()
    book = one.neonpay.program.pipeline.periodic_store
    await one.neonpay.setup()
    async with book.turn("reconcile", patience_s=0, next_in_s=600):
        with pytest.raises(BusyError, match="another worker is at reconcile"):
            await other.neonpay.books.reconcile(grace_s=0, patience_s=0)
    report = await other.neonpay.books.reconcile(grace_s=0, patience_s=0)
    assert (report.moved, report.is_clean) == (1, True)


async def test_workers_that_compare_at_the_same_time_write_once(
    sells_unseen: SellUnseen, open_shop: Callable[..., Shop]
) -> None:
    await sells_unseen()
    shops = [open_shop() for _ in range(3)]
    deliveries = [notes_deliveries(shop) for shop in shops]
    reports = await asyncio.gather(*(shop.neonpay.books.reconcile(grace_s=0) for shop in shops))
    await asyncio.gather(*(shop.neonpay.program.drain() for shop in shops))

    assert sorted(report.recovered for report in reports) == [0, 0, 1]
    assert sum(map(len, deliveries)) == 1


def test_the_rules_have_the_defaults_that_the_documentation_names() -> None:
    rules = ReconcileRules()
    assert (rules.every_s, rules.grace_s, rules.all_invoices_are_ours) == (600, 60, False)
