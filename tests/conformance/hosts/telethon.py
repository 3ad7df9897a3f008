"""A Telethon client."""

from __future__ import annotations

import asyncio
from typing import Any

from telethon import TelegramClient, events
from telethon.sessions import MemorySession
from telethon.tl.functions.messages import SetBotPrecheckoutResultsRequest

from neonpay import NeonPayCore, create_neonpay
from neonpay.simulator import BotAccount, Simulator
from neonpay.testing.adapter_suite import BUSY, BUY, BotHost


class TelethonHost(BotHost):
    def __init__(self, telegram: Simulator, account: BotAccount) -> None:
        super().__init__()
        self._telegram = telegram
        self._account = account
        self._client = self._signed_out()

    def _signed_out(self, **options: Any) -> TelegramClient:
        session = MemorySession()
        client = self._telegram.adopt(TelegramClient(session, api_id=1, api_hash="0123456789abcdef", **options))
        client.add_event_handler(self._update, events.Raw())
        client.add_event_handler(self._message, events.NewMessage(incoming=True))
        return client

    def join(self, **options: Any) -> NeonPayCore:
        return create_neonpay(self._client, bot_token=self._account.token, api_url=self._telegram.base_url, **options)

    def take_turns(self) -> None:
        self._client = self._signed_out(sequential_updates=True)

    async def start(self) -> None:
        await self._client.start(bot_token=self._account.token)

    async def stop(self) -> None:
        await self._client.disconnect()
        await self.neonpay.close()

    async def _update(self, update: Any) -> None:
        if type(update).__name__ == "UpdateBotPrecheckoutQuery":
            self.heard.add(f"checkout:{update.payload.decode()}")
            await self._client(SetBotPrecheckoutResultsRequest(query_id=update.query_id, success=True))
        if type(update).__name__ == "UpdateBotPurchasedPaidMedia":
            self.heard.add(f"bought:{update.payload}")
        action: Any = getattr(getattr(update, "message", None), "action", None)
        if type(action).__name__ == "MessageActionPaymentSentMe":
            self.heard.add(f"paid:{action.payload.decode()}")
        elif type(action).__name__ == "MessageActionPaymentRefunded":
            self.heard.add(f"refunded:{action.payload.decode()}")

    async def _message(self, event: Any) -> None:
        self.heard.add(f"text:{event.raw_text}")
        if event.raw_text == BUSY:
            await asyncio.to_thread(self.released.wait)
        elif event.raw_text.startswith(BUY):
            await self.offers(event.sender_id, event.raw_text)
