"""The throw-away PostgreSQL that the other suites stand on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.testing.postgres import PostgresServer


async def _run(url: str, *statements: str) -> list[object]:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            for statement in statements[:-1]:
                await connection.execute(text(statement))
            return list((await connection.execute(text(statements[-1]))).scalars())
    finally:
        await engine.dispose()


@pytest.fixture
def copied_from() -> Callable[[str], None]:
    """Nothing: what a new database has in it is what is tested."""
    return lambda _engine: None


async def test_a_new_database_is_real_postgresql_and_empty(postgres_url: str) -> None:
    assert await _run(postgres_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [0]
    [version] = await _run(postgres_url, "SELECT version()")
    assert str(version).startswith("PostgreSQL ")


async def test_a_copy_of_a_database_has_its_rows(postgres_server: PostgresServer, postgres_url: str) -> None:
    await _run(postgres_url, "CREATE TABLE star (id int)", "INSERT INTO star VALUES (7) RETURNING id")
    copy = postgres_server.create_database(template=postgres_url)
    try:
        assert await _run(copy, "SELECT id FROM star") == [7]
    finally:
        postgres_server.drop_database(copy)


def test_a_database_of_somebody_else_is_not_dropped(postgres_server: PostgresServer) -> None:
    with pytest.raises(ConfigurationError, match="shop"):
        postgres_server.drop_database("postgresql+asyncpg://localhost/shop")


STARTS_A_SERVER = """
from neonpay.testing.postgres import throwaway_postgres

with throwaway_postgres() as server:
    print(server.create_database(), flush=True)
    input()
"""


def test_a_server_ends_with_its_files_when_the_process_that_started_it_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_A_SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        data = Path(str(make_url(process.stdout.readline()).query["host"]))
        server = int((data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
        os.kill(server, 0)
        process.kill()
        process.communicate()  # what ends the server holds this output until it is done
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)
    assert not data.parent.exists()


def test_every_engine_is_asked(database_url: str) -> None:
    assert database_url.partition(":")[0] in {"sqlite", "postgresql+asyncpg"}
