"""What is wrong with a shop is told when it begins and when it is over, once each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from aiohttp import web

from neonpay.backup.runs import Run, record
from neonpay.core.clock import moment
from neonpay.ledger.tables_notifications import notification_troubles, notifications
from neonpay.notifications import Notifications, Rule
from neonpay.notifications.alerting import Alerts, Watched
from neonpay.store.loops import Loop
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import MovableClock, Shop
    from tests.integration.notifications.conftest import Receiver

ROW = notifications.c
RULE = Rule(name="alerts", events=frozenset({"payment_needs_attention"}), recipients=("7",))
SOON = {"look_s": 0.01, "settle_s": 0.0}


@dataclass(frozen=True)
class Usage:
    total: int
    free: int


class Watch:
    """Programs of a shop that watch it."""

    def __init__(self, open_shop: Callable[..., Shop], query: Callable[..., Any], clock: MovableClock) -> None:
        self.open_shop, self.query, self.clock = open_shop, query, clock

    async def program(self, language: str = "en", **watched: Any) -> tuple[Shop, Alerts]:
        shop = self.open_shop()
        told = shop.neonpay.use(Notifications(language_code=language))
        alerts = shop.neonpay.use(Alerts(told, RULE, Watched(**{"loops": list, **SOON, **watched})))
        await shop.neonpay.setup()
        return shop, alerts

    async def turn(self, shop: Shop, alerts: Alerts, name: str = "watch") -> None:
        (task,) = [task for task in alerts.periodic() if task.name == name]
        async with shop.neonpay.program.pipeline.periodic_store.turn(
            f"alerts:{name}", patience_s=100, next_in_s=9e6
        ) as turn:
            await task.work(turn)

    async def minutes(self, count: int, shop: Shop, alerts: Alerts) -> None:
        for _ in range(count):
            self.clock.advance(60)
            await self.turn(shop, alerts)

    async def minutes_of_it(self, count: int, subject: str, shop: Shop, alerts: Alerts) -> None:
        """So many minutes in each of which somebody sees that it goes on."""
        until = sa.select(notification_troubles.c.until_at).where(notification_troubles.c.subject == subject)
        for _ in range(count):
            before = await self.query(until)
            self.clock.advance(60)
            async with asyncio.timeout(100):
                while await self.query(until) == before:
                    await between_looks()
            await self.turn(shop, alerts)

    async def told(self) -> list[tuple[str, str]]:
        return await self.query(sa.select(ROW.subject, ROW.body).order_by(ROW.made_at, ROW.note_id))

    async def begins(self) -> tuple[str, str]:
        async with asyncio.timeout(100):
            while not (told := await self.told()):
                await between_looks()
        return told[0]


@pytest.fixture
def watch(open_shop: Callable[..., Shop], query: Callable[..., Any], clock: MovableClock) -> Watch:
    return Watch(open_shop, query, clock)


async def test_a_loop_that_fails_is_told_once_by_several_programs_and_once_when_it_is_over(watch: Watch) -> None:
    is_broken, works = True, asyncio.Event()

    async def turn() -> float:
        if is_broken:
            raise RuntimeError("no more of it")
        if not loop.health.failures:
            works.set()
        return 0.01

    loop = Loop("mine", turn, first_s=0.001)
    loop.start()
    one, other = [await watch.program(loops=lambda: [loop.health]) for _ in range(2)]
    subject, body = await watch.begins()
    assert subject == "🧵 A part of the program has stopped working: mine"
    assert "times in a row: RuntimeError: no more of it" in body
    await watch.minutes_of_it(4, "loop:mine", *one)
    assert len(await watch.told()) == 1
    is_broken = False
    await works.wait()
    await watch.minutes(4, *one)
    await watch.minutes(1, *other)
    assert await watch.told() == [(subject, body), ("✅ It works again: mine", "")]
    await loop.stop()


async def test_what_has_failed_of_the_backups_is_said_in_words_of_the_owners(watch: Watch, clock: MovableClock) -> None:
    shop, alerts = await watch.program("ru")
    now = moment(clock.now_us())
    run = Run(
        run_id="1",
        act="drill",
        backup_id="b",
        place="/backups",
        began_at=now,
        ended_at=now,
        error="BackupKeyError: no key",
    )
    await shop.neonpay.program.pipeline.ledger.run(record, run)
    await watch.turn(shop, alerts)
    ((subject, body),) = await watch.told()
    assert subject.startswith("🗄 Сбой при работе")
    assert subject.endswith(": пробное восстановление")
    assert body.endswith("Устраните причину или сделайте новую копию, затем: neonpay backup drill")


async def test_what_is_wrong_still_after_an_outage_of_the_programs_is_not_told_again(
    watch: Watch, clock: MovableClock
) -> None:
    full: dict[str, Any] = {"folder": Path("/data"), "disk_usage": lambda folder: Usage(10**12, 3 * 2**20)}
    shop, _ = await watch.program("ru", **full)
    told = await watch.begins()
    assert told[0].startswith("💾 Диск")
    assert "/data свободно 3 МБ" in told[1]
    await shop.neonpay.close()
    clock.advance(7200)
    again = await watch.program("ru", **full)
    await watch.turn(*again)
    is_lasting = sa.select(notification_troubles.c.until_at).where(notification_troubles.c.subject == "disk:")
    before = await watch.query(is_lasting)
    while await watch.query(is_lasting) == before:
        clock.advance(1)
    await watch.minutes(1, *again)
    assert await watch.told() == [told]


async def test_a_disk_that_sways_about_the_limit_is_told_once_and_once_when_it_has_room(
    watch: Watch, clock: MovableClock
) -> None:
    usage = [Usage(10**12, 1023 * 2**20)]
    program = await watch.program(folder=Path("/data"), disk_usage=lambda folder: usage[-1])
    told = await watch.begins()
    words = "1023 MB are free in /data. When there is none, payments cannot be recorded."
    assert told == ("💾 The disk with the database is nearly full", words)
    until = sa.select(notification_troubles.c.until_at)
    for free_mb in (1025, 1000, 1500):
        usage.append(Usage(10**12, free_mb * 2**20))
        before = await watch.query(until)
        clock.advance(140)
        while await watch.query(until) == before:
            await between_looks()
        await watch.turn(*program)
    assert await watch.told() == [told]
    over = [told, ("✅ The disk with the database has room again", "")]
    usage.append(Usage(10**12, 1536 * 2**20))
    await watch.minutes(4, *program)
    assert await watch.told() == over
    usage.append(Usage(10**12, 1100 * 2**20))
    await watch.minutes(4, *program)
    assert await watch.told() == over


async def test_handlers_that_no_program_has_and_a_shop_that_is_blind_are_told(
    watch: Watch, clock: MovableClock, open_shop: Callable[..., Shop]
) -> None:
    async def deliver(payment: Any) -> None:
        raise RuntimeError("not today")

    old = open_shop()
    old.neonpay.on_payment(name="deliver")(deliver)
    async with old.polling():
        await old.sells(await old.visitor("Ann"))
        await old.neonpay.books.reconcile()
    await old.neonpay.close()
    clock.advance(30 * 3600)
    shop, alerts = await watch.program(reconcile_every_s=600)
    await watch.turn(shop, alerts)
    blind, stranded = sorted(await watch.told(), key=lambda told: "handler" in told[0])
    assert blind[0] == "🙈 The shop has not been compared with Telegram for 30 hours"
    assert stranded[0] == "🧩 No program has this handler any more: deliver"
    assert stranded[1].startswith("1 payment waits for it.")


async def test_a_handler_that_fails_is_told_of_long_before_its_deliveries_are_given_up(
    watch: Watch, clock: MovableClock, open_shop: Callable[..., Shop]
) -> None:
    is_broken = True
    selling = open_shop()

    @selling.neonpay.on_payment(name="deliver", max_attempts=6)
    async def deliver(payment: Any) -> None:
        if is_broken:
            raise RuntimeError("the machine is empty")

    async with selling.polling():
        program = await watch.program()
        outcome = await selling.sells(await selling.visitor("Ann"))
        for failures in range(1, 5):
            await selling.fact("fulfilment_failed", count=failures)
            await watch.turn(*program)
            assert await watch.told() == []
            clock.advance(150)
        await selling.fact("fulfilment_failed", count=5)
        await watch.turn(*program)
        begins = (
            "🔧 A handler fails again and again: deliver",
            "1 payment waits for it: RuntimeError: the machine is empty. Mend that; it is tried again by itself.",
        )
        await watch.minutes(4, *program)
        assert await watch.told() == [begins]
        clock.advance(600)
        await selling.fact("fulfilment_abandoned")
        await watch.minutes(4, *program)
        assert await watch.told() == [begins]  # what was given up is not over
        is_broken = False
        await selling.neonpay.jobs.retry(outcome.charge_id or "")
        await selling.delivers(outcome)
        await watch.minutes(4, *program)
        assert await watch.told() == [begins, ("✅ Nothing that failed waits for this handler any more: deliver", "")]


async def test_updates_that_telegram_cannot_deliver_are_told(watch: Watch, receiver: Receiver) -> None:
    shop, alerts = await watch.program()
    await shop.bot.set_webhook(f"{receiver.url}/hook")
    await watch.turn(shop, alerts, "webhook")
    receiver.answers += [web.Response(status=500)] * 9
    await shop.telegram.user("Ann").says("hello", to=shop.account)
    async with asyncio.timeout(100):
        while (await shop.bot.get_webhook_info()).last_error_message is None:
            await between_looks()
    await watch.turn(shop, alerts, "webhook")
    subject, body = await watch.begins()
    assert subject == "📡 Telegram cannot deliver updates to the webhook"
    assert "500" in body


async def test_a_bot_that_polls_is_not_asked_for_its_webhook_often(watch: Watch) -> None:
    shop, alerts = await watch.program()
    (task,) = [task for task in alerts.periodic() if task.name == "webhook"]
    async with shop.neonpay.program.pipeline.periodic_store.turn(
        "alerts:webhook", patience_s=100, next_in_s=600
    ) as turn:
        before = len(shop.telegram.calls("getWebhookInfo"))
        assert await task.work(turn) is None
        assert len(shop.telegram.calls("getWebhookInfo")) == before + 1
    assert task.every_s >= 600
