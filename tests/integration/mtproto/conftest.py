"""Bots of every MTProto library that is installed here, in a simulated Telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from neonpay.simulator import Simulator
from tests.integration.mtproto.libraries import INSTALLED, MtprotoBot, bot_of


@pytest.fixture(params=INSTALLED)
def library(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def telegram() -> AsyncIterator[Simulator]:
    async with Simulator(seed=7) as telegram:
        yield telegram


@pytest.fixture
async def make_bot(library: str, telegram: Simulator) -> AsyncIterator[Callable[..., MtprotoBot]]:
    """Makes bots that are not started and stops them in the end."""
    bots: list[MtprotoBot] = []

    def make(username: str = "shop_bot", **options: Any) -> MtprotoBot:
        bots.append(bot_of(library, telegram, telegram.bot(username), **options))
        return bots[-1]

    yield make
    for bot in bots:
        await bot.stop()


@pytest.fixture
async def bot(make_bot: Callable[..., MtprotoBot]) -> MtprotoBot:
    """A bot that runs."""
    bot = make_bot()
    await bot.start()
    return bot
