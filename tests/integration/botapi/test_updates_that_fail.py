"""An update that cannot be taken is asked for again, or stepped over when the fault is its own; the others go on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from neonpay.errors import LedgerError, LedgerUnavailableError
from neonpay.telegram.client import BotApiClient
from neonpay.telegram.polling import Poller

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.core.jsontext import JsonValue
    from neonpay.simulator import Simulator


class Polling:
    """Polls for a bot that cannot take the updates of payments."""

    def __init__(self, telegram: Simulator, error: Exception) -> None:
        self.telegram = telegram
        self.account = telegram.bot("shop_bot")
        self.error = error
        self.words: list[str] = []

    async def take(self, update: Mapping[str, Any]) -> None:
        if "successful_payment" in update.get("message", {}):
            raise self.error
        if "pre_checkout_query" in update:
            query_id = update["pre_checkout_query"]["id"]
            await self.client.call("answerPreCheckoutQuery", {"pre_checkout_query_id": query_id, "ok": True})
        elif "text" in update.get("message", {}):
            self.words.append(update["message"]["text"])

    async def runs(self, messages: int, *, until: str, patience_s: float) -> None:
        """Poll while somebody pays and then writes so many messages."""
        async with BotApiClient(self.account.token, base_url=self.telegram.base_url) as self.client:
            poller = Poller(self.client, self.take, kinds=["message", "pre_checkout_query"], patience_s=patience_s)
            polling = asyncio.create_task(poller.run())
            buyer = self.telegram.user("Ann", stars=100)
            await buyer.says("/start", to=self.account)
            invoice: dict[str, JsonValue] = {"title": "VIP", "description": "VIP", "payload": "p", "currency": "XTR"}
            invoice["prices"] = [{"label": "VIP", "amount": 5}]
            link = await self.client.call("createInvoiceLink", invoice)
            await buyer.pays(str(link))
            for number in range(messages):
                await buyer.says(f"{number}", to=self.account)
            payment = next(u for u in self.telegram.updates(self.account) if "successful_payment" in u.payload)
            if until == "all is confirmed":
                await self.telegram.idle(self.account)
            else:
                await self.telegram.until(
                    lambda: payment.delivered_count >= 2, what="the payment to be asked for again"
                )
                assert payment.state == "pending"
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)


@pytest.mark.parametrize("error", [ValueError("poisoned"), LedgerError("PostgreSQL refused with SQLSTATE 22021")])
async def test_an_update_with_a_fault_of_its_own_is_stepped_over_and_told(
    telegram: Simulator, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    polling = Polling(telegram, error)
    await polling.runs(120, until="all is confirmed", patience_s=0)

    assert polling.words[-1] == "119"
    assert "stepped over" in caplog.text


async def test_such_an_update_is_tried_again_before_it_is_stepped_over(telegram: Simulator) -> None:
    await Polling(telegram, ValueError("poisoned")).runs(1, until="it is asked for again", patience_s=3600)


async def test_an_update_that_the_database_cannot_take_is_never_stepped_over(telegram: Simulator) -> None:
    await Polling(telegram, LedgerUnavailableError("away")).runs(1, until="it is asked for again", patience_s=0)
