"""The recipes of the page on figures, run as they are printed, with buyers of a simulated Telegram."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiogram import Dispatcher

from neonpay import PaymentResult, PaymentStage, create_neonpay
from neonpay.analytics import Period
from neonpay.core.clock import SystemClock, moment
from neonpay.simulator import Simulator
from neonpay.simulator.clock import RunningClock
from tests.unit.docs.blocks import programs

if TYPE_CHECKING:
    from pathlib import Path


async def test_branches_partners_and_an_ab_test_say_what_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    async with Simulator(seed=7, clock=RunningClock()) as telegram:
        account = telegram.bot("shop_bot")
        bot, dispatcher = telegram.aiogram_bot(account), Dispatcher()
        shop = create_neonpay(
            bot, dispatcher=dispatcher, database_url=sqlite_url, reconcile_every_s=None, messages_per_s=None
        )
        for stage_id, price in (("vip", 50), ("vip_longer", 120)):
            shop.create_payment_stage(stage_id, PaymentStage(title=stage_id, description="VIP", price=price))

        @shop.on_payment
        async def deliver(result: PaymentResult) -> None:
            return None

        there: dict[str, Any] = {"bot": bot, "dispatcher": dispatcher, "neonpay": shop, "__name__": "page"}
        for program in programs("docs/howto/analytics.md"):
            exec(program.source, there)  # noqa: S102  # the page's own code
        polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False))
        try:
            for name, link in (("Ann", "partner_anna"), ("Bob", "partner_anna"), ("Cyd", "partner_carl"), ("Dan", "")):
                buyer = telegram.user(name, stars=1_000)
                await buyer.says(f"/start {link}".strip(), to=account)
                await there["offer"](buyer.id)
                invoice = await buyer.hears(account, predicate=lambda message: message.invoice is not None)
                if name != "Dan":
                    await buyer.pays(invoice)
            await telegram.idle(account)
            await shop.program.drain()
        finally:
            await dispatcher.stop_polling()
            await polling
        now = moment(SystemClock().now_us())
        week = Period(since=now - timedelta(days=7), until=now + timedelta(days=1))
        earned = await there["commissions"](week)
        revenue = (await shop.reports.orders(week)).takings.net_stars
        verdict = await asyncio.to_thread(there["verdict"], 7)
        await shop.close()
        await bot.session.close()
    assert set(earned) == {"anna", "carl"}
    assert sum(earned.values()) <= revenue * 15 // 100 <= sum(earned.values()) + 1
    assert [line.partition(":")[0] for line in verdict] == ["vip", "vip_longer", "vip_longer"]
    people = [line.split()[1:4] for line in verdict[:2]]
    assert (sum(int(bought) for bought, _, _ in people), sum(int(came) for _, _, came in people)) == (3, 4)
    assert "no clear difference" in verdict[2]

    network = there["network"]
    network.track_event("payment_completed", "north", 1, amount=70, product_id="tea")
    network.track_event("payment_completed", "east", 1, amount=30, product_id="tea")
    network.track_event("user_started", "east", 2)
    said = there["branches"]()
    assert said[0] == "100 Stars from 2 people"
    assert said[1:3] == ["North: 70 Stars, 100.0% of 1 people", "East: 30 Stars, 50.0% of 2 people"]
    assert (len(said), said[-1]) == (8, "tea: 100 Stars")
    network.close()
    there["analytics"].close()
