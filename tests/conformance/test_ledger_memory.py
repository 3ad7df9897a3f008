"""A ledger in memory keeps what every ledger promises, as long as its program lives."""

from __future__ import annotations

import pytest

from neonpay.ledger import open_ledger
from neonpay.ledger.memory import MEMORY_URL, Memory
from neonpay.testing.ledger_suite import LedgerConformance, LedgerFactory


class TestMemory(LedgerConformance):
    @pytest.fixture
    def ledger_factory(self) -> LedgerFactory:
        memory = Memory()
        return lambda clock: open_ledger(MEMORY_URL, clock=clock, memory=memory)
