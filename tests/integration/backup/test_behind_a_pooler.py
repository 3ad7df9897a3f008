"""Backups of a ledger whose PostgreSQL is behind a pooler that gives every transaction another connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.backup.adopting import adopt
from neonpay.backup.config import BackupConfig
from neonpay.backup.keeping import Keeper
from neonpay.backup.runs import runs
from neonpay.errors import RestoreRefusedError
from neonpay.ledger import open_ledger
from tests.failure.pooler import pooled
from tests.integration.backup.conftest import Kit, rows_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from neonpay.backup.kinds import Form
    from neonpay.backup.restoring import Restored
    from neonpay.testing.postgres import PostgresServer

UNTOLD = ("neonpay_backup_runs",)


@pytest.fixture
async def pooled_url(postgres_url: str, tmp_path: Path) -> AsyncIterator[str]:
    async with pooled(postgres_url, tmp_path) as url:
        yield url


def drilled(kit: Kit, url: str) -> Restored:
    ledger = open_ledger(url, as_it_is=True, clock=kit.clock)
    try:
        return Keeper(ledger, BackupConfig(backup_path=kit.folder.path), kit.clock).drill(())
    finally:
        ledger.close_sync()


def scratch(kit: Kit, url: str) -> set[str]:
    query = sa.text("SELECT datname FROM pg_database WHERE datname LIKE 'neonpay\\_drill\\_%'")
    return set(kit.run(url, lambda transaction: list(transaction.connection.execute(query).scalars())))


@pytest.mark.parametrize("setting", ["", "?prepared_statements=off"])
@pytest.mark.parametrize("form", ["json", "postgresql"])
async def test_one_is_made_through_it_and_goes_into_an_empty_database_through_it(
    kit: Kit, postgres_url: str, postgres_server: PostgresServer, tmp_path: Path, form: Form, setting: str
) -> None:
    empty = postgres_server.create_database()
    try:
        async with pooled(postgres_url, tmp_path, others=True) as url:
            await asyncio.to_thread(kit.fill, postgres_url, rows=20)
            made = await asyncio.to_thread(kit.save, url + setting, form=form)
            into = sa.make_url(url).set(database=sa.make_url(empty).database).render_as_string(hide_password=False)
            await asyncio.gather(*[_looked(into) for _ in range(3)])  # whose connections the pooler keeps
            await asyncio.to_thread(kit.restore, made.backup_id, into + setting)
        without = (*UNTOLD, *[table.name for table in made.tables if table.is_left_out])
        brought = await asyncio.to_thread(rows_in, empty, without=without)
        assert {name: len(rows) for name, rows in brought.items() if name.endswith("payments")} == {
            "neonpay_payments": 20
        }
    finally:
        postgres_server.drop_database(empty)


async def _looked(url: str) -> None:
    engine = sa.ext.asyncio.create_async_engine(sa.make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        await connection.exec_driver_sql("SELECT 1")
    await engine.dispose()


async def test_a_drill_in_a_database_that_it_does_not_know_says_what_to_type(
    kit: Kit, postgres_url: str, pooled_url: str
) -> None:
    await asyncio.to_thread(kit.fill, postgres_url)
    made = await asyncio.to_thread(kit.save, pooled_url, form="postgresql")
    before = await asyncio.to_thread(scratch, kit, postgres_url)
    line = rf"neonpay backup drill {made.backup_id} --database postgresql://USER@SERVER/"
    with pytest.raises(RestoreRefusedError, match=line) as refused:
        await asyncio.to_thread(drilled, kit, pooled_url)
    assert "\n" not in str(refused.value)
    assert await asyncio.to_thread(scratch, kit, postgres_url) == before
    ledger = open_ledger(postgres_url)
    assert [run.act for run in await ledger.read(runs)] == []
    await ledger.close()
    found = await asyncio.to_thread(drilled, kit, postgres_url)
    assert found.manifest.backup_id == made.backup_id


async def test_a_drill_through_one_that_knows_every_database_leaves_none(
    kit: Kit, postgres_url: str, tmp_path: Path
) -> None:
    async with pooled(postgres_url, tmp_path, others=True) as url:
        await asyncio.to_thread(kit.fill, postgres_url)
        await asyncio.to_thread(kit.save, url, form="postgresql")
        before = await asyncio.to_thread(scratch, kit, postgres_url)
        assert [proof.payments for proof in (await asyncio.to_thread(drilled, kit, url)).proofs] == [3]
        assert await asyncio.to_thread(scratch, kit, postgres_url) == before


async def test_a_ledger_is_not_replaced_through_it_under_the_feet_of_programs_that_it_hides(
    kit: Kit, postgres_url: str, pooled_url: str
) -> None:
    await asyncio.to_thread(kit.fill, postgres_url)
    made = await asyncio.to_thread(kit.save, postgres_url)
    running = open_ledger(pooled_url)
    await running.open()
    before = await asyncio.to_thread(rows_in, postgres_url)
    for line, work in (
        (f"restore {made.backup_id}", lambda: kit.restore(made.backup_id, pooled_url)),
        ("adopt", lambda: adopt(pooled_url, clock=kit.clock)),
    ):
        with pytest.raises(RestoreRefusedError, match=f"pooler .* run: neonpay backup {line} --database postgresql://"):
            await asyncio.to_thread(work)
    with pytest.raises(RestoreRefusedError, match="stop every program"):
        await asyncio.to_thread(kit.restore, made.backup_id, postgres_url)
    assert await asyncio.to_thread(rows_in, postgres_url) == before
    await running.close()
