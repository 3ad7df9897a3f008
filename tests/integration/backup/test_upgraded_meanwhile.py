"""A newer program upgrades the tables in PostgreSQL while a backup is being made."""

from __future__ import annotations

import logging
import shutil
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.backup import swap_postgresql
from neonpay.backup.snapshot import keeps_upgrades_off
from neonpay.core.clock import SystemClock
from neonpay.errors import SchemaTooNewError
from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.migrate import LOCK, REVISIONS, VERSION_TABLE, VERSIONS, standing
from neonpay.ledger.revisions import upgrade
from neonpay.ledger.table_kit import metadata
from tests.integration.backup.conftest import Kit, rows_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from neonpay.testing.postgres import PostgresServer

PATIENCE_S = 60
NEXT = f"{int(REVISIONS[-1]) + 1:04}"
SOLD_INTO = ("neonpay_payments", "neonpay_events", "neonpay_refunds")
REWRITES = "ALTER TABLE {} ADD COLUMN later DOUBLE PRECISION NOT NULL DEFAULT random()"
_WAITING = sa.text(
    "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
    " WHERE datname = current_database() AND NOT granted"
)


class Newer:
    """A program of tomorrow, with one migration more than this one."""

    def __init__(self, url: str, folder: Path, statement: str, before: Callable[[], None] = lambda: None) -> None:
        self._url = sa.make_url(url).set(drivername="postgresql+asyncpg")
        self._versions = folder / "versions"
        self._before = before
        shutil.copytree(VERSIONS, self._versions, ignore=shutil.ignore_patterns("__pycache__"))
        (self._versions / f"{NEXT}_tomorrow.py").write_text(
            f"from alembic import op\nrevision, down_revision, works_with = '{NEXT}', '{REVISIONS[-1]}', '0010'\n"
            f"def upgrade():\n    op.execute({statement!r})\n"
        )

    def start(self) -> None:
        """As ``upgrade_postgresql`` does it."""

        def unit(transaction: Transaction) -> None:
            connection = transaction.connection
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            upgrade(connection, self._versions, VERSION_TABLE, metadata)
            self._before()

        swap_postgresql.in_one_transaction(self._url, unit, SystemClock())


@pytest.mark.parametrize("is_read", [True, False], ids=["of a table that was read", "of one that was not"])
def test_a_backup_is_whole_and_who_sells_waits_for_neither(
    kit: Kit, postgres_url: str, postgres_server: PostgresServer, tmp_path: Path, *, is_read: bool
) -> None:
    kit.fill(postgres_url, rows=20)
    before = rows_in(postgres_url)
    upgrading: list[Future[None]] = []
    seen: list[str] = []
    with ThreadPoolExecutor(1) as pool:

        def note(table: str, done: int, _: int) -> None:
            seen.append(table)
            if upgrading or done or table != "neonpay_payments":
                return
            upgraded = "neonpay_events" if is_read else "neonpay_refunds"
            assert (upgraded in seen) == is_read
            upgrading.append(pool.submit(Newer(postgres_url, tmp_path, REWRITES.format(upgraded)).start))
            while not (upgrading[0].done() or waiting(kit, postgres_url)):
                pass
            kit.run(postgres_url, sells)

        kit.note = note  # type: ignore[method-assign]
        made = kit.save(postgres_url, form="postgresql")
        upgrading[0].result(PATIENCE_S)
    assert made.schema == REVISIONS[-1]
    ledger = open_ledger(postgres_url)
    found = ledger.read_sync(lambda transaction: standing(transaction.connection))
    ledger.close_sync()
    assert found is not None
    assert found.revision == NEXT
    saved = {one.name: one.rows for one in made.tables if not one.is_left_out}
    assert saved == {name: len(before[name]) for name in saved}
    empty = postgres_server.create_database()
    try:
        kit.restore(made.backup_id, empty)
        brought = rows_in(empty)
        assert brought["neonpay_payments"] == before["neonpay_payments"]
        assert len(brought["neonpay_refunds"]) == len(before["neonpay_refunds"])
    finally:
        postgres_server.drop_database(empty)


def sells(transaction: Transaction) -> None:
    """What a payment needs of the tables."""
    transaction.control("SET LOCAL lock_timeout = 1000")
    for name in SOLD_INTO:
        transaction.connection.exec_driver_sql(f"LOCK TABLE {name} IN ROW EXCLUSIVE MODE")


def waiting(kit: Kit, url: str) -> bool:
    return bool(kit.run(url, lambda transaction: transaction.connection.execute(_WAITING).scalar_one()))


def test_one_that_begins_in_the_midst_of_an_upgrade_is_of_the_tables_before_or_after_it(
    kit: Kit, postgres_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="neonpay.backup")
    kit.fill(postgres_url, rows=20)
    is_upgraded, may_commit = threading.Event(), threading.Event()

    def before() -> None:
        is_upgraded.set()
        assert may_commit.wait(PATIENCE_S)

    with ThreadPoolExecutor(2) as pool:
        upgrading = pool.submit(Newer(postgres_url, tmp_path, REWRITES.format("neonpay_payments"), before).start)
        assert is_upgraded.wait(PATIENCE_S)
        saving = pool.submit(kit.save, postgres_url, form="postgresql")
        while not (saving.done() or "upgrades" in caplog.text or waiting(kit, postgres_url)):
            pass
        may_commit.set()
        upgrading.result(PATIENCE_S)
        with pytest.raises(SchemaTooNewError, match="upgrade neonpay here"):
            saving.result(PATIENCE_S)
    assert kit.folder.ids() == []


def test_tables_that_were_rewritten_since_the_moment_that_is_read_are_not_read(kit: Kit, postgres_url: str) -> None:
    kit.make(postgres_url)
    ledger = open_ledger(postgres_url)

    def late(transaction: Transaction) -> bool:
        transaction.connection.exec_driver_sql("SELECT 1")
        kit.run(postgres_url, lambda t: t.connection.exec_driver_sql(REWRITES.format("neonpay_payments")).rowcount)
        return keeps_upgrades_off(transaction)

    assert not ledger.read_sync(late)
    assert ledger.read_sync(keeps_upgrades_off)
    ledger.close_sync()
