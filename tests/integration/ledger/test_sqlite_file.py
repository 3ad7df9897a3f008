"""The SQLite file: whose it is, and how safely it is written."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from neonpay.errors import LedgerError, LedgerUnavailableError
from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.ledger.fork_gate import ForkGate
from neonpay.ledger.group_commit import GroupCommit
from neonpay.ledger.sqlite_transaction import SqliteTransaction

OpenLedger = Callable[..., Ledger]


def modes_in(folder: Path) -> dict[str, str]:
    return {found.name: oct(found.stat().st_mode & 0o777) for found in folder.iterdir()}


@pytest.fixture
def wide_open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("wide_open_umask")
async def test_only_the_owner_may_read_the_file_and_what_sqlite_keeps_beside_it(
    tmp_path: Path, opened: OpenLedger
) -> None:
    ledger = opened(f"sqlite:///{tmp_path / 'neonpay.db'}")
    await ledger.run(lambda transaction: transaction.connection.exec_driver_sql("CREATE TABLE t (x)"))
    assert modes_in(tmp_path) == dict.fromkeys(("neonpay.db", "neonpay.db-wal", "neonpay.db-shm"), "0o600")


async def test_the_mode_of_a_file_that_was_there_is_its_owners_business(tmp_path: Path, opened: OpenLedger) -> None:
    path = tmp_path / "neonpay.db"
    path.touch(mode=0o640)
    await opened(f"sqlite:///{path}").open()
    assert path.stat().st_mode & 0o777 == 0o640


async def test_a_commit_is_on_the_disk_before_it_is_told(sqlite_url: str, opened: OpenLedger) -> None:
    def pragmas(transaction: Transaction) -> tuple[object, ...]:
        ask = transaction.connection.exec_driver_sql
        return tuple(ask(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys"))

    full = 2
    assert await opened(sqlite_url).run(pragmas) == ("wal", full, 1)


async def test_ledgers_that_were_closed_do_not_gather_in_memory(sqlite_url: str) -> None:
    engines: list[weakref.ref[object]] = []
    for _ in range(6):
        ledger = open_ledger(sqlite_url)
        await ledger.run(lambda transaction: engines.append(weakref.ref(transaction.connection.engine)))
        await ledger.close()
    del ledger
    gc.collect()
    # A thread that is about to end may still have the last one in its hands.
    assert [engine() for engine in engines].count(None) >= 4


async def test_a_closed_ledger_leaves_one_file(tmp_path: Path, opened: OpenLedger) -> None:
    ledger = opened(f"sqlite:///{tmp_path / 'neonpay.db'}")
    await ledger.run(lambda transaction: transaction.connection.exec_driver_sql("CREATE TABLE t (x)"))
    await ledger.read(lambda transaction: None)
    await ledger.close()
    assert list(modes_in(tmp_path)) == ["neonpay.db"]


async def test_a_path_may_hold_any_character(tmp_path: Path, opened: OpenLedger) -> None:
    folder = tmp_path / "100% чай #1?"
    folder.mkdir()
    path = folder / "neon pay.db"
    await opened("sqlite:///" + str(path).replace("%", "%25").replace("?", "%3F").replace("#", "%23")).open()
    assert path.exists()


def test_the_writer_goes_on_after_a_fault_that_nobody_thought_of() -> None:
    class Forgetless(SqliteTransaction):
        def forget(self) -> None:
            raise RuntimeError("nobody thought of this")

    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.execute("CREATE TABLE t (x)")
    transaction = Forgetless(connection)  # type: ignore[arg-type]  # no SQLAlchemy here
    writer = GroupCommit(connection, transaction, name="writer", gate=ForkGate())
    failing: Future[object] = Future()
    working: Future[object] = Future()

    def fail(transaction: Transaction) -> None:
        connection.execute("INSERT INTO t VALUES (1)")
        raise ValueError

    writer.submit(fail, failing)
    with pytest.raises(RuntimeError, match="nobody thought of this"):
        failing.result(timeout=100)
    writer.submit(lambda _: connection.execute("SELECT count(*) FROM t").fetchone()[0], working)
    assert working.result(timeout=100) == 0
    writer.close()


async def test_a_unit_may_not_commit_by_way_of_the_driver(sqlite_url: str, opened: OpenLedger) -> None:
    def unit(transaction: Transaction) -> None:
        transaction.connection.exec_driver_sql("CREATE TABLE t (x)")
        transaction.connection.connection.commit()

    with pytest.raises(LedgerError, match="does not commit"):
        await opened(sqlite_url).run(unit)


@pytest.mark.parametrize("is_replaced", [False, True])
async def test_a_file_that_is_deleted_or_replaced_while_it_is_in_use_is_noticed(
    tmp_path: Path, opened: OpenLedger, notes: Any, is_replaced: bool, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "neonpay.db"
    ledger = opened(f"sqlite:///{path}")
    await ledger.run(notes.start)
    path.unlink()
    if is_replaced:
        path.write_bytes(b"")
    for attempt in (ledger.run(notes.write, "lost"), ledger.read(notes.names), ledger.run(notes.write, "lost, too")):
        with pytest.raises(LedgerUnavailableError, match="was deleted or replaced"):
            await attempt
    with pytest.raises(LedgerUnavailableError, match="was deleted or replaced"):
        await asyncio.to_thread(ledger.run_sync, notes.write, "lost")
    assert [record.levelname for record in caplog.records if "deleted or replaced" in record.message] == ["CRITICAL"]


async def test_nothing_is_written_into_the_log_of_a_file_that_was_restored_in_its_place(
    tmp_path: Path, opened: OpenLedger, notes: Any
) -> None:
    path, log = tmp_path / "neonpay.db", tmp_path / "neonpay.db-wal"
    ledger = opened(f"sqlite:///{path}")
    await ledger.run(notes.start)
    backup = path.read_bytes()
    path.unlink()
    path.write_bytes(backup)
    before = log.read_bytes()
    for _ in range(2):
        with pytest.raises(LedgerUnavailableError, match="was deleted or replaced"):
            await ledger.run(notes.write, "into somebody else's log")
    assert log.read_bytes() == before


async def test_a_file_that_is_deleted_in_the_middle_of_a_unit_keeps_nobody_believing_that_it_was_kept(
    tmp_path: Path, opened: OpenLedger, notes: Any
) -> None:
    path = tmp_path / "neonpay.db"
    ledger = opened(f"sqlite:///{path}")
    await ledger.run(notes.start)

    def unit(transaction: Transaction) -> None:
        notes.write(transaction, "lost")
        path.unlink()

    with pytest.raises(LedgerUnavailableError, match="was deleted or replaced"):
        await ledger.run(unit)
