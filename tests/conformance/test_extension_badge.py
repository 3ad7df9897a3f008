"""The extension of the guide keeps what every extension promises, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from neonpay.testing.extension_suite import ExtensionConformance, ExtensionFactory
from neonpay.testing.postgres import PostgresServer

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
    def new_database(self, postgres_server: PostgresServer, postgresql_with_tables: str) -> Iterator[Callable[[], str]]:
        made: list[str] = []

        def make() -> str:
            made.append(postgres_server.create_database(template=postgresql_with_tables))
            return made[-1]

        yield make
        for url in made:
            postgres_server.drop_database(url)
