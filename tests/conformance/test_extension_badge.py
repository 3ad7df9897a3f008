"""The extension of the guide keeps what every extension promises, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neonpay.testing.extension_suite import ExtensionConformance, ExtensionFactory

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "extension_badge"


class BadgeRules(ExtensionConformance):
    @pytest.fixture
    def extension_factory(self, monkeypatch: pytest.MonkeyPatch) -> ExtensionFactory:
        monkeypatch.syspath_prepend(EXAMPLE)
        from neonpay_badge.badges import Badges

        return Badges


class TestSQLite(BadgeRules):
    pass


class TestPostgreSQL(BadgeRules):
    @pytest.fixture
    def new_database(self, new_postgresql: Callable[[], str]) -> Callable[[], str]:
        return new_postgresql
