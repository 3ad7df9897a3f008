"""Databases for tests: every test that asks for ``database_url`` runs on SQLite and on a real PostgreSQL.

The PostgreSQL server starts when the first test of a process needs it (each pytest-xdist worker has its own), or is the
one that NEONPAY_TEST_POSTGRES_URL names. A test gets an empty database of its own, dropped when it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from neonpay.testing.postgres import PostgresServer, external_postgres, throwaway_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    external = external_postgres()
    if external is not None:
        yield external
        return
    with throwaway_postgres() as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'neonpay.db'}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url
