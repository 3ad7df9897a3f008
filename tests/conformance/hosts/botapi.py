"""A bot that is only a token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from neonpay import NeonPayCore, create_neonpay
from neonpay.simulator import BotAccount, Simulator
from neonpay.testing.adapter_suite import BUSY, BUY, BotHost


class BotApiHost(BotHost):
    runs_without_neonpay = False

    def __init__(self, telegram: Simulator, account: BotAccount) -> None:
        super().__init__()
        self._telegram = telegram
        self._account = account
        self._polling: asyncio.Task[None] | None = None

    def join(self, **options: Any) -> NeonPayCore:
        return create_neonpay(self._account.token, api_url=self._telegram.base_url, **options)

    def take_turns(self) -> None:
        """What is neonpay's is handled in turn; each of the program's own updates always has a task of its own."""

    async def start(self) -> None:
        self._polling = asyncio.create_task(self.neonpay.run_polling(on_update=self._update, handle_signals=False))
        await self._telegram.until(lambda: self._telegram.polling(self._account) or None, what="the bot to poll")

    async def stop(self) -> None:
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)
            self._polling = None
        await self.neonpay.close()

    async def _update(self, update: Mapping[str, Any]) -> None:
        query, message = update.get("pre_checkout_query"), update.get("message", {})
        purchase = update.get("purchased_paid_media")
        if purchase is not None:
            self.heard.add(f"bought:{purchase['paid_media_payload']}")
            return
        if query is not None:
            self.heard.add(f"checkout:{query['invoice_payload']}")
            await self.neonpay.program.adapter.call(
                "answerPreCheckoutQuery", {"pre_checkout_query_id": query["id"], "ok": True}
            )
        elif "successful_payment" in message:
            self.heard.add(f"paid:{message['successful_payment']['invoice_payload']}")
        elif "refunded_payment" in message:
            self.heard.add(f"refunded:{message['refunded_payment']['invoice_payload']}")
        elif message:
            self.heard.add(f"text:{message.get('text')}")
            if message.get("text") == BUSY:
                await asyncio.to_thread(self.released.wait)
            elif message.get("text", "").startswith(BUY):
                await self.offers(message["from"]["id"], message["text"])
