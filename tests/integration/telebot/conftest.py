"""Shops on pyTelegramBotAPI in a simulated Telegram."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiogram.types import Message
from telebot import TeleBot, apihelper, asyncio_helper
from telebot.async_telebot import AsyncTeleBot

from neonpay import NeonPayCore, PaymentResult, create_neonpay
from neonpay.simulator import BotAccount, Buyer, Outcome, Simulator
from neonpay.telegram.client import BotApiClient
from neonpay.testing.adapter_host import Noted
from tests.integration.conftest import VIP

QUIET = {"poll_s": 0.01, "messages_per_s": None, "reconcile_every_s": None}


class Shop:
    """A bot of the library with ``create_neonpay`` called on it, or not yet."""

    def __init__(
        self, telegram: Simulator, database_url: str, bot: TeleBot | AsyncTeleBot, account: BotAccount
    ) -> None:
        self.telegram = telegram
        self.account = account
        self.bot: Any = bot
        self.delivered: Noted[PaymentResult] = Noted()
        self.seen: Noted[str] = Noted()
        self._database_url = database_url
        self._opened: list[NeonPayCore] = []

    def opens(self, **options: Any) -> NeonPayCore:
        """``create_neonpay``, a stage, and a handler that notes what it delivers."""
        neonpay = create_neonpay(self.bot, **{"database_url": self._database_url, **QUIET, **options})
        neonpay.create_payment_stage("vip", VIP)

        @neonpay.on_payment(name="deliver")
        def deliver(result: PaymentResult) -> None:
            self.delivered.add(result)

        self._opened.append(neonpay)
        return neonpay

    @property
    def neonpay(self) -> NeonPayCore:
        """The application that was opened last."""
        return self._opened[-1]

    @asynccontextmanager
    async def polling(self, **options: Any) -> AsyncIterator[None]:
        """The bot polls inside the block, as its users have it poll."""
        if isinstance(self.bot, TeleBot):
            thread = threading.Thread(
                target=self.bot.infinity_polling,
                kwargs={"long_polling_timeout": 20, "logger_level": None, **options},
                daemon=True,
            )
            thread.start()
            await self._waits_for_updates()
            yield
            self.bot.stop_polling()
            # Telegram ends an open poll when another one comes; the library would sit it out.
            async with BotApiClient(self.account.token, base_url=self.telegram.base_url) as client:
                await client.call("getUpdates", {})
            await asyncio.to_thread(thread.join)
            if self.bot.threaded:
                self.bot.stop_bot()
        else:
            task = asyncio.create_task(self.bot.polling(non_stop=True, **options))
            await self._waits_for_updates()
            yield
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _waits_for_updates(self) -> None:
        await self.telegram.until(lambda: self.telegram.polling(self.account) or None, what="the bot to poll")

    async def visitor(self, name: str = "Ann") -> Buyer:
        """Somebody who has written to the bot, so that it may write back."""
        visitor = self.telegram.user(name, stars=1000)
        await visitor.says("/start", to=self.account)
        return visitor

    async def invoices(self, buyer: Buyer) -> Message:
        """Send an invoice; the message that the buyer gets."""
        await self.neonpay.send_payment(buyer.id, "vip")
        return await buyer.hears(self.account, predicate=lambda message: message.invoice is not None)

    async def sells(self, buyer: Buyer) -> Outcome:
        """Send an invoice, have it paid, and wait until it is delivered."""
        outcome = await buyer.pays(await self.invoices(buyer))
        assert outcome.status == "paid", outcome
        await self.delivered.has(lambda result: result.transaction_id == outcome.charge_id)
        return outcome

    async def aclose(self) -> None:
        for neonpay in self._opened:
            if isinstance(self.bot, TeleBot):
                await asyncio.to_thread(neonpay.sync.close)
            else:
                await neonpay.close()


@pytest.fixture(autouse=True)
def server(telegram: Simulator) -> Iterator[None]:
    """The library has one address for all bots of a process, and another for its asynchronous half."""
    before = apihelper.API_URL, asyncio_helper.API_URL
    apihelper.API_URL = asyncio_helper.API_URL = telegram.base_url + "/bot{0}/{1}"
    yield
    apihelper.API_URL, asyncio_helper.API_URL = before


@pytest.fixture
async def new_shop(telegram: Simulator, sqlite_url: str) -> AsyncIterator[Callable[..., Shop]]:
    """Makes shops of a TeleBot, or of an AsyncTeleBot with ``kind=AsyncTeleBot``, that know nothing of neonpay yet."""
    shops: list[Shop] = []

    def new_shop(kind: Callable[..., Any] = TeleBot, *, username: str = "shop_bot", **options: Any) -> Shop:
        account = telegram.bot(username)
        shops.append(Shop(telegram, sqlite_url, kind(account.token, **options), account))
        return shops[-1]

    yield new_shop
    for shop in shops:
        await shop.aclose()
    # What a host that never polled has left open.
    session = asyncio_helper.session_manager.session
    if session is not None and not session.closed:
        await session.close()


@pytest.fixture
async def shop(new_shop: Callable[..., Shop]) -> Shop:
    """A TeleBot that sells."""
    shop = new_shop()
    shop.opens()
    return shop


@pytest.fixture
async def async_shop(new_shop: Callable[..., Shop]) -> Shop:
    """An AsyncTeleBot that sells."""
    shop = new_shop(AsyncTeleBot)
    shop.opens()
    return shop
