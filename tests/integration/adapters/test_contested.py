"""A bot that is asked for by two: the log says what that means and what to do, whichever library it is."""

from __future__ import annotations

import logging

import pytest
from telebot import apihelper, asyncio_helper

from neonpay.telegram.client import BotApiClient
from tests.conformance.hosts.aiogram import AiogramHost
from tests.conformance.hosts.botapi import BotApiHost
from tests.conformance.hosts.ptb import PtbHost
from tests.conformance.hosts.telebot_async import AsyncTeleBotHost
from tests.conformance.hosts.telebot_sync import TeleBotHost

HOSTS = [AiogramHost, PtbHost, TeleBotHost, AsyncTeleBotHost, BotApiHost]


@pytest.mark.parametrize("kind", HOSTS)
async def test_a_second_poll_of_the_bot_is_explained_once(telegram, kind, tmp_path, monkeypatch, caplog):
    for helper in (apihelper, asyncio_helper):
        monkeypatch.setattr(helper, "API_URL", telegram.base_url + "/bot{0}/{1}")
    caplog.set_level(logging.WARNING)
    account = telegram.bot("shop_bot")
    host = kind(telegram, account)
    host.neonpay = host.join(database_url=f"sqlite:///{tmp_path}/shop.db")

    def told():
        return [one for one in caplog.messages if f"asks Telegram for the updates of bot {account.id} as well" in one]

    await host.start()
    async with BotApiClient(account.token, base_url=telegram.base_url) as other:
        for _ in range(2):
            await telegram.until(lambda: telegram.polling(account) or None)
            await other.call("getUpdates", {})
        await telegram.until(told)
        await telegram.until(lambda: telegram.polling(account) or None)
    await host.stop()
    (line,) = told()
    assert "from shop import bot, neonpay" in line
    assert "same database_url" in line
