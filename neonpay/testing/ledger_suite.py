"""What every ledger promises, as tests that a ledger's own test module inherits.

::

    from neonpay.testing.ledger_suite import LedgerConformance

    class TestMyLedger(LedgerConformance):
        @pytest.fixture
        def ledger_factory(self, tmp_path):
            return lambda clock: MyLedger(tmp_path / "ledger", clock=clock)

The factory is called several times in a test and each time gives another ledger, unopened, on the same database; the database
is empty when the test starts. The tests are coroutines: pytest-asyncio with ``asyncio_mode = "auto"`` runs them.
"""

from __future__ import annotations

__all__ = ["LedgerConformance", "LedgerFactory"]

from neonpay.testing._ledger_apart import ApartRules
from neonpay.testing._ledger_lending import LendingRules
from neonpay.testing._ledger_life import LifeRules
from neonpay.testing._ledger_rows import LedgerFactory
from neonpay.testing._ledger_sharing import SharingRules
from neonpay.testing._ledger_units import UnitRules


class LedgerConformance(UnitRules, LendingRules, SharingRules, LifeRules, ApartRules):
    """Subclass it with a fixture ``ledger_factory``: a ``Callable[[Clock], Ledger]``."""
