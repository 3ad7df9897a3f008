"""The suites ship with the package; pytest explains a failed assert only in files that it was told of."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    "neonpay.testing._ledger_life", "neonpay.testing._ledger_sharing", "neonpay.testing._ledger_units"
)
