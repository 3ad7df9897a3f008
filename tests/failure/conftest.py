"""Starts shops that die, and looks at what they leave."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.simulator import BotAccount, Buyer, Simulator
from tests.failure.proving.life import Life
from tests.failure.proving.nursery import Nursery, Process
from tests.failure.proving.remains import Remains, create_effects, read_remains, unfinished
from tests.looking import between_looks

_LEASES_END_S = 100.0
"""Longer than a lease."""


@dataclass
class MortalShop:
    """A shop through all its lives. What it tells buyers and what it takes from them outlives it in the simulator."""

    telegram: Simulator
    account: BotAccount
    database_url: str
    nursery: Nursery
    lives: int = 0
    process: Process | None = None
    _ledger: Ledger | None = field(default=None, repr=False)

    async def starts(self, **settings: Any) -> None:
        """Begin a life in which the leases of the one before have run out."""
        settings = {"ahead_s": self.lives * _LEASES_END_S, **settings}
        self.process = await self.nursery.start(
            Life(
                token=self.account.token,
                base_url=self.telegram.base_url,
                database_url=self.database_url,
                **settings,
            )
        )
        self.lives += 1

    async def dies(self) -> None:
        """Wait until it has killed itself."""
        assert self.process is not None
        await self.process.dies()
        self.process = None

    async def stops(self, signal_number: int = signal.SIGTERM) -> None:
        """End it, gracefully unless told otherwise."""
        if self.process is not None:
            await self.process.stops(signal_number)
            self.process = None

    async def settles(self) -> None:
        """Wait until it is done with its updates and with every job."""
        await self.telegram.idle(self.account, timeout_s=60)
        async with asyncio.timeout(100):
            while await self.read(unfinished):
                await between_looks()

    async def remains(self) -> Remains:
        return await self.read(read_remains)

    async def visitor(self, name: str = "Ann", *, stars: int = 1000) -> Buyer:
        visitor = self.telegram.user(name, stars=stars)
        await visitor.says("/start", to=self.account)
        return visitor

    def told(self, buyer: Buyer, word: str) -> Counter[str]:
        """The charges that a buyer was told of with this word, and how often."""
        texts = [message.text or "" for message in buyer.messages(self.account)]
        return Counter(text.removeprefix(f"{word} ") for text in texts if text.startswith(f"{word} "))

    async def opens(self) -> None:
        self._ledger = open_ledger(self.database_url)
        await self._ledger.run(create_effects)

    async def aclose(self) -> None:
        await self.stops(signal.SIGKILL)
        if self._ledger is not None:
            await self._ledger.close()

    async def read(self, unit: Callable[[Transaction], Any]) -> Any:
        """What a unit finds in its ledger."""
        assert self._ledger is not None
        return await self._ledger.read(unit)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
async def shop(database_url: str, nursery: Nursery) -> AsyncIterator[MortalShop]:
    async with Simulator(seed=7) as telegram:
        shop = MortalShop(telegram, telegram.bot("shop_bot"), database_url, nursery)
        await shop.opens()
        yield shop
        await shop.aclose()
