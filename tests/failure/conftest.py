"""Starts shops that die, and looks at what they leave."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.ledger.tables import UNFINISHED, jobs, journal, payments, refunds
from neonpay.simulator import BotAccount, Buyer, Simulator

PROGRAM = Path(__file__).with_name("shop_program.py")
_LEASES_END_S = 60.0
"""Longer than a lease."""


class Nursery:
    """Forks shops out of one process that has everything imported."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    async def start(self, settings: dict[str, object]) -> int:
        """The pid of a new shop."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(settings) + "\n")
        self._process.stdin.flush()
        return await self._told("started")

    async def ended(self) -> int:
        """The wait status of the last shop, once it is gone."""
        return await self._told("ended")

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    async def _told(self, word: str) -> int:
        assert self._process.stdout is not None
        line = await asyncio.to_thread(self._process.stdout.readline)
        said, number = line.split()
        assert said == word
        return int(number)


@dataclass
class Remains:
    """What is in the ledger and in the shop's own table."""

    payments: Counter[str]
    effects: Counter[tuple[str, str]]
    stars: int
    unbalanced: list[str]
    job_states: Counter[str]
    refund_states: dict[str, str]


@dataclass
class MortalShop:
    """A shop through all its lives. What it tells buyers and what it takes from them outlives it in the simulator."""

    telegram: Simulator
    account: BotAccount
    database_url: str
    nursery: Nursery
    lives: int = 0
    pid: int | None = None
    _ledger: Ledger | None = field(default=None, repr=False)

    async def starts(self, **settings: object) -> None:
        """Begin a life in which the leases of the one before have run out."""
        self.pid = await self.nursery.start(
            {
                "token": self.account.token,
                "base_url": self.telegram.base_url,
                "database_url": self.database_url,
                "ahead_s": self.lives * _LEASES_END_S,
                **settings,
            }
        )
        self.lives += 1

    async def dies(self) -> None:
        """Wait until it has killed itself."""
        status = await self.nursery.ended()
        self.pid = None
        assert os.WIFSIGNALED(status), f"the shop ended by itself with status {status}"
        assert os.WTERMSIG(status) == signal.SIGKILL

    async def stops(self, signal_number: int = signal.SIGTERM) -> None:
        """End it, gracefully unless told otherwise."""
        if self.pid is not None:
            os.kill(self.pid, signal_number)
            self.pid = None
            await self.nursery.ended()

    async def settles(self) -> None:
        """Wait until it is done with its updates and with every job."""
        await self.telegram.idle(self.account, timeout_s=20)
        async with asyncio.timeout(20):
            while await self._read(_unfinished):
                pass

    async def remains(self) -> Remains:
        return await self._read(_remains)

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
        await self._ledger.run(_create_effects)

    async def aclose(self) -> None:
        await self.stops(signal.SIGKILL)
        if self._ledger is not None:
            await self._ledger.close()

    async def _read(self, unit: Callable[[Transaction], Any]) -> Any:
        assert self._ledger is not None
        return await self._ledger.read(unit)


def _create_effects(transaction: Transaction) -> None:
    transaction.connection.execute(sa.text("CREATE TABLE shop_effects (what TEXT, charge_id TEXT)"))


def _unfinished(transaction: Transaction) -> int:
    query = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.state.in_(UNFINISHED))
    return int(transaction.connection.execute(query).scalar_one())


def _remains(transaction: Transaction) -> Remains:
    def rows(query: sa.Executable) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in transaction.connection.execute(query).all()]

    total = sa.func.sum(journal.c.amount_stars)
    return Remains(
        payments=Counter(charge_id for (charge_id,) in rows(sa.select(payments.c.charge_id))),
        effects=Counter(rows(sa.text("SELECT what, charge_id FROM shop_effects"))),
        stars=int(rows(sa.select(total).where(journal.c.account == "stars"))[0][0] or 0),
        unbalanced=[
            entry for (entry,) in rows(sa.select(journal.c.event_id).group_by(journal.c.event_id).having(total != 0))
        ],
        job_states=Counter(state for (state,) in rows(sa.select(jobs.c.state))),
        refund_states=dict(rows(sa.select(refunds.c.charge_id, refunds.c.state))),
    )


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
