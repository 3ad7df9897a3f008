"""SQLite keeps what every ledger promises."""

from __future__ import annotations

import pytest

from neonpay.ledger import open_ledger
from neonpay.testing.ledger_suite import LedgerConformance, LedgerFactory


class TestSQLite(LedgerConformance):
    @pytest.fixture
    def ledger_factory(self, sqlite_url: str) -> LedgerFactory:
        return lambda clock: open_ledger(sqlite_url, clock=clock)
