"""Programs of one shop that tell in different ways say so, at the start and while they run."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from neonpay.notifications import (
    NotificationConfig,
    NotificationManager,
    NotificationMessage,
    Notifications,
    NotificationType,
)
from neonpay.notifications import extension as extensions
from neonpay.notifications.forgetting import UNSEEN
from tests.integration.notifications.conftest import as_time_passes

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator import Simulator
    from tests.integration.conftest import MovableClock, Shop

ADMIN_BOT = NotificationConfig(telegram_bot_token="222:" + "A" * 35)
SALES = "notifications:alerts.sales"
WORDS = "another program of this shop tells in other ways: "


async def nothing(payment: Any) -> None:
    """There is nothing to deliver."""


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage().removeprefix(WORDS) for one in caplog.records if one.getMessage().startswith(WORDS)]


async def test_a_program_that_differs_from_one_at_work_says_in_what(
    open_shop: Callable[..., Shop], clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    first, like, other, later = (open_shop() for _ in range(4))
    first.neonpay.enable_alerts(admins=[7])
    like.neonpay.enable_alerts(admins=[7])
    other.neonpay.enable_alerts(ADMIN_BOT, admins=[7], sales=True, language="ru", quiet="22:00-08:00")
    later.neonpay.use(Notifications(ADMIN_BOT, language_code="ru"))
    await first.neonpay.setup()
    await like.neonpay.setup()
    assert said(caplog) == []
    await other.neonpay.setup()
    assert [line.partition(".")[0] for line in said(caplog)] == ["telegram, language, quiet"]
    assert "A" * 35 not in caplog.text
    for shop in (first, like, other):
        await shop.neonpay.close()
    clock.advance(1)
    await later.neonpay.setup()  # whoever has stopped tells nothing
    assert len(said(caplog)) == 1


async def test_a_program_at_work_says_that_one_which_differs_has_come(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extensions, "STAND_BY_S", 0.01)
    first, other = open_shop(), open_shop()
    first.neonpay.enable_alerts(admins=[7])
    other.neonpay.enable_alerts(admins=[8])
    await first.neonpay.setup()
    await other.neonpay.setup()
    while len(said(caplog)) < 2:
        await other.neonpay.payments.history(7)
    assert [line.partition(".")[0] for line in said(caplog)] == ["rules", "rules"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter
async def test_what_waits_for_a_channel_that_was_taken_out_is_named(
    open_shop: Callable[..., Shop],
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extensions, "STAND_BY_S", 0.01)
    mailing, later = open_shop(), open_shop()
    config = NotificationConfig(smtp_host="localhost", smtp_port=1, smtp_username="shop@example.com")
    manager = NotificationManager(config, neonpay=mailing.neonpay)
    await mailing.neonpay.setup()
    await manager.send_notification(NotificationMessage(NotificationType.EMAIL, "owner@example.com", body="Tea"))
    await mailing.neonpay.close()
    later.neonpay.use(Notifications())
    clock.advance(7200)
    async with later.neonpay, asyncio.timeout(100):
        while not (
            lines := [one.getMessage() for one in caplog.records if "messages by email wait (1)" in one.getMessage()]
        ):
            await later.neonpay.payments.history(7)
    assert ["smtp_host" in line and "owner@example.com" not in line for line in lines] == [True]


async def test_a_rule_is_told_by_the_programs_that_have_it(open_shop: Callable[..., Shop], clock: MovableClock) -> None:
    bot, backend = open_shop(), open_shop()
    bot.neonpay.on_payment(nothing)
    owner = await bot.visitor("Olga")
    bot.neonpay.enable_alerts(admins=[owner.id], sales=True)
    backend.neonpay.enable_alerts(admins=[owner.id])
    async with bot.polling():
        await backend.neonpay.setup()  # and takes no rule from the other one
        await bot.sells(await bot.visitor("Ann"))
        sold = await as_time_passes(clock, owner.hears(bot.account, containing="Sold"))
    assert "50" in (sold.text or "")


async def test_what_a_program_cannot_tell_anybody_waits_for_one_that_can(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    bot, cron, again = open_shop(), open_shop(), open_shop()
    owner = await bot.visitor("Olga")
    for shop in (bot, again):
        shop.neonpay.enable_alerts(admins=[owner.id], sales=True)
    cron.neonpay.enable_alerts(sales=True, daily="09:00")
    for shop in (bot, cron, again):
        shop.neonpay.on_payment(nothing)
    await bot.neonpay.setup()
    await bot.neonpay.close()
    async with cron.polling():
        await cron.sells(await cron.visitor("Ann"))
    async with again.polling():
        sold = await as_time_passes(clock, owner.hears(bot.account, containing="Sold"))
    assert "50" in (sold.text or "")


async def test_who_can_be_written_to_by_the_bot_of_another_program_alone_is_written_to_by_that(
    open_shop: Callable[..., Shop], telegram: Simulator, clock: MovableClock
) -> None:
    backend, bot, again = open_shop(), open_shop(), open_shop()
    admin_bot = telegram.bot("admin_bot")
    owner = telegram.user("Olga")
    await owner.says("/start", to=admin_bot)
    config = NotificationConfig(telegram_bot_token=admin_bot.token, telegram_base_url=telegram.base_url)
    for shop in (bot, again):
        shop.neonpay.enable_alerts(config, admins=[owner.id], sales=True)
    backend.neonpay.enable_alerts(admins=[owner.id], sales=True)
    backend.neonpay.on_payment(nothing)
    await bot.neonpay.setup()
    async with backend.polling():
        await bot.neonpay.close()
        await backend.sells(await backend.visitor("Ann"))
        calls = partial(telegram.calls, "sendMessage", bot=backend.account)
        await telegram.until(lambda: not all(call.ok for call in calls()), what="a refusal")
    await again.neonpay.setup()
    sold = await as_time_passes(clock, owner.hears(admin_bot, containing="Sold"))
    assert "50" in (sold.text or "")


async def test_a_rule_that_no_program_has_any_more_is_forgotten(
    open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    with_sales, without = open_shop(), open_shop()
    with_sales.neonpay.enable_alerts(admins=[7], sales=True)
    without.neonpay.enable_alerts(admins=[7])
    await with_sales.neonpay.setup()
    await with_sales.neonpay.close()
    clock.advance(UNSEEN.total_seconds() + 1)
    await without.neonpay.setup()

    async def names() -> set[str]:
        return {one.consumer for one in await without.neonpay.handlers.list() if one.retired_at is None}

    at_first = await names()
    clock.advance(3600)
    async with asyncio.timeout(100):
        while SALES in (active := await names()):
            clock.advance(60)
    assert at_first - active == {SALES}
