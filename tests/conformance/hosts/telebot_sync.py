"""A TeleBot that polls in a thread."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from telebot import TeleBot, types

from neonpay import NeonPayCore, create_neonpay
from neonpay.simulator import BotAccount, Simulator
from neonpay.telegram.client import BotApiClient
from neonpay.testing.adapter_suite import BUSY, BUY, BotHost


class TeleBotHost(BotHost):
    def __init__(self, telegram: Simulator, account: BotAccount) -> None:
        super().__init__()
        self._telegram = telegram
        self._account = account
        self._polling: threading.Thread | None = None
        self._bot = TeleBot(account.token)
        self._bot.register_pre_checkout_query_handler(self._checkout, func=lambda _: True)
        # Without content_types this takes every message there is.
        self._bot.register_message_handler(self._message)
        # Versions without such a handler drop the update.
        self.tells_of_bought_media = hasattr(self._bot, "register_purchased_paid_media_handler")
        if self.tells_of_bought_media:
            self._bot.register_purchased_paid_media_handler(self._bought, func=lambda _: True)

    def join(self, **options: Any) -> NeonPayCore:
        return create_neonpay(self._bot, **options)

    def take_turns(self) -> None:
        self._bot.threaded = False

    async def start(self) -> None:
        self._polling = threading.Thread(target=self._poll, daemon=True)
        self._polling.start()
        await self._telegram.until(lambda: self._telegram.polling(self._account) or None, what="the bot to poll")

    async def stop(self) -> None:
        if self._polling is not None:
            self._bot.stop_polling()
            # Telegram ends an open poll when another one comes; the library would sit it out.
            async with BotApiClient(self._account.token, base_url=self._telegram.base_url) as client:
                await client.call("getUpdates", {})
            await asyncio.to_thread(self._polling.join)
            self._polling = None
            self._bot.stop_bot()
        await asyncio.to_thread(self.neonpay.sync.close)

    def _poll(self) -> None:
        self._bot.polling(non_stop=True, long_polling_timeout=20, logger_level=None)

    def _checkout(self, query: types.PreCheckoutQuery) -> None:
        self.heard.add(f"checkout:{query.invoice_payload}")
        self._bot.answer_pre_checkout_query(query.id, ok=True)

    def _bought(self, purchase: types.PaidMediaPurchased) -> None:
        self.heard.add(f"bought:{purchase.paid_media_payload}")

    def _message(self, message: types.Message) -> None:
        refunded = message.json.get("refunded_payment")
        if message.successful_payment is not None:
            self.heard.add(f"paid:{message.successful_payment.invoice_payload}")
        elif refunded is not None:
            self.heard.add(f"refunded:{refunded['invoice_payload']}")
        else:
            self.heard.add(f"text:{message.text}")
            if message.text == BUSY:
                self.released.wait()
            elif message.text is not None and message.text.startswith(BUY) and message.from_user is not None:
                self.offers_now(message.from_user.id, message.text)
