"""``neonpay.sync.close()`` ends, whatever runs on neonpay's loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from neonpay.errors import LedgerClosedError
from tests.integration.telebot.conftest import Shop

PATIENCE_S = 60


async def test_what_is_cancelled_by_close_may_still_call_telegram(new_shop: Callable[..., Shop]) -> None:
    shop = new_shop()
    neonpay = shop.opens()
    adapter: Any = neonpay.program.adapter
    begun, called = threading.Event(), threading.Event()

    async def say_goodbye() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            await adapter.call("getMe", {})
            called.set()

    await asyncio.to_thread(neonpay.sync.setup)
    adapter.run_soon(say_goodbye())
    assert await asyncio.to_thread(begun.wait, PATIENCE_S)
    closing = threading.Thread(target=neonpay.sync.close, daemon=True)
    closing.start()
    await asyncio.to_thread(closing.join, PATIENCE_S)
    assert not closing.is_alive()
    assert called.is_set()
    assert await asyncio.to_thread(neonpay.sync.payments.list) == []
    await asyncio.to_thread(neonpay.sync.close)


async def test_threads_that_call_while_it_closes_are_answered_or_told(new_shop: Callable[..., Shop]) -> None:
    shop = new_shop()
    neonpay = shop.opens()
    await asyncio.to_thread(neonpay.sync.setup)

    def call() -> None:
        for _ in range(20):
            with suppress(LedgerClosedError):
                neonpay.sync.payments.list()

    threads = [threading.Thread(target=call, daemon=True) for _ in range(4)]
    threads += [threading.Thread(target=neonpay.sync.close, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join, PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads)
    await asyncio.to_thread(neonpay.sync.close)
