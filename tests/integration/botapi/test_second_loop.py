"""Programs that run an event loop for each request, one after another, or several at the same time."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from neonpay.simulator import Simulator

pytestmark = pytest.mark.timeout(240)  # programs of their own load everything, which takes seconds on a slow machine

PRELUDE = """
import asyncio, sys, threading
from neonpay import PaymentStage, create_neonpay
from neonpay.telegram.client import BotApiClient

base_url, token, url, kind = sys.argv[1:]
updates = BotApiClient(token, base_url=base_url)
options = {"database_url": url, "reconcile_every_s": None, "messages_per_s": None, "lease_s": 3600, "poll_s": 0.05}
if kind == "aiogram":
    from aiogram import Bot, Dispatcher
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    bot = Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(base_url)))
    dispatcher = Dispatcher()
    neonpay = create_neonpay(bot, dispatcher=dispatcher, **options)
else:
    neonpay = create_neonpay(token, api_url=base_url, **options)
neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month of VIP", price=50))

async def hand_in(update):
    if kind == "aiogram":
        await dispatcher.feed_raw_update(bot, update)
    else:
        await neonpay.process_update(update)

async def request(work):
    try:
        return await work
    finally:
        if kind == "aiogram":
            await bot.session.close()

def run(work):
    return asyncio.run(request(work))

async def fetch(offset):
    try:
        return await updates.call("getUpdates", {"offset": offset, "timeout": 1,
            "allowed_updates": ["message", "pre_checkout_query"]})
    finally:
        await updates.close()

def serve(until):
    offset = 0
    while not until():
        for update in asyncio.run(fetch(offset)):
            offset = update["update_id"] + 1
            run(hand_in(update))
"""

EACH = """
attempts, done = [], []

@neonpay.on_payment(name="deliver")
async def deliver(result):
    attempts.append(result.transaction_id)
    if len(attempts) == 1:
        await asyncio.sleep(3600)  # dies with its loop
    done.append(result.transaction_id)

print(run(neonpay.create_payment_link("vip")).link, flush=True)
serve(lambda: attempts)

async def wait():
    await neonpay.payments.get(attempts[0])
    while not done:
        await asyncio.sleep(0.01)
    await neonpay.program.drain()
    return [job.state for job in await neonpay.jobs.of(done[0])]

print(*run(wait()), flush=True)
run(neonpay.refund(done[0]))
async def after():
    return (await neonpay.payments.get(done[0])).state
print(run(after()).value, flush=True)
run(neonpay.close())
"""

BESIDE = """
done = threading.Event()

@neonpay.on_payment(name="deliver")
async def deliver(result):
    done.set()

home = asyncio.new_event_loop()
threading.Thread(target=home.run_forever, daemon=True).start()
asyncio.run_coroutine_threadsafe(neonpay.setup(), home).result()
link = asyncio.run(neonpay.create_payment_link("vip")).link
print(link, flush=True)
assert asyncio.run(neonpay.payments.list()) == []
serve(done.is_set)
print(len(asyncio.run(neonpay.payments.list())), flush=True)
asyncio.run(neonpay.close())
"""

ENDED = """
left = asyncio.new_event_loop()
opening = [left.create_task(neonpay.program.pipeline.open()) for _ in range(2)]
left.run_until_complete(asyncio.sleep(0))
left.close()
print(asyncio.run(neonpay.payments.list()))
asyncio.run(neonpay.close())
"""


async def lines_of(telegram: Simulator, program: str, database_url: str, kind: str) -> tuple[list[str], str | None]:
    """What a program prints after a buyer has paid the link that it prints first, and the charge id."""
    account = telegram.bot("shop_bot")
    ann = telegram.user("Ann", stars=100)
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PRELUDE + program, telegram.base_url, account.token, database_url, kind),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert running.stdout is not None
    link = (await running.stdout.readline()).decode().strip()
    if not link:
        raise AssertionError((await running.communicate())[1].decode())
    outcome = await ann.pays(link, timeout_s=120)
    out, errors = await running.communicate()
    assert running.returncode == 0, errors.decode()
    return out.decode().split(), outcome.charge_id


@pytest.mark.parametrize("kind", ["botapi", "aiogram"])
async def test_a_loop_for_each_request_sells_delivers_and_refunds(
    telegram: Simulator, database_url: str, kind: str
) -> None:
    lines, charge_id = await lines_of(telegram, EACH, database_url, kind)
    assert charge_id is not None
    assert lines == ["done", "refunded"]


@pytest.mark.parametrize("kind", ["botapi"])
async def test_other_loops_use_the_shop_of_a_loop_that_runs(
    telegram: Simulator, database_url: str, kind: str, tmp_path: Path
) -> None:
    lines, _ = await lines_of(telegram, BESIDE, database_url, kind)
    assert lines == ["1"]


async def test_a_loop_that_ends_while_it_opens_the_shop_stops_nobody(telegram: Simulator, database_url: str) -> None:
    account = telegram.bot("shop_bot")
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PRELUDE + ENDED, telegram.base_url, account.token, database_url, "botapi"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await running.communicate()
    assert out.decode().split() == ["[]"], errors.decode()
