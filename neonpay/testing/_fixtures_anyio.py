"""Fixtures run by anyio's plugin, in the loop of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from neonpay.testing._fixture_bodies import open_app, open_telegram

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.simulator import Simulator


@pytest.fixture
async def _neonpay_telegram_by_anyio(
    request: pytest.FixtureRequest, anyio_backend_name: str
) -> AsyncIterator[Simulator]:
    if anyio_backend_name != "asyncio":
        pytest.skip(f"the simulator runs on asyncio, not on {anyio_backend_name}")
    async with open_telegram(request) as telegram:
        yield telegram


@pytest.fixture
async def _neonpay_app_by_anyio(
    telegram: Simulator, neonpay_bot: object, neonpay_database_url: str, neonpay_options: dict[str, Any]
) -> AsyncIterator[NeonPayCore]:
    async with open_app(telegram, neonpay_bot, neonpay_database_url, neonpay_options) as neonpay:
        yield neonpay
