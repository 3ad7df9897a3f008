"""Opening and closing, and what is shared by the workers of one bot."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Shop


async def test_a_cancelled_call_is_cancelled_and_not_an_error(shop: Shop, database_url: str) -> None:
    # Otherwise a library that stops by cancelling takes the error for a failed update, and goes on.
    async with shop.neonpay, asyncio.timeout(5):
        for rounds in range(1000):
            call = asyncio.ensure_future(shop.neonpay.history(1))
            for _ in range(rounds):
                await asyncio.sleep(0)
            if not call.cancel():
                break
            with pytest.raises(asyncio.CancelledError):
                await call
        assert rounds > 3
        assert await shop.neonpay.history(1) == []
