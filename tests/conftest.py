"""Databases for tests: every test that asks for ``database_url`` runs on SQLite and on a real PostgreSQL.

The PostgreSQL server starts when the first test of a process needs it (each pytest-xdist worker has its own), or is the
one that NEONPAY_TEST_POSTGRES_URL names. A test has a database to itself, without a row in it.
"""

from __future__ import annotations

import os
import shutil
import sys
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from neonpay.ledger import open_ledger
from neonpay.testing.postgres import PostgresServer, external_postgres, throwaway_postgres
from tests.compiled_once import share_compiled_statements
from tests.lent_databases import LentDatabases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HERE = Path(__file__).parent
_LONG = (
    "integration/analytics/test_guide.py",
    "browser/*", "conformance/test_adapter_*", "conformance/test_extension_*", "e2e/*", "failure/*",
    "integration/adapters/*", "integration/app/*", "integration/backup/*", "integration/botapi/*", "integration/cli/*",
    "integration/collection/*",
    "integration/extensions/*", "integration/monitoring/*", "integration/ledger/test_upgrades_at_once.py",
    "integration/mtproto/*", "integration/notifications/*", "integration/tracking/*",
    "integration/books/*", "integration/reconcile/*", "integration/registry/*", "unit/simulator/*",
    "integration/ledger/test_black_hole.py", "integration/payments/test_limited_stock_page.py",
    "integration/payments/test_waits_end.py", "integration/payments/test_handlers_that_block.py",
    "integration/payments/test_loops.py",
    "integration/payments/test_seats_in_a_crowd.py", "integration/ptb/*", "integration/simulator/*", "integration/telebot/*",
    "integration/security/*", "integration/support/*", "integration/testing/*", "integration/web/*", "property/*",
    "unit/docs/*",
)  # fmt: skip
"""What takes long: `make check` runs it, and `make test` does not."""
_CHOICES = {"long and not build": True, "not build and not long": False}
"""Whether a choice of tests, as the Makefile writes it, is that of the long ones."""


def pytest_configure() -> None:
    # Checkouts are decided, however long the machine stands still: Telegram's ten seconds are those of its own clock.
    os.environ.setdefault("NEONPAY_CHECKOUT_BUDGET_S", "60")
    # No verdict of a property hangs on how fast this machine makes its examples.
    hypothesis.settings.register_profile(
        "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("any machine")
    share_compiled_statements()


@cache
def _takes_long(path: Path) -> bool:
    return any(fnmatch(path.relative_to(_HERE).as_posix(), pattern) for pattern in _LONG)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files of the other kind are not even read, which takes each process of a run ten seconds."""
    chosen = _CHOICES.get(config.option.markexpr)
    if chosen is None or collection_path.suffix != ".py":
        return None
    return True if _takes_long(collection_path) != chosen else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _takes_long(item.path):
            item.add_marker(pytest.mark.long)


@pytest.fixture(autouse=True)
def _aiogram_forgets() -> Iterator[None]:
    """aiogram keeps the last 128 updates that it has named, each with its bot and so with a whole shop and its Telegram.

    With hundreds of shops in memory each collection of garbage takes seconds.
    """
    yield
    # Looked up, because whoever runs no test of theirs need not wait until it is imported: the process that deals tests out.
    if "aiogram.types" in sys.modules:
        sys.modules["aiogram.types"].Update.event_type.fget.cache_clear()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    external = external_postgres()
    if external is not None:
        yield external
        return
    with throwaway_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: PostgresServer) -> LentDatabases:
    return LentDatabases(postgres_server)


@pytest.fixture
def copied_from(request: pytest.FixtureRequest) -> Callable[[str], str | None]:
    """URL of what a test's database of an engine is a copy of: the tables of a ledger, unless a folder says otherwise."""

    def of_engine(engine: str) -> str | None:
        url: str = request.getfixturevalue(f"{engine}_with_tables")
        return url

    return of_engine


@pytest.fixture(scope="session")
def sqlite_with_tables(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _with_tables(f"sqlite:///{tmp_path_factory.mktemp('tables') / 'neonpay.db'}")


@pytest.fixture(scope="session")
def postgresql_with_tables(postgres_server: PostgresServer) -> str:
    return _with_tables(postgres_server.create_database())


def _with_tables(url: str) -> str:
    ledger = open_ledger(url)
    ledger.open_sync()
    ledger.close_sync()
    return url


@pytest.fixture
def sqlite_url(tmp_path: Path, copied_from: Callable[[str], str | None]) -> str:
    path, source = tmp_path / "neonpay.db", copied_from("sqlite")
    if source is not None:
        shutil.copyfile(source.removeprefix("sqlite:///"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_databases: LentDatabases, copied_from: Callable[[str], str | None]) -> Iterator[str]:
    with postgres_databases.lent(copied_from("postgresql")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url
