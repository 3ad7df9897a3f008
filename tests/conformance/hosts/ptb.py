"""A bot of python-telegram-bot that polls."""

from __future__ import annotations

import asyncio
from typing import Any

from telegram import Update
from telegram.ext import (
    Application,
    ApplicationBuilder,
    MessageHandler,
    PaidMediaPurchasedHandler,
    PreCheckoutQueryHandler,
    filters,
)

from neonpay import NeonPayCore, create_neonpay
from neonpay.simulator import BotAccount, Simulator
from neonpay.testing.adapter_suite import BUSY, BUY, BotHost


class PtbHost(BotHost):
    def __init__(self, telegram: Simulator, account: BotAccount) -> None:
        super().__init__()
        self._telegram = telegram
        self._account = account
        builder = ApplicationBuilder().token(account.token).base_url(f"{telegram.base_url}/bot")
        self._application: Application[Any, Any, Any, Any, Any, Any] = builder.build()
        self._application.add_handler(PreCheckoutQueryHandler(self._checkout))
        self._application.add_handler(PaidMediaPurchasedHandler(self._bought))
        self._application.add_handler(MessageHandler(filters.ALL, self._message))

    def join(self, **options: Any) -> NeonPayCore:
        return create_neonpay(self._application, **options)

    def take_turns(self) -> None:
        """It does so by itself."""

    async def start(self) -> None:
        updater = self._application.updater
        assert updater is not None
        await self._application.initialize()
        await self._application.start()
        await updater.start_polling()
        await self._telegram.until(lambda: self._telegram.polling(self._account) or None, what="the bot to poll")

    async def stop(self) -> None:
        updater = self._application.updater
        assert updater is not None
        if updater.running:
            await updater.stop()
        if self._application.running:
            await self._application.stop()
        await self._application.shutdown()
        await self.neonpay.close()

    async def _checkout(self, update: Update, _: object) -> None:
        query = update.pre_checkout_query
        assert query is not None
        self.heard.add(f"checkout:{query.invoice_payload}")
        await query.answer(ok=True)

    async def _bought(self, update: Update, _: object) -> None:
        assert update.purchased_paid_media is not None
        self.heard.add(f"bought:{update.purchased_paid_media.paid_media_payload}")

    async def _message(self, update: Update, _: object) -> None:
        message = update.message
        assert message is not None
        if message.successful_payment is not None:
            self.heard.add(f"paid:{message.successful_payment.invoice_payload}")
        elif message.refunded_payment is not None:
            self.heard.add(f"refunded:{message.refunded_payment.invoice_payload}")
        else:
            self.heard.add(f"text:{message.text}")
            if message.text == BUSY:
                await asyncio.to_thread(self.released.wait)
            elif message.text is not None and message.text.startswith(BUY) and message.from_user is not None:
                await self.offers(message.from_user.id, message.text)
