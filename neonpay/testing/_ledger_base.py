"""Fixtures that the rules of the ledger suite share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from neonpay.ledger import Ledger
from neonpay.testing._ledger_rows import LedgerFactory, SetClock, create


class LedgerFixtures:
    """One ledger that is open and has the suite's table, and as many more on its database as a test asks for."""

    @pytest.fixture
    def ledger_factory(self) -> LedgerFactory:
        """Override it: what is tested."""
        msg = "a subclass of LedgerConformance needs a fixture ledger_factory; see neonpay.testing.ledger_suite"
        raise NotImplementedError(msg)

    @pytest.fixture
    def clock(self) -> SetClock:
        """The clock of every ledger in the test."""
        return SetClock(1_800_000_000_000_000)

    @pytest.fixture
    async def another(self, ledger_factory: LedgerFactory, clock: SetClock) -> AsyncIterator[Callable[[], Ledger]]:
        """Makes ledgers on the test's database, which are closed when the test ends."""
        made: list[Ledger] = []

        def make() -> Ledger:
            made.append(ledger_factory(clock))
            return made[-1]

        yield make
        for ledger in made:
            await ledger.close()

    @pytest.fixture
    async def ledger(self, another: Callable[[], Ledger]) -> Ledger:
        """An open ledger with the suite's table."""
        ledger = another()
        await ledger.open()
        await ledger.run(create)
        return ledger
