"""What the asynchronous fixtures do, whichever plugin runs them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from neonpay.testing._marks import telegram_options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from neonpay.app import NeonPayCore
    from neonpay.simulator import Simulator


@asynccontextmanager
async def open_telegram(request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    """A simulator that listens."""
    from neonpay.simulator import Simulator

    async with Simulator(**telegram_options(request)) as telegram:
        yield telegram


@asynccontextmanager
async def open_app(
    telegram: Simulator, bot: object, database_url: str, options: dict[str, Any]
) -> AsyncIterator[NeonPayCore]:
    """An application on a bot that runs."""
    from neonpay.adapters import detect
    from neonpay.factory import create_neonpay
    from neonpay.testing.hosting import SimulatedClock, running

    bot, dispatcher = bot if isinstance(bot, tuple) else (bot, None)
    needed: dict[str, Any] = {"database_url": database_url, "clock": SimulatedClock(telegram.clock)}
    if detect(bot).takes_token or isinstance(bot, str):
        needed["api_url"] = telegram.base_url
    if dispatcher is not None:
        needed["dispatcher"] = dispatcher
    neonpay = create_neonpay(bot, **{**needed, **options})
    async with running(bot, dispatcher=dispatcher, neonpay=neonpay, bot_token=options.get("bot_token")):
        yield neonpay
