"""Fixtures run by pytest-asyncio, in the loop of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from neonpay.testing._fixture_bodies import open_app, open_telegram

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.simulator import Simulator


@pytest_asyncio.fixture
async def _neonpay_telegram_by_asyncio(request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    async with open_telegram(request) as telegram:
        yield telegram


@pytest_asyncio.fixture
async def _neonpay_app_by_asyncio(
    telegram: Simulator, neonpay_bot: object, neonpay_database_url: str, neonpay_options: dict[str, Any]
) -> AsyncIterator[NeonPayCore]:
    async with open_app(telegram, neonpay_bot, neonpay_database_url, neonpay_options) as neonpay:
        yield neonpay
