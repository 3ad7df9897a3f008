"""PostgreSQL keeps what every ledger promises."""

from __future__ import annotations

import pytest

from neonpay.ledger import open_ledger
from neonpay.testing.ledger_suite import LedgerConformance, LedgerFactory


class TestPostgreSQL(LedgerConformance):
    @pytest.fixture
    def ledger_factory(self, postgres_url: str) -> LedgerFactory:
        return lambda clock: open_ledger(postgres_url, clock=clock)
