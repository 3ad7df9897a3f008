"""Recipes of the pages, run as they are printed: what the owner asks in Telegram, and logs in files that rotate."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from aiogram import Dispatcher

from neonpay import PaymentResult, PaymentStage, create_neonpay
from tests.unit.docs.blocks import programs

if TYPE_CHECKING:
    from pathlib import Path

    from neonpay.core.events import Event
    from neonpay.simulator import Simulator


def run_page(page: str, heading: str, **given: Any) -> dict[str, Any]:
    """What the program under a heading has made."""
    there: dict[str, Any] = {**given, "__name__": "page"}
    (program,) = [one for one in programs(page) if heading in one.source]
    exec(program.source, there)  # noqa: S102 - the page's own code
    return there


async def test_an_owner_asks_the_bot_how_the_shop_is_and_nobody_else_is_told(
    telegram: Simulator, sqlite_url: str
) -> None:
    account = telegram.bot("shop_bot")
    owner, ann = telegram.user("Owner"), telegram.user("Ann", stars=1000)
    bot, dispatcher = telegram.aiogram_bot(account), Dispatcher()
    shop = create_neonpay(
        bot, dispatcher=dispatcher, database_url=sqlite_url, admins=[owner.id], reconcile_every_s=None
    )
    shop.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=50))
    given_up = asyncio.Event()

    @shop.on_payment(max_attempts=1)
    async def deliver(result: PaymentResult) -> None:
        raise RuntimeError("no more of it")

    @shop.on("fulfilment_abandoned")
    async def note(event: Event) -> None:
        given_up.set()

    run_page("docs/howto/monitor.md", "answer_status", bot=bot, dispatcher=dispatcher, neonpay=shop)
    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False))
    await ann.says("/status", to=account)
    await shop.send_payment(ann.id, "vip")
    await ann.pays(await ann.hears(account))
    async with asyncio.timeout(100):
        await given_up.wait()
    await owner.says("/status", to=account)
    told = (await owner.hears(account)).text
    await dispatcher.stop_polling()
    await polling
    await bot.session.close()
    assert told == (
        "24 hours: 1 payments, 50 Stars\nto decide on: 0\nnot delivered: 1\nrefunds without an answer: 0\nloops: all at work"
    )
    assert [call.params["chat_id"] for call in telegram.calls("sendMessage")] == [owner.id]


@pytest.fixture
def root_logger() -> Any:
    root, ours = logging.getLogger(), logging.getLogger("neonpay")
    before, level, our_level = list(root.handlers), root.level, ours.level
    yield root
    for handler in [one for one in root.handlers if one not in before]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    ours.setLevel(our_level)


def test_a_full_log_begins_a_new_file_and_the_oldest_goes(tmp_path: Path, root_logger: logging.Logger) -> None:
    page = run_page("docs/reference/logs.md", "RotatingFileHandler")
    page["log_into"](tmp_path / "log", most_bytes=400, kept=2)
    for number in range(20):
        logging.getLogger("neonpay.payments").info("step %d", number, extra={"charge_id": f"stx{number}"})
    files = sorted(path.name for path in (tmp_path / "log").iterdir())
    assert files == ["shop.log", "shop.log.1", "shop.log.2"]
    newest = (tmp_path / "log" / "shop.log").read_text(encoding="utf-8").splitlines()[-1]
    assert json.loads(newest)["charge_id"] == "stx19"
