"""Owners get the report of days that are over, once each."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from neonpay.app.alert_figures import figures
from neonpay.ledger.tables_notifications import notifications
from neonpay.notifications import Notifications, Rule
from neonpay.notifications.alerting import Alerts, Watched
from neonpay.notifications.report import Reports
from neonpay.notifications.schedules import Schedule
from neonpay.simulator import Simulator
from neonpay.simulator.clock import SteppedClock
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.integration.conftest import MovableClock, Shop

ROW = notifications.c
MOSCOW = ZoneInfo("Europe/Moscow")
RULE = Rule(name="alerts", events=frozenset({"payment_needs_attention"}), recipients=("7",))
DAY_S = 24 * 3600


@pytest.fixture
async def telegram(clock: MovableClock) -> AsyncIterator[Simulator]:
    """Telegram at the time of the shop."""
    async with Simulator(seed=7, clock=SteppedClock(clock.now_us() // 1_000_000)) as telegram:
        yield telegram


async def nothing(payment: Any) -> None:
    """There is nothing to deliver."""


class Program:
    """One of several on a shop, which has a turn at the daily report when it is told to."""

    def __init__(self, open_shop: Callable[..., Shop]) -> None:
        self.shop = open_shop()
        self.shop.neonpay.on_payment(nothing)
        told = self.shop.neonpay.use(Notifications())
        figures_of = partial(figures, self.shop.neonpay.reports)
        reports = Reports(schedules={"daily": Schedule.daily("16:00", MOSCOW)}, figures_of=figures_of)
        self.alerts = self.shop.neonpay.use(Alerts(told, RULE, Watched(loops=list), reports=reports))

    async def turn(self) -> None:
        (task,) = [task for task in self.alerts.periodic() if task.name == "daily"]
        store = self.shop.neonpay.program.pipeline.periodic_store
        async with store.turn("alerts:daily", patience_s=100, next_in_s=60) as turn:
            await task.work(turn)


async def test_a_report_is_told_once_by_many_programs_and_caught_up_once_after_an_outage(
    open_shop: Callable[..., Shop], telegram: Simulator, clock: MovableClock, query: Callable[..., Any]
) -> None:
    async def told() -> list[tuple[str, str]]:
        return await query(sa.select(ROW.subject, ROW.body).order_by(ROW.made_at, ROW.subject))

    async def passes(days: int) -> None:
        clock.advance(days * DAY_S)
        await telegram.advance(days=days)

    # It is 14:13 on Monday the 21st of September, in UTC.
    program, other = Program(open_shop), Program(open_shop)
    shop = program.shop
    await other.shop.neonpay.setup()
    async with shop.polling():
        ann = await shop.visitor("Ann")
        first = await shop.sells(ann)
        await shop.sells(ann)
        await program.turn()
        await other.turn()
        assert await told() == []  # what was due before there were reports
        await passes(days=1)
        await shop.sells(ann)
        await shop.neonpay.refund(first.charge_id or "")
        await asyncio.gather(program.turn(), other.turn())
        await passes(days=1)
        await asyncio.gather(other.turn(), program.turn())
    monday, tuesday = await told()
    assert monday[0] == "📊 2026-09-21"
    assert monday[1].splitlines()[:2] == ["2 orders, before that 0", "Paid: 100 Stars, before that 0"]
    assert tuesday[0] == "📊 2026-09-22"
    assert tuesday[1].splitlines() == [
        "1 order, before that 2",
        "Paid: 50 Stars, before that 100",
        "Given back of it: 0 Stars, before that 50",
        "Left: 50 Stars, before that 50 (+0 %)",
        "",
        "Nothing waits for you.",
    ]
    for each in (program, other):
        await each.shop.neonpay.close()
    await passes(days=9)
    again = open_shop()
    again.neonpay.on_payment(nothing)
    again.neonpay.enable_alerts(
        admins=[7],
        daily="16:00",
        zone="Europe/Moscow",
        texts={"daily": "{{ last }}: {{ orders }} of {{ orders_before }}"},
    )
    await again.neonpay.setup()
    async with asyncio.timeout(100):
        while len(await told()) < 3:
            await between_looks()
    assert (await told())[2:] == [("2026-10-01: 0 of 0", "")]
