"""A backup becomes a ledger again, whole or not at all, and what was there is kept."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.backup import loading, swap_sqlite
from neonpay.backup.encryption import Secrets
from neonpay.backup.loading import Loading
from neonpay.backup.settling import FENCED
from neonpay.backup.sites import InFile
from neonpay.backup.sites_postgresql import InSteps
from neonpay.backup.tables import NEVER, SECRET
from neonpay.errors import (
    BackupKeyError,
    ConfigurationError,
    LedgerUnavailableError,
    RestoreRefusedError,
    SchemaTooNewError,
)
from neonpay.ledger import open_ledger
from neonpay.ledger.migrate import REVISIONS, standing
from neonpay.ledger.revisions import is_due
from neonpay.ledger.tables import extension_tables, keys
from neonpay.ledger.tables_backup import restores
from neonpay.payments.recording.lookup import Look, look
from tests.integration.backup.conftest import BOT, Kit, key_of, rows_in
from tests.integration.conftest import MovableClock

if TYPE_CHECKING:
    from neonpay.testing.postgres import PostgresServer


@pytest.fixture
def empty_url(database_url: str, postgres_server: PostgresServer, tmp_path: Path) -> str:
    """A database of the same engine without any table."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'restored.db'}"
    return postgres_server.create_database()


def load(kit: Kit, backup_id: str, url: str) -> None:
    """The rows alone, of which nothing is settled, so that every one can be compared."""
    opening = kit.verify(backup_id).opening
    loading = Loading(kit.folder, kit.folder.manifest(backup_id), opening, kit.note)
    if url.startswith("sqlite"):
        with swap_sqlite.new_file(Path(url.removeprefix("sqlite:///")), kit.clock, loading.content()) as transaction:
            loading.load(InFile(transaction))
    else:
        loading.load(InSteps(sa.make_url(url), kit.clock))


def test_every_row_comes_back_in_the_same_engine_and_in_the_other(
    kit: Kit, database_url: str, empty_url: str, other_url: str
) -> None:
    kit.fill(database_url, rows=40)
    kit.encrypt()
    made = kit.save(database_url)
    before = rows_in(database_url, without=(*NEVER, extension_tables.name))
    for url in (empty_url, other_url):
        load(kit, made.backup_id, url)
        assert rows_in(url, without=(*NEVER, extension_tables.name)) == before
    assert not any(rows_in(other_url)[name] for name in NEVER)


def test_what_was_there_is_kept_beside_it(kit: Kit, database_url: str) -> None:
    kit.fill(database_url)
    made = kit.save(database_url)
    restored = kit.restore(made.backup_id, database_url)
    now = rows_in(database_url)
    assert restored.kept is not None
    assert not any(now[name] for name in SECRET)
    if database_url.startswith("sqlite"):
        kept = Path(restored.kept)
        assert kept.name == f"neonpay.db.before-{made.backup_id}"
        assert len(rows_in(f"sqlite:///{kept}")["neonpay_keys"]) == 3
        assert stat.S_IMODE(Path(database_url.removeprefix("sqlite:///")).stat().st_mode) == 0o600
    else:
        schema = restored.kept.removeprefix("schema ")
        kept_rows = kit.run(
            database_url,
            lambda t: t.connection.scalar(sa.text(f"SELECT count(*) FROM {schema}.neonpay_keys")),  # noqa: S608
        )
        assert kept_rows == 3
    again = kit.restore(made.backup_id, database_url)
    assert again.kept not in {None, restored.kept}


