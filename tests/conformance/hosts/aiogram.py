"""An aiogram bot that polls."""

from __future__ import annotations

import asyncio
from typing import Any

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message, PaidMediaPurchased, PreCheckoutQuery

from neonpay import NeonPayCore, create_neonpay
from neonpay.simulator import BotAccount, Simulator
from neonpay.testing.adapter_suite import BUSY, BUY, BotHost


class AiogramHost(BotHost):
    def __init__(self, telegram: Simulator, account: BotAccount) -> None:
        super().__init__()
        self._telegram = telegram
        self._account = account
        self._bot = Bot(account.token, session=AiohttpSession(api=TelegramAPIServer.from_base(telegram.base_url)))
        self._dispatcher = Dispatcher()
        self._polling: asyncio.Task[None] | None = None
        self._as_tasks = True
        self._dispatcher.pre_checkout_query()(self._checkout)
        self._dispatcher.message(F.successful_payment)(self._paid)
        self._dispatcher.message(F.refunded_payment)(self._refunded)
        self._dispatcher.message()(self._message)
        self._dispatcher.purchased_paid_media()(self._bought)

    def join(self, **options: Any) -> NeonPayCore:
        return create_neonpay(self._bot, dispatcher=self._dispatcher, **options)

    def take_turns(self) -> None:
        self._as_tasks = False

    async def start(self) -> None:
        self._polling = asyncio.create_task(
            self._dispatcher.start_polling(
                self._bot, handle_as_tasks=self._as_tasks, handle_signals=False, close_bot_session=False
            )
        )
        await self._telegram.until(lambda: self._telegram.polling(self._account) or None, what="the bot to poll")

    async def stop(self) -> None:
        if self._polling is not None:
            await self._dispatcher.stop_polling()
            await self._polling
            self._polling = None
        await self.neonpay.close()
        await self._bot.session.close()

    async def _checkout(self, query: PreCheckoutQuery) -> None:
        self.heard.add(f"checkout:{query.invoice_payload}")
        await query.answer(ok=True)

    async def _paid(self, message: Message) -> None:
        assert message.successful_payment is not None
        self.heard.add(f"paid:{message.successful_payment.invoice_payload}")

    async def _refunded(self, message: Message) -> None:
        assert message.refunded_payment is not None
        self.heard.add(f"refunded:{message.refunded_payment.invoice_payload}")

    async def _bought(self, purchase: PaidMediaPurchased) -> None:
        self.heard.add(f"bought:{purchase.paid_media_payload}")

    async def _message(self, message: Message) -> None:
        self.heard.add(f"text:{message.text}")
        if message.text == BUSY:
            await asyncio.to_thread(self.released.wait)
        elif message.text is not None and message.text.startswith(BUY) and message.from_user is not None:
            await self.offers(message.from_user.id, message.text)
