"""The lines of the page are run, and a bot made by each of them hears a buyer and answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import telebot
from aiogram import Dispatcher
from telegram.ext import MessageHandler, filters

from neonpay.testing import point_telebot, running

PAGE = Path(__file__).resolve().parents[3] / "docs" / "howto" / "point-your-bot-here.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
TOKEN = "123456:AAAA"


@pytest.fixture
def made(telegram, monkeypatch):
    """Runs the block that has a word, with this simulator's address in it; what the block made."""
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    telegram.bot("shop_bot", token=TOKEN)

    def run(word: str) -> dict[str, Any]:
        (block,) = [one for one in BLOCKS if word in one]
        there: dict[str, Any] = {"__name__": "page"}
        exec(block.replace("http://127.0.0.1:8082", telegram.base_url), there)  # noqa: S102 - the page's own code
        return there

    return run


async def hello(telegram):
    ann = telegram.user("Ann")
    await ann.says("Hello")
    assert (await ann.hears(timeout_s=60)).text == "Hello yourself"


async def test_aiogram(telegram, made):
    bot, dispatcher = made("AiohttpSession(")["bot"], Dispatcher()

    @dispatcher.message()
    async def answer(message):
        await message.answer(f"{message.text} yourself")

    async with running(bot, dispatcher=dispatcher):
        await hello(telegram)


async def test_python_telegram_bot(telegram, made):
    async def answer(update, context):
        await update.message.reply_text(f"{update.message.text} yourself")

    application = made("Application.builder()")["application"]
    application.add_handler(MessageHandler(filters.TEXT, answer))
    async with running(application):
        await hello(telegram)


async def test_telebot(telegram, made):
    with point_telebot("http://telegram.invalid"):  # puts the library's address back afterwards
        bot = made("apihelper.API_URL")["bot"]

        @bot.message_handler()
        def answer(message):
            bot.reply_to(message, f"{message.text} yourself")

        async with running(bot):
            await hello(telegram)
    assert telebot.apihelper.API_URL is None


async def test_async_telebot(telegram, made):
    with point_telebot("http://telegram.invalid"):
        bot = made("AsyncTeleBot(")["bot"]

        @bot.message_handler()
        async def answer(message):
            await bot.reply_to(message, f"{message.text} yourself")

        async with running(bot):
            await hello(telegram)


async def test_a_bare_token(telegram, made, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    neonpay = made("api_url=")["neonpay"]

    async def answer(update):
        message = update["message"]
        await neonpay.call("sendMessage", {"chat_id": message["chat"]["id"], "text": f"{message['text']} yourself"})

    async with running(TOKEN, neonpay=neonpay, on_update=answer):
        await hello(telegram)


async def test_the_pyrogram_family(telegram, made, monkeypatch):
    # The block starts a simulator itself, on a port of its own here.
    (block,) = [one for one in BLOCKS if "Client(" in one]
    there: dict[str, Any] = {"__name__": "page"}
    exec(block.replace("port=8082", "port=0"), there)  # noqa: S102 - the page's own code

    async def run(client):
        async with running(client):
            assert (await client.get_me()).username == "my_bot"

    there["run"] = run
    await there["main"]()
