"""A TeleBot behind a web server of the host's own: nobody tells when it starts."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from neonpay.simulator import Simulator

pytestmark = [
    pytest.mark.timeout(120),  # programs of their own load everything, which takes seconds on a slow machine
    pytest.mark.skipif(sys.platform == "win32", reason="there is no fork"),
]

SHOP = """
import os, sys, threading, time
from pathlib import Path
from telebot import TeleBot, apihelper
from neonpay import PaymentStage, create_neonpay

base_url, token, url, folder, kind = sys.argv[1:]
folder = Path(folder)
apihelper.API_URL = base_url + "/bot{0}/{1}"
bot = TeleBot(token)
neonpay = create_neonpay(bot, database_url=url, reconcile_every_s=None, lease_s=1.0)
neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month of VIP", price=50))
attempts = folder / "attempts"

@neonpay.on_payment(name="deliver")
def deliver(result):
    with attempts.open("a") as file:
        file.write(f"{os.getpid()}\\n")
    if kind == "is killed":
        os.kill(os.getpid(), 9)
    (folder / "delivered").write_text(f"{result.transaction_id} {os.getpid()}")
    os._exit(0)

"""
POLLS = """
bot.message_handler(commands=["start"])(lambda message: neonpay.sync.send_payment(message.chat.id, "vip"))
bot.infinity_polling()
"""
WAITS = "threading.Event().wait()\n"
FORKS = """
child = os.fork()
if child == 0:
    threading.Event().wait()
(folder / "child").write_text(str(child))
os.waitpid(child, 0)
# The parent of a server is there for longer than it takes to start.
time.sleep(2)
assert not neonpay.get_stats()["is_open"]
assert not [thread for thread in threading.enumerate() if thread.name.startswith("neonpay")]
"""
IMPORTS_ONLY = "print('usage: shop.py', flush=True)\n"


class Programs:
    """Programs of one shop, one after another."""

    def __init__(self, telegram: Simulator, folder: Path) -> None:
        self.account = telegram.bot("shop_bot")
        self.folder = folder
        self.database = folder / "shop.db"
        self._telegram = telegram

    async def runs(self, what: str, kind: str = "") -> tuple[int, str]:
        """Exit code and what went to the standard error of a program that goes on after the declarations like this."""
        arguments = (self._telegram.base_url, self.account.token, f"sqlite:///{self.database}", str(self.folder), kind)
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", SHOP + what, *arguments), stderr=asyncio.subprocess.PIPE
        )
        _, errors = await program.communicate()
        assert program.returncode is not None
        return program.returncode, errors.decode()

    async def leave_a_delivery_undone(self) -> str:
        """A buyer pays, and the program is killed in the delivery; the charge id."""
        ann = self._telegram.user("Ann", stars=100)
        running = asyncio.ensure_future(self.runs(POLLS, "is killed"))
        await ann.says("/start", to=self.account)
        outcome = await ann.pays(await ann.hears(self.account, timeout_s=60), timeout_s=60)
        code, _ = await running
        assert code == -9
        assert outcome.charge_id is not None
        return outcome.charge_id

    @property
    def delivered(self) -> list[str]:
        """Charge id and process of the delivery."""
        return (self.folder / "delivered").read_text().split()


@pytest.fixture
def programs(telegram: Simulator, tmp_path: Path) -> Programs:
    return Programs(telegram, tmp_path)


async def test_a_delivery_that_a_kill_cut_off_is_made_before_anybody_writes(programs: Programs) -> None:
    charge_id = await programs.leave_a_delivery_undone()
    assert await programs.runs(WAITS) == (0, "")
    assert programs.delivered[0] == charge_id


async def test_a_server_that_forks_its_workers_leaves_the_work_to_them(programs: Programs) -> None:
    charge_id = await programs.leave_a_delivery_undone()
    assert await programs.runs(FORKS) == (0, "")
    assert programs.delivered == [charge_id, (programs.folder / "child").read_text()]


async def test_a_program_that_only_imports_the_shop_opens_nothing(programs: Programs) -> None:
    assert await programs.runs(IMPORTS_ONLY) == (0, "")
    assert not programs.database.exists()
