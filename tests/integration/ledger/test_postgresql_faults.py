"""What breaks around PostgreSQL: what passes by itself is tried again, the rest is told without a secret."""

from __future__ import annotations

import asyncio
import socket
import traceback
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from neonpay.core.clock import Clock, SystemClock
from neonpay.errors import LedgerError, LedgerReadOnlyError, LedgerUnavailableError
from neonpay.ledger import Ledger, Statement, Transaction
from neonpay.testing.postgres import PostgresServer

OpenLedger = Callable[..., Ledger]
SECRET = "s3cret-word"
BEFORE = "recorded before"
OWN_END = sa.select(sa.func.pg_terminate_backend(sa.func.pg_backend_pid()))
PREPARED_OWN_END = Statement(OWN_END)


class StillClock:
    def now_us(self) -> int:
        return 1_800_000_000_000_000


clocks = pytest.mark.parametrize("clock", [SystemClock(), StillClock()], ids=["system clock", "other clock"])


def changed(url: str, **parts: Any) -> str:
    return sa.make_url(url).set(**parts).render_as_string(hide_password=False)


def end_backends(server: PostgresServer, url: str) -> None:
    """All connections to the database end, as when the server restarts."""
    name = sa.literal(sa.make_url(url).database).compile(compile_kwargs={"literal_binds": True})
    server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {name}")  # noqa: S608


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_login_that_the_server_refuses_is_told_without_the_password(
    postgres_url: str, opened: OpenLedger
) -> None:
    await _is_unavailable(opened(changed(postgres_url, username="nobody_here", password=SECRET)), "refuses the login")


async def test_a_database_that_does_not_exist_is_told_and_may_be_made_later(
    postgres_url: str, postgres_server: PostgresServer, opened: OpenLedger
) -> None:
    url = changed(postgres_url, database=f"neonpay_test_{uuid.uuid4().hex}")
    ledger = opened(url)
    await _is_unavailable(ledger, "does not exist")
    postgres_server.execute(f'CREATE DATABASE "{sa.make_url(url).database}"')
    try:
        assert await ledger.run(lambda transaction: transaction.connection.scalar(sa.text("SELECT 1"))) == 1
    finally:
        await ledger.close()
        postgres_server.drop_database(url)


async def test_a_server_that_is_not_there_is_told_without_the_password(opened: OpenLedger) -> None:
    url = f"postgresql://shop:{SECRET}@127.0.0.1:{closed_port()}/shop"
    await _is_unavailable(opened(url), "cannot be reached")


@clocks
async def test_units_are_run_again_when_every_connection_was_lost_while_idle(
    postgres_url: str, postgres_server: PostgresServer, opened: OpenLedger, notes: Any, clock: Clock
) -> None:
    def connections(transaction: Transaction) -> int | None:
        count: int | None = transaction.connection.scalar(
            sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        )
        return count

    ledger = opened(postgres_url, clock=clock)
    await ledger.run(notes.start)
    await asyncio.gather(*[ledger.run(notes.names) for _ in range(40)])
    assert await ledger.run(connections) == 8
    end_backends(postgres_server, postgres_url)
    assert await asyncio.gather(*[ledger.run(notes.write, f"{n}") for n in range(20)]) == [1] * 20
    assert await ledger.read(notes.names) == {BEFORE, *[f"{n}" for n in range(20)]}


@clocks
@pytest.mark.parametrize("by", ["sqlalchemy", "prepared statement"])
async def test_a_unit_is_run_again_when_its_connection_is_lost_in_the_middle(
    postgres_url: str, opened: OpenLedger, notes: Any, clock: Clock, by: str
) -> None:
    runs = 0

    def unit(transaction: Transaction) -> int:
        nonlocal runs
        runs += 1
        written = notes.write(transaction, "new")
        if runs == 1:
            if by == "sqlalchemy":
                transaction.connection.execute(OWN_END)
            else:
                transaction.rows(PREPARED_OWN_END)
        return int(written)

    ledger = opened(postgres_url, clock=clock)
    await ledger.run(notes.start)
    assert await ledger.run(unit) == 1
    assert runs == 2
    assert await ledger.read(notes.names) == {BEFORE, "new"}


async def test_a_unit_that_loses_its_connection_every_time_is_given_up(
    postgres_url: str, opened: OpenLedger, notes: Any
) -> None:
    def unit(transaction: Transaction) -> None:
        notes.write(transaction, "new")
        transaction.rows(PREPARED_OWN_END)

    ledger = opened(postgres_url)
    await ledger.run(notes.start)
    with pytest.raises(LedgerUnavailableError):
        await ledger.run(unit)
    assert await ledger.read(notes.names) == {BEFORE}


async def test_one_of_two_units_that_wait_for_each_other_is_run_again(
    postgres_url: str, opened: OpenLedger, notes: Any
) -> None:
    touch = Statement(sa.text("UPDATE notes SET words = words || 'x' WHERE name = :which").columns(), "which")
    has_first: set[str] = set()
    runs = 0

    def unit(transaction: Transaction, first: str, second: str) -> None:
        nonlocal runs
        runs += 1
        transaction.connection.exec_driver_sql("SET LOCAL deadlock_timeout = '10ms'")
        transaction.execute(touch, first)
        has_first.add(first)
        while len(has_first) < 2:
            transaction.connection.exec_driver_sql("SELECT 1")  # the other one goes on while the server answers
        transaction.execute(touch, second)

    def words(transaction: Transaction) -> list[str]:
        return list(transaction.connection.scalars(sa.text("SELECT words FROM notes WHERE name IN ('a', 'b')")))

    ledger = opened(postgres_url)
    await ledger.run(notes.start)
    await asyncio.gather(ledger.run(notes.write, "a"), ledger.run(notes.write, "b"))
    await asyncio.gather(ledger.run(unit, "a", "b"), ledger.run(unit, "b", "a"))
    assert runs == 3
    assert await ledger.read(words) == ["xx", "xx"]


async def test_a_server_that_only_reads_is_told(
    postgres_url: str, postgres_server: PostgresServer, opened: OpenLedger, notes: Any
) -> None:
    ledger = opened(postgres_url)
    await ledger.run(notes.start)
    await _set_read_only(postgres_server, postgres_url, "on")
    with pytest.raises(LedgerReadOnlyError, match="point database_url at the primary"):
        await ledger.run(notes.write, "new")
    assert await ledger.read(notes.names) == {BEFORE}
    await _set_read_only(postgres_server, postgres_url, "off")
    await ledger.run(notes.write, "new")
    assert await ledger.read(notes.names) == {BEFORE, "new"}


async def test_waiting_for_the_loop_that_one_blocks_is_refused(
    postgres_url: str, opened: OpenLedger, notes: Any
) -> None:
    ledger = opened(postgres_url)
    await ledger.run(notes.start)
    for wait in (ledger.open_sync, lambda: ledger.run_sync(notes.names), lambda: ledger.read_sync(notes.names)):
        with pytest.raises(LedgerError, match=r"await run\(\)"):
            wait()


async def _set_read_only(server: PostgresServer, url: str, value: str) -> None:
    server.execute(f'ALTER DATABASE "{sa.make_url(url).database}" SET default_transaction_read_only = {value}')
    end_backends(server, url)


async def _is_unavailable(ledger: Ledger, words: str) -> None:
    for attempt in (ledger.open(), ledger.run(lambda _: None), ledger.read(lambda _: None)):
        with pytest.raises(LedgerUnavailableError, match=words) as raised:
            await attempt
        assert SECRET not in "".join(traceback.format_exception(raised.value))
