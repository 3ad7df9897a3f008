"""An AsyncTeleBot that polls."""

from __future__ import annotations

import asyncio
from typing import Any

from telebot import types, util
from telebot.async_telebot import AsyncTeleBot

from neonpay import NeonPayCore, create_neonpay
from neonpay.simulator import BotAccount, Simulator
from neonpay.testing.adapter_suite import BUSY, BUY, BotHost


class AsyncTeleBotHost(BotHost):
    def __init__(self, telegram: Simulator, account: BotAccount) -> None:
        super().__init__()
        self._telegram = telegram
        self._account = account
        self._polling: asyncio.Task[None] | None = None
        self._bot = AsyncTeleBot(account.token)
        self._bot.register_pre_checkout_query_handler(self._checkout, func=lambda _: True)
        kinds = [*util.content_type_media, *util.content_type_service]
        self._bot.register_message_handler(self._message, content_types=kinds, func=lambda _: True)
        # Versions without such a handler drop the update.
        self.tells_of_bought_media = hasattr(self._bot, "register_purchased_paid_media_handler")
        if self.tells_of_bought_media:
            self._bot.register_purchased_paid_media_handler(self._bought, func=lambda _: True)

    def join(self, **options: Any) -> NeonPayCore:
        return create_neonpay(self._bot, **options)

    def take_turns(self) -> None:
        """The library has no such mode."""

    async def start(self) -> None:
        self._polling = asyncio.create_task(self._bot.polling(non_stop=True, timeout=20))
        await self._telegram.until(lambda: self._telegram.polling(self._account) or None, what="the bot to poll")

    async def stop(self) -> None:
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)
            self._polling = None
        await self.neonpay.close()

    async def _checkout(self, query: types.PreCheckoutQuery) -> None:
        self.heard.add(f"checkout:{query.invoice_payload}")
        await self._bot.answer_pre_checkout_query(query.id, ok=True)

    async def _bought(self, purchase: types.PaidMediaPurchased) -> None:
        self.heard.add(f"bought:{purchase.paid_media_payload}")

    async def _message(self, message: types.Message) -> None:
        refunded = message.json.get("refunded_payment")
        if message.successful_payment is not None:
            self.heard.add(f"paid:{message.successful_payment.invoice_payload}")
        elif refunded is not None:
            self.heard.add(f"refunded:{refunded['invoice_payload']}")
        else:
            self.heard.add(f"text:{message.text}")
            if message.text == BUSY:
                await asyncio.to_thread(self.released.wait)
            elif message.text is not None and message.text.startswith(BUY) and message.from_user is not None:
                await self.offers(message.from_user.id, message.text)
