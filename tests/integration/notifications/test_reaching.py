"""Whom the bot may not write to is known without a message: a program says so when it starts, and `neonpay doctor` any time."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from neonpay.cli.main import app
from neonpay.notifications import NotificationConfig, Notifications, Rule
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator import Simulator
    from tests.integration.conftest import Shop

ONE_ENGINE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which of them does not matter


async def nothing(payment: object) -> None:
    """There is nothing to deliver."""


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if "is told nothing" in one.getMessage()]


async def hears(caplog: pytest.LogCaptureFixture, count: int) -> list[str]:
    """What a program says of so many chats, once it has."""
    async with asyncio.timeout(100):
        while len(said(caplog)) < count:
            await between_looks()
    return said(caplog)


@ONE_ENGINE
async def test_a_program_says_at_the_start_whom_its_bot_may_not_write_to(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    shop = open_shop()
    olga, oleg, omar = await shop.visitor("Olga"), shop.telegram.user("Oleg"), await shop.visitor("Omar")
    await omar.blocks(shop.account)
    shop.neonpay.on_payment(nothing)
    shop.neonpay.enable_alerts(admins=[olga.id, oleg.id, omar.id], sales=True)
    async with shop.neonpay:
        found = await hears(caplog, 2)
    lines = sorted(found, key=lambda line: str(omar.id) in line)
    assert [str(oleg.id) in lines[0], str(omar.id) in lines[1], len(lines)] == [True, True, 2]
    assert "chat not found" in lines[0]
    assert "blocked by the user" in lines[1]
    assert all("press Start" in line for line in lines)
    assert shop.telegram.calls("sendMessage") == [], "nothing was written"


@ONE_ENGINE
async def test_a_telegram_that_does_not_say_is_not_guessed_at_and_keeps_no_program_from_starting(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    shop = open_shop()
    shop.telegram.faults.fail("sendChatAction", error_code=500, times=10)
    shop.neonpay.on_payment(nothing)
    shop.neonpay.enable_alerts(admins=[7])
    async with shop.polling():
        await shop.sells(await shop.visitor("Ann"))
        await shop.telegram.called("sendChatAction")
    assert said(caplog) == []


@ONE_ENGINE
async def test_only_whoever_is_told_in_telegram_is_asked_about_and_by_the_bot_that_writes(
    open_shop: Callable[..., Shop], telegram: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    shop, watch = open_shop(), telegram.bot("watch_bot")
    olga = await shop.visitor("Olga")
    config = NotificationConfig(telegram_bot_token=watch.token, telegram_base_url=telegram.base_url)
    by_mail: dict[str, Any] = {"channel": "webhook", "recipients": ("https://example.com/hook",)}
    sold = frozenset({"payment_completed"})
    rules = [Rule(name="mine", events=sold, recipients=(str(olga.id),)), Rule(name="hook", events=sold, **by_mail)]
    shop.neonpay.use(Notifications(config, rules=rules))
    async with shop.neonpay:
        (line,) = await hears(caplog, 1)
    assert [(call.bot, call.params["chat_id"]) for call in telegram.calls("sendChatAction")] == [("watch_bot", olga.id)]
    assert str(olga.id) in line


async def doctor(telegram: Simulator, token: str, database: str, **settings: str) -> dict[str, Any]:
    env = {
        "NEONPAY_BOT_TOKEN": token,
        "NEONPAY_DATABASE_URL": database,
        "NEONPAY_API_URL": telegram.base_url,
        **settings,
    }
    done = await asyncio.to_thread(CliRunner().invoke, app, ["doctor", "--json", "--library", "botapi"], env=env)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    found: dict[str, Any] = checks["owners.reached"]
    return found


async def test_doctor_says_which_owners_the_bot_may_not_write_to(telegram: Simulator, tmp_path: Any) -> None:
    account, watch = telegram.bot("shop_bot"), telegram.bot("watch_bot")
    olga, oleg = telegram.user("Olga"), telegram.user("Oleg")
    await olga.says("/start", to=account)
    url = f"sqlite:///{tmp_path / 'none.db'}"

    async def looked(**settings: str) -> dict[str, Any]:
        return await doctor(telegram, account.token, url, **settings)

    nobody = await looked()
    assert (nobody["state"], "NEONPAY_ADMINS" in nobody["advice"]) == ("skipped", True)
    fine = await looked(NEONPAY_ADMINS=str(olga.id))
    assert (fine["state"], fine["finding"]) == ("ok", "the bot may write to 1 chat that the settings name")
    one = await looked(NEONPAY_ADMINS=str(olga.id), NEONPAY_SUPPORT_ADMINS=str(oleg.id))
    assert one["state"] == "warning"
    assert f"{oleg.id} is told nothing: Bad Request: chat not found" in one["finding"]
    assert "press Start" in one["advice"]
    assert str(olga.id) not in one["finding"]
    another = {
        "NEONPAY_NOTIFY_TELEGRAM_BOT_TOKEN": watch.token,
        "NEONPAY_NOTIFY_TELEGRAM_BASE_URL": telegram.base_url,
    }
    by_another = await looked(NEONPAY_ALERTS_ADMINS=str(olga.id), **another)
    assert by_another["state"] == "warning", "she has not started the bot that writes"
    await olga.says("/start", to=watch)
    assert (await looked(NEONPAY_ALERTS_ADMINS=str(olga.id), **another))["state"] == "ok"
    assert (await looked(NEONPAY_ADMINS="7", NEONPAY_NOTIFY_TELEGRAM_ADMIN_CHAT_ID="@nowhere"))["state"] == "warning"
    telegram.faults.fail("sendChatAction", error_code=500, times=10)
    lost = await looked(NEONPAY_ADMINS=str(olga.id))
    assert (lost["state"], lost["finding"].startswith("not known: ")) == ("warning", True)
    telegram.faults.fail("getMe", error_code=401)
    refused = await looked(NEONPAY_ADMINS=str(olga.id))
    assert (refused["state"], "telegram.token" in refused["finding"]) == ("skipped", True)
    assert telegram.calls("sendMessage") == [], "nothing was written"
