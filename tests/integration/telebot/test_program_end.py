"""A program that ends without closing anything."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from neonpay.simulator import Simulator
    from tests.integration.telebot.conftest import Shop

pytestmark = pytest.mark.timeout(120)  # a program of its own loads everything, which takes seconds on a slow machine

PROGRAM = """
import sys, threading
from pathlib import Path
from telebot import TeleBot, apihelper
from neonpay import PaymentStage, create_neonpay

base_url, token, url, written = sys.argv[1:]
apihelper.API_URL = base_url + "/bot{0}/{1}"
bot = TeleBot(token)
neonpay = create_neonpay(bot, database_url=url, reconcile_every_s=None)
neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month of VIP", price=50))
paid, leaving = threading.Event(), threading.Event()

@neonpay.on_payment(name="deliver")
def deliver(result):
    paid.set()
    leaving.wait()
    neonpay.sync.send_payment(result.user_id, "vip")
    Path(written).write_text(result.transaction_id)

@bot.message_handler(commands=["start"])
def start(message):
    neonpay.sync.send_payment(message.chat.id, "vip")

threading.Thread(target=bot.infinity_polling, daemon=True).start()
paid.wait()
leaving.set()
"""


async def test_what_runs_when_a_program_ends_is_finished(
    telegram: Simulator, new_shop: Callable[..., Shop], sqlite_url: str, tmp_path: Path
) -> None:
    account, written = telegram.bot("shop_bot"), tmp_path / "written"
    ann = telegram.user("Ann", stars=100)
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", PROGRAM, telegram.base_url, account.token, sqlite_url, str(written)),
        stderr=asyncio.subprocess.PIPE,
    )
    await ann.says("/start", to=account)
    outcome = await ann.pays(await ann.hears(account, timeout_s=60), timeout_s=60)
    _, errors = await program.communicate()

    assert (program.returncode, errors) == (0, b"")
    assert written.read_text() == outcome.charge_id
    await ann.hears(account)
    after = new_shop()
    after.opens()
    (job,) = await after.neonpay.jobs.of(outcome.charge_id or "")
    assert job.state == "done"
    assert after.delivered.all == []
