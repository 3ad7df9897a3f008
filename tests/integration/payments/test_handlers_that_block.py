"""A handler that blocks inside the recording transaction keeps no payment of another invoice from being recorded."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # a file of SQLite has one writer at a time
async def test_payments_that_wait_behind_a_handler_that_blocks_keep_nobody_else_waiting(
    open_shop: Callable[..., Shop],
) -> None:
    shop = open_shop()
    begun, goes_on = threading.Event(), threading.Event()

    @shop.neonpay.on_payment(name="write")
    def write(result: PaymentResult, connection: sa.Connection) -> None:
        if result.metadata.get("blocks"):
            begun.set()
            goes_on.wait(60)

    try:
        async with shop.polling(handle_as_tasks=True):
            people = [await shop.visitor(f"Buyer {number}") for number in range(10)]
            ann, bob, *crowd = people
            blocked = await shop.neonpay.create_payment_link("vip", payload={"blocks": True})
            other = await shop.neonpay.create_payment_link("vip")
            await ann.pays(blocked.link or "")
            assert await asyncio.to_thread(begun.wait, 30)
            for buyer in crowd:
                await buyer.pays(blocked.link or "")
            outcome = await bob.pays(other.link or "")
            async with asyncio.timeout(100):
                while outcome.charge_id not in {payment.charge_id for payment in await shop.neonpay.payments.list()}:
                    await between_looks()
            assert not goes_on.is_set()
            goes_on.set()
            async with asyncio.timeout(100):
                while len(await shop.neonpay.payments.list()) < len(people):
                    await between_looks()
    finally:
        goes_on.set()