def test_a_link_to_the_file_stays_one_and_the_file_is_replaced(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    real, link = tmp_path / "volume" / "neonpay.db", tmp_path / "link.db"
    link.symlink_to(real)
    kit.fill(f"sqlite:///{real}")
    made = kit.save(f"sqlite:///{link}")
    kit.sell(f"sqlite:///{link}")
    restored = kit.restore(made.backup_id, f"sqlite:///{link}")
    assert link.is_symlink()
    assert len(rows_in(f"sqlite:///{real}")["neonpay_payments"]) == 3
    assert restored.kept is not None
    assert Path(restored.kept).parent == real.parent
    assert len(rows_in(f"sqlite:///{restored.kept}")["neonpay_payments"]) == 4


def test_it_is_proved_that_the_books_are_the_same(kit: Kit, sqlite_url: str, tmp_path: Path) -> None:
    kit.fill(sqlite_url)
    made = kit.save(sqlite_url)
    restored = kit.restore(made.backup_id, f"sqlite:///{tmp_path / 'new.db'}")
    assert [(proof.bot_id, proof.payments) for proof in restored.proofs] == [(BOT, 3)]
    assert restored.kept is None


def test_a_shop_that_runs_is_left_alone(kit: Kit, database_url: str) -> None:
    kit.make(database_url)
    made = kit.save(database_url)
    running = open_ledger(database_url)
    running.open_sync()
    try:
        with pytest.raises(RestoreRefusedError, match=f"then run: neonpay backup restore {made.backup_id}"):
            kit.restore(made.backup_id, database_url)
        running.read_sync(lambda _: None)
    finally:
        running.close_sync()
    kit.restore(made.backup_id, database_url)


def test_another_bots_ledger_is_replaced_only_when_forced(kit: Kit, sqlite_url: str, tmp_path: Path) -> None:
    kit.fill(sqlite_url)
    made = kit.save(sqlite_url)
    other = f"sqlite:///{tmp_path / 'other.db'}"
    kit.make(other)
    row = {"bot_id": 5, "key_id": "k", "secret": b"s", "created_at": 1}
    kit.run(other, lambda t: t.connection.execute(sa.insert(keys), [row]).rowcount)
    with pytest.raises(RestoreRefusedError, match=r"has bot 5.*--force"):
        kit.restore(made.backup_id, other)
    assert key_of(other) == b"s"
    assert kit.restore(made.backup_id, other, force=True).kept is not None


def test_it_is_given_to_another_bot_only_when_forced(kit: Kit, database_url: str, empty_url: str) -> None:
    kit.fill(database_url)
    made = kit.save(database_url)
    with pytest.raises(RestoreRefusedError, match=rf"is of bot {BOT}.*name bot 42.*--force"):
        kit.restore(made.backup_id, empty_url, bot_id=42)
    kit.restore(made.backup_id, empty_url, bot_id=42, force=True)
    assert all(row.startswith("(42,") for row in rows_in(empty_url)["neonpay_payments"])


def test_the_wrong_key_opens_nothing(kit: Kit, sqlite_url: str, tmp_path: Path) -> None:
    kit.fill(sqlite_url)
    kit.encrypt()
    made = kit.save(sqlite_url)
    target = tmp_path / "new.db"
    kit.encrypt(2)
    for secrets in (Secrets(), kit.secrets):
        with pytest.raises(BackupKeyError):
            kit.restore(made.backup_id, f"sqlite:///{target}", secrets=secrets)
    assert not list(tmp_path.glob("new.db*"))


def test_a_clock_that_is_behind_is_told(kit: Kit, sqlite_url: str, tmp_path: Path) -> None:
    made = kit.save(sqlite_url)
    kit.clock.advance(-3600)
    with pytest.raises(RestoreRefusedError, match="set the clock"):
        kit.restore(made.backup_id, f"sqlite:///{tmp_path / 'new.db'}")


def test_a_database_that_no_engine_serves_is_refused(kit: Kit, sqlite_url: str) -> None:
    made = kit.save(sqlite_url)
    with pytest.raises(ConfigurationError):
        kit.restore(made.backup_id, "mysql://host/db")


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", ["loading", "keeping", "swapping"])
def test_one_that_is_cut_off_leaves_what_was_there(
    kit: Kit, sqlite_url: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.fill(sqlite_url)
    made = kit.save(sqlite_url)
    before = rows_in(sqlite_url)

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        if step == "loading":
            patched.setattr(loading, "bring_to_newest", die)
        else:
            patched.setattr(swap_sqlite.os, "link" if step == "keeping" else "replace", die)
        with pytest.raises(Killed):
            kit.restore(made.backup_id, sqlite_url)
    assert rows_in(sqlite_url) == before
    folder = Path(sqlite_url.removeprefix("sqlite:///")).parent
    assert not list(folder.glob("*.restoring*"))
    kit.restore(made.backup_id, sqlite_url)


def test_one_that_fails_in_postgresql_leaves_what_was_there(
    kit: Kit, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.fill(postgres_url)
    made = kit.save(postgres_url)
    before = rows_in(postgres_url)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(loading, "set_counters", die)
        with pytest.raises(Killed):
            kit.restore(made.backup_id, postgres_url)
    assert rows_in(postgres_url) == before


def test_a_file_that_is_damaged_is_replaced_and_kept(kit: Kit, sqlite_url: str) -> None:
    kit.fill(sqlite_url)
    made = kit.save(sqlite_url)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.write_bytes(b"this was a database" * 100)
    path.with_name("neonpay.db-wal").write_bytes(b"and this its log")
    restored = kit.restore(made.backup_id, sqlite_url)
    assert Path(restored.kept or "").read_bytes().startswith(b"this was a database")
    assert Path(f"{restored.kept}-wal").read_bytes() == b"and this its log"
    assert len(rows_in(sqlite_url)["neonpay_payments"]) == 3


def test_what_lay_in_the_log_is_in_the_file_that_is_kept(kit: Kit, sqlite_url: str) -> None:
    made = kit.save(sqlite_url)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    program = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute('CREATE TABLE own (n)'); c.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    assert path.with_name("neonpay.db-wal").stat().st_size
    restored = kit.restore(made.backup_id, sqlite_url)
    with closing(sqlite3.connect(restored.kept or "")) as kept:
        assert kept.execute("SELECT count(*) FROM own").fetchone() == (0,)
    assert not path.with_name("neonpay.db-wal").exists()


def test_the_moment_of_it_is_kept(kit: Kit, sqlite_url: str) -> None:
    kit.fill(sqlite_url)
    made = kit.save(sqlite_url)
    kit.clock.advance(500)
    kit.restore(made.backup_id, sqlite_url)
    found = kit.run(
        sqlite_url,
        lambda t: t.connection.execute(
            sa.select(restores.c.fence_at).where(restores.c.backup_id == made.backup_id)
        ).scalar_one(),
    )
    assert (found - made.created_at).total_seconds() == 500
    assert os.path.exists(f"{sqlite_url.removeprefix('sqlite:///')}.before-{made.backup_id}")


def test_the_fence_holds_for_a_bot_that_the_backup_does_not_have(kit: Kit, database_url: str) -> None:
    kit.make(database_url)
    made = kit.save(database_url)
    kit.clock.advance(500)
    kit.restore(made.backup_id, database_url)
    found: Look = kit.run(database_url, lambda transaction: look(transaction, BOT, ["stx1"]))
    assert found.fence_us == kit.clock.now_us()


class Ticking(MovableClock):
    """A second passes with each look at it."""

    def now_us(self) -> int:
        self.advance(1)
        return super().now_us()


def test_what_was_paid_until_the_swap_is_before_the_fence(kit: Kit, database_url: str) -> None:
    kit.fill(database_url)
    made = kit.save(database_url)
    kit.clock = Ticking()
    kit.clock.advance(500)
    kit.restore(made.backup_id, database_url)
    swapped_us = MovableClock.now_us(kit.clock)
    found: Look = kit.run(database_url, lambda transaction: look(transaction, BOT, ["stx1"]))
    assert found.fence_us == swapped_us


def test_a_release_that_knows_no_fence_does_not_start_on_it(kit: Kit, database_url: str) -> None:
    kit.make(database_url)
    made = kit.save(database_url)
    before = [revision for revision in REVISIONS if revision < FENCED]
    assert not is_due(kit.run(database_url, lambda t: standing(t.connection)), before, package="neonpay")
    kit.restore(made.backup_id, database_url)
    with pytest.raises(SchemaTooNewError):
        is_due(kit.run(database_url, lambda t: standing(t.connection)), before, package="neonpay")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_the_file_is_whose_it_was(kit: Kit, sqlite_url: str) -> None:
    made = kit.save(sqlite_url)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.chmod(0o664)
    os.chown(path, 4_321, 4_322)
    kit.restore(made.backup_id, sqlite_url)
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (4_321, 4_322, 0o660)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="nothing tells which files are open")
def test_a_bot_that_starts_while_its_file_is_replaced_does_not_sell_on_the_old_one(kit: Kit, sqlite_url: str) -> None:
    kit.fill(sqlite_url)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    new = path.with_name("new.db")
    shutil.copyfile(path, new)
    ledger = open_ledger(sqlite_url)
    try:
        with ThreadPoolExecutor(max_workers=1) as bot:
            with swap_sqlite.nobody_uses(path, "neonpay backup restore"):
                held = _opened(path)
                opening = bot.submit(ledger.open_sync)
                while _opened(path) == held and not opening.done():
                    pass
                swap_sqlite.swap(new, path, "backup")
            with pytest.raises(LedgerUnavailableError, match="replaced"):
                opening.result()
    finally:
        ledger.close_sync()


def _opened(path: Path) -> int:
    """How often this process has a file open."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found += entry.readlink() == path
    return found
