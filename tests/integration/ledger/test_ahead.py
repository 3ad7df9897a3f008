"""Units that wait for no connection of the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from neonpay.ledger import Ledger, Transaction
from tests.looking import between_looks

if TYPE_CHECKING:
    from sqlalchemy import URL

OpenLedger = Callable[..., Ledger]
_KEY = 20261130
_ROLE = f"one_{_KEY}"


@pytest.fixture
async def beside(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    plain = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain)
    yield connection
    await connection.close()


def stand_still(transaction: Transaction) -> None:
    transaction.connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_KEY})")


async def stands_still(beside: asyncpg.Connection) -> None:
    while not await beside.fetchval("SELECT count(*) FROM pg_locks WHERE objid = $1 AND NOT granted", _KEY):
        await between_looks()


async def test_a_unit_goes_ahead_of_those_that_wait_for_a_connection(
    postgres_url: str, opened: OpenLedger, beside: asyncpg.Connection
) -> None:
    ledger = opened(postgres_url, pool_size=1)
    await ledger.open()
    await beside.execute("SELECT pg_advisory_lock($1)", _KEY)
    waiting = [asyncio.create_task(ledger.run(stand_still)) for _ in range(3)]
    await stands_still(beside)
    assert await ledger.run_ahead(lambda transaction: transaction.connection.exec_driver_sql("SELECT 7").scalar()) == 7
    assert not any(task.done() for task in waiting)
    await beside.execute("SELECT pg_advisory_unlock($1)", _KEY)
    await asyncio.gather(*waiting)


@pytest.fixture
async def of_a_role(postgres_url: str, beside: asyncpg.Connection) -> AsyncIterator[URL]:
    """The database, for a role whose connections can be limited."""
    await beside.execute(f"CREATE ROLE {_ROLE} LOGIN PASSWORD 'one'; GRANT ALL ON SCHEMA public TO {_ROLE}")
    yield make_url(postgres_url).set(username=_ROLE, password="one")
    await beside.execute(f"REASSIGN OWNED BY {_ROLE} TO CURRENT_USER; DROP OWNED BY {_ROLE}; DROP ROLE {_ROLE}")


async def test_where_the_server_has_no_more_connections_it_waits_for_one_of_the_others(
    of_a_role: URL, opened: OpenLedger, beside: asyncpg.Connection
) -> None:
    ledger = opened(of_a_role.render_as_string(hide_password=False), pool_size=1)
    await ledger.open()
    await beside.execute(f"ALTER ROLE {_ROLE} CONNECTION LIMIT 1; SELECT pg_advisory_lock({_KEY})")
    waiting = asyncio.create_task(ledger.run(stand_still))
    await stands_still(beside)
    ahead = asyncio.create_task(
        ledger.run_ahead(lambda transaction: transaction.connection.exec_driver_sql("SELECT 7").scalar())
    )
    await beside.execute("SELECT pg_advisory_unlock($1)", _KEY)
    await waiting
    assert await ahead == 7
    await ledger.close()
