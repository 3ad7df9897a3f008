"""The pytest plugin, in suites as users write them."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

IMPORTS = """
import pytest
from neonpay import PaymentResult, PaymentStage
from neonpay.testing import (
    assert_balance, assert_called, assert_declined, assert_delivered_once, assert_paid, assert_refunded
)

def sell_tea(app, got):
    app.create_payment_stage("tea", PaymentStage(title="Tea", description="A cup", price=5))

    @app.on_payment
    async def deliver(result: PaymentResult) -> None:
        got.append(result.user_id)
"""

PURCHASE = """
    got = []
    sell_tea(neonpay_app, got)
    await buyer.says("/start")
    await neonpay_app.send_payment(buyer.id, "tea")
    outcome = await buyer.pays(await buyer.hears())
    charge_id = assert_paid(outcome, stars=5)
    await assert_delivered_once(neonpay_app, outcome)
    assert got == [buyer.id]
    assert_balance(buyer, 995)
    assert_balance(telegram.bots()[0], 5)
    assert_called(telegram, "sendInvoice", times=1, title="Tea", chat_id=buyer.id)
    await neonpay_app.refund(charge_id)
    assert_refunded(telegram, outcome)
"""
TEST = f"async def test_tea(telegram, buyer, neonpay_app):{PURCHASE}"


@pytest.fixture
def suite(pytester: pytest.Pytester):
    """Runs a suite of a user's, with only the options that it gives."""

    def run(source: str, *options: str, ini: str = "", in_process: bool = True) -> pytest.RunResult:
        scope = "" if "no:asyncio" in options else "asyncio_default_fixture_loop_scope = function\n"
        pytester.makeini(f"[pytest]\n{scope}filterwarnings =\n    error\n{ini}")
        pytester.makepyfile(IMPORTS + source)
        run = pytester.runpytest_inprocess if in_process else pytester.runpytest_subprocess
        return run("-p", "no:randomly", *options)

    return run


def test_a_purchase_with_pytest_asyncio_in_auto_mode(suite):
    suite(TEST, ini="asyncio_mode = auto").assert_outcomes(passed=1)


def test_a_purchase_with_pytest_asyncio_in_strict_mode(suite):
    suite(f"@pytest.mark.asyncio\n{TEST}").assert_outcomes(passed=1)


def test_a_purchase_with_anyio_beside_pytest_asyncio_and_without(suite):
    source = f"pytestmark = pytest.mark.anyio\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n{TEST}"
    suite(source).assert_outcomes(passed=1)
    suite(source, "-p", "no:asyncio").assert_outcomes(passed=1)


def test_the_bot_is_the_one_that_the_user_gives(suite):
    source = f"""
from aiogram import Dispatcher
from telegram.ext import MessageHandler, filters

@pytest.fixture
def application(telegram):
    return telegram.ptb_builder("tea_bot").build()

@pytest.fixture
def neonpay_bot(application):
    return application

async def test_ptb(telegram, buyer, neonpay_app, application):
    async def hello(update, context):
        await update.message.reply_text("Hello!")
    application.add_handler(MessageHandler(filters.TEXT, hello))
    await buyer.says("Hi")
    assert (await buyer.hears()).text == "Hello!"
    assert [bot.username for bot in telegram.bots()] == ["tea_bot"]
    assert neonpay_app.get_stats()["library"] == "ptb"
{TEST}

class TestToken:
    @pytest.fixture
    def neonpay_bot(self, telegram):
        return telegram.bot("token_bot").token

    async def test_token(self, telegram, buyer, neonpay_app):{PURCHASE.replace("    ", "        ")}
"""
    suite(source, ini="asyncio_mode = auto").assert_outcomes(passed=3)


def test_ids_repeat_in_every_run_and_differ_by_seed(suite):
    source = """
async def test_default(telegram, buyer):
    print("default", telegram.bot("a_bot").id, buyer.id)

@pytest.mark.telegram(seed=5)
async def test_seeded(telegram, buyer):
    print("seeded", telegram.bot("a_bot").id, buyer.id)
"""
    runs = []
    for _ in range(2):
        outlines = suite(source, "-s", ini="asyncio_mode = auto").outlines
        runs.append(
            [word for line in outlines if "default " in line or "seeded " in line for word in line.split()[-2:]]
        )
    assert len(runs[0]) == 4
    assert runs[0] == runs[1]
    assert runs[0][:2] != runs[0][2:]


def test_a_plain_function_is_told_what_to_ask_for(suite):
    result = suite("def test_plain(telegram):\n    pass\n")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_plain is a plain function*sync_telegram*"])


def test_without_a_plugin_for_async_tests_the_message_names_one(suite):
    result = suite("async def test_tea(telegram):\n    pass\n", "-p", "no:asyncio", "-p", "no:anyio")
    result.stdout.fnmatch_lines(["*pip install pytest-asyncio*"])


def test_plain_functions_play_people_too(suite):
    source = """
from telebot import TeleBot

def test_telebot(sync_telegram, sync_buyer):
    shop = sync_telegram.bot("shop_bot")
    bot = TeleBot(shop.token)

    @bot.message_handler(commands=["buy"])
    def buy(message):
        from telebot.types import LabeledPrice
        bot.send_invoice(message.chat.id, "Tea", "A cup", "tea", "", "XTR", [LabeledPrice("Tea", 5)])

    @bot.pre_checkout_query_handler(func=lambda query: True)
    def checkout(query):
        bot.answer_pre_checkout_query(query.id, ok=True)

    with sync_telegram.running(bot):
        sync_buyer.says("/buy")
        outcome = sync_buyer.pays(sync_buyer.hears())
    assert_paid(outcome)
    assert_balance(sync_buyer, 995)
    sync_telegram.faults.fail("getMe")
    assert [fault.target for fault in sync_telegram.faults.waiting()] == ["getMe"]
    sync_buyer.blocks(shop)
    sync_telegram.advance(days=1)
    assert sync_telegram.step() is None
"""
    suite(source).assert_outcomes(passed=1)


@pytest.mark.build
@pytest.mark.timeout(300)
def test_tests_in_several_processes_do_not_meet(suite):
    source = TEST.replace("test_tea", "test_one") + TEST.replace("test_tea", "test_two")
    suite(source, "-n", "2", ini="asyncio_mode = auto", in_process=False).assert_outcomes(passed=2)


def test_the_plugin_loads_nothing_until_a_fixture_is_asked_for():
    code = (
        "import sys, neonpay.testing.plugin; heavy = {'aiogram', 'aiohttp', 'pydantic', 'sqlalchemy', 'telegram'}; "
        "print(sorted(heavy & set(sys.modules)), 'asyncio' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(" ")[0].strip() == "[]"
