"""Telegram answers one method no more: the others, checkouts and refunds go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from neonpay import PaymentStage, TelegramError, create_neonpay
from neonpay.telegram.breaker import FAILURES, OPEN_S

if TYPE_CHECKING:
    from neonpay import NeonPayCore
    from neonpay.simulator import Simulator


@asynccontextmanager
async def _polling(shop: NeonPayCore) -> AsyncIterator[None]:
    task = asyncio.create_task(shop.run_polling(handle_signals=False))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.at_us = 1_800_000_000_000_000

    def now_us(self) -> int:
        return self.at_us


async def test_a_method_without_answers_is_left_alone_and_money_is_not(
    telegram: Simulator, sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "neonpay.telegram")
    clock, account = Clock(), telegram.bot("shop_bot")
    shop = create_neonpay(
        account.token,
        api_url=telegram.base_url,
        database_url=sqlite_url,
        messages_per_s=None,
        reconcile_every_s=None,
        clock=clock,
    )
    shop.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=50))
    ann = telegram.user("Ann", stars=1000)
    await ann.says("/start", to=account)

    async def tell() -> None:
        await shop.call("sendMessage", {"chat_id": ann.id, "text": "hello"})

    telegram.faults.fail("sendMessage", error_code=502, times=FAILURES + 1)
    codes = []
    for _ in range(FAILURES + 2):
        with pytest.raises(TelegramError) as refused:
            await tell()
        codes.append(refused.value.error_code)
    assert codes == [502] * FAILURES + [503, 503]
    assert len(telegram.calls("sendMessage")) == FAILURES
    assert shop.program.open_circuits == ["sendMessage"]
    assert shop.get_stats()["open_circuits"] == 1

    telegram.faults.lose_answer("answerPreCheckoutQuery", times=1)
    await shop.send_payment(ann.id, "vip")
    async with _polling(shop):
        outcome = await ann.pays(await ann.hears(account, predicate=lambda message: message.invoice is not None))
        await telegram.idle(account)
    assert outcome.charge_id is not None
    assert str((await shop.refund(outcome.charge_id)).state) == "refunded"

    clock.at_us += int(OPEN_S * 1_000_000)
    with pytest.raises(TelegramError, match="502"):
        await tell()
    assert shop.program.open_circuits == ["sendMessage"]
    clock.at_us += int(OPEN_S * 1_000_000)
    await tell()
    assert shop.program.open_circuits == []
    await shop.close()
    told = [record.levelname for record in caplog.records if record.getMessage().startswith("sendMessage ")]
    assert told == ["WARNING", "INFO"]
