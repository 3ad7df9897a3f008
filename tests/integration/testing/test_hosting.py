"""A bot of each library runs for the length of a block and answers."""

from __future__ import annotations

import asyncio

import pytest
import telebot
from aiogram import Bot, Dispatcher
from hydrogram import Client, filters
from telebot.async_telebot import AsyncTeleBot
from telethon import TelegramClient, events
from telethon.sessions import MemorySession

from neonpay import create_neonpay
from neonpay.errors import ConfigurationError
from neonpay.testing import SimulatedClock, SimulatorClock, point_telebot, running


async def answers(telegram, name="Ann"):
    buyer = telegram.user(name)
    await buyer.says("/start")
    return (await buyer.hears(timeout_s=60)).text


async def test_an_async_telebot_that_is_pointed_here(telegram):
    before = telebot.asyncio_helper.API_URL
    with point_telebot(telegram.base_url):
        bot = AsyncTeleBot(telegram.bot("shop_bot").token)

        @bot.message_handler(commands=["start"])
        async def start(message):
            await bot.send_message(message.chat.id, "Hello!")

        async with running(bot):
            assert await answers(telegram) == "Hello!"
    after = telebot.asyncio_helper.API_URL
    assert after == before


async def test_a_telebot_that_is_pointed_here(telegram):
    with point_telebot(telegram.base_url):
        bot = telebot.TeleBot(telegram.bot("shop_bot").token)

        @bot.message_handler(commands=["start"])
        def start(message):
            bot.send_message(message.chat.id, "Hello!")

        async with running(bot):
            assert await answers(telegram) == "Hello!"


async def test_a_client_of_the_pyrogram_family(telegram):
    token = telegram.bot("shop_bot").token
    client = telegram.adopt(Client("shop", api_id=1, api_hash="0" * 16, bot_token=token, in_memory=True))

    @client.on_message(filters.command("start"))
    async def start(client, message):
        await message.reply("Hello!")

    async with running(client):
        assert await answers(telegram) == "Hello!"


async def test_a_telethon_client(telegram):
    client = telegram.adopt(TelegramClient(MemorySession(), api_id=1, api_hash="0" * 16))

    @client.on(events.NewMessage(pattern="/start"))
    async def start(event):
        await event.respond("Hello!")

    async with running(client, bot_token=telegram.bot("shop_bot").token):
        assert await answers(telegram) == "Hello!"


async def test_a_bare_token(telegram, sqlite_url):
    shop = telegram.bot("shop_bot")
    neonpay = create_neonpay(
        shop.token, api_url=telegram.base_url, database_url=sqlite_url, clock=SimulatedClock(telegram.clock)
    )

    async def update(update):
        await neonpay.call("sendMessage", {"chat_id": update["message"]["chat"]["id"], "text": "Hello!"})

    async with running(shop.token, neonpay=neonpay, on_update=update):
        assert await answers(telegram) == "Hello!"
    assert not neonpay.get_stats()["is_open"]


async def test_what_cannot_be_run_is_told(telegram):
    for bot, message in (
        ("123:abc", "a bare token is polled by neonpay"),
        (Bot("123:abc"), "runs with its dispatcher"),
        (object(), "nobody knows how to run a object"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            async with running(bot):
                pass


async def test_a_bot_that_cannot_start_says_why(telegram):
    bot = telegram.aiogram_bot("shop_bot")
    dispatcher = Dispatcher()

    @dispatcher.startup()
    async def fail():
        raise ValueError("no tea")

    with pytest.raises(ValueError, match="no tea"):
        async with running(bot, dispatcher=dispatcher):
            await asyncio.Event().wait()


class Machine:
    at_us = 1_000_000

    def now_us(self):
        return self.at_us


async def test_a_month_that_passes_in_the_simulator_passes_for_a_program_that_asks_it(telegram):
    machine = Machine()
    clock = await asyncio.to_thread(SimulatorClock, telegram.base_url, machine=machine)
    begun_us = round(telegram.clock.now() * 1_000_000)
    await telegram.advance(days=30)
    assert await asyncio.to_thread(clock.now_us) == begun_us
    machine.at_us += 1_000_000
    assert await asyncio.to_thread(clock.now_us) == begun_us + 30 * 86_400 * 1_000_000


async def test_a_program_that_is_pointed_at_no_simulator_is_told_so():
    with pytest.raises(ConfigurationError, match="neonpay simulate"):
        await asyncio.to_thread(SimulatorClock, "http://127.0.0.1:9")
