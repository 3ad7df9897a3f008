"""A process that has sold is forked, as by ``gunicorn --preload`` and by multiprocessing."""

from __future__ import annotations

import asyncio
import sys

import pytest

from neonpay.simulator import Simulator

pytestmark = [
    pytest.mark.timeout(240),  # programs of their own load everything, which takes seconds on a slow machine
    pytest.mark.skipif(sys.platform == "win32", reason="there is no fork"),
]

APPLICATION = """
import asyncio, os, sys, threading
from neonpay import PaymentStage, create_neonpay

base_url, token, url, kind = sys.argv[1:]
options = {"database_url": url, "reconcile_every_s": None, "messages_per_s": None, "poll_s": 0.05}
if kind == "telebot":
    from telebot import TeleBot, apihelper
    apihelper.API_URL = base_url + "/bot{0}/{1}"
    neonpay = create_neonpay(TeleBot(token), **options)
    link, payments, close = neonpay.sync.create_payment_link, neonpay.sync.payments.list, neonpay.sync.close
else:
    neonpay = create_neonpay(token, api_url=base_url, **options)
    runner = asyncio.Runner()
    link = lambda stage: runner.run(neonpay.create_payment_link(stage))
    payments = lambda: runner.run(neonpay.payments.list())
    close = lambda: runner.run(neonpay.close())
neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month of VIP", price=50))

print(link("vip").link, flush=True)
children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        if kind != "telebot":
            runner = asyncio.Runner()
        assert payments() == []
        print(link("vip").link, flush=True)
        close()
        os._exit(0)
    children.append(child)
codes = [os.waitpid(child, 0)[1] for child in children]
assert codes == [0, 0], codes
print(link("vip").link, flush=True)
close()
"""

LEDGER = """
import os, sys
from neonpay.errors import LedgerUnavailableError
from neonpay.ledger import open_ledger
import sqlalchemy as sa

ledger = open_ledger(sys.argv[1])
one = lambda transaction: transaction.connection.scalar(sa.text("SELECT 1"))
assert ledger.run_sync(one) == 1
if os.fork() == 0:
    for attempt in (lambda: ledger.run_sync(one), lambda: ledger.read_sync(one), ledger.open_sync):
        try:
            attempt()
        except LedgerUnavailableError as error:
            print(error, flush=True)
    ledger.close_sync()
    os._exit(0)
os.wait()
assert ledger.run_sync(one) == ledger.read_sync(one) == 1
ledger.close_sync()
"""


async def printed(*arguments: str) -> list[str]:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await program.communicate()
    assert program.returncode == 0, errors.decode()
    return out.decode().splitlines()


@pytest.mark.parametrize("kind", ["botapi", "telebot"])
async def test_children_of_a_shop_that_is_open_open_their_own(
    telegram: Simulator, database_url: str, kind: str
) -> None:
    account = telegram.bot("shop_bot")
    links = await printed(APPLICATION, telegram.base_url, account.token, database_url, kind)
    assert len(set(links)) == 4
    assert all(link.startswith("http") for link in links)


async def test_a_ledger_of_the_parent_says_so_at_once(database_url: str) -> None:
    lines = await printed(LEDGER, database_url)
    assert lines == ["the ledger was opened before this process was forked; open another one here"] * 3
