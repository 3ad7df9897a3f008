"""A backup has everything, shares what did not change, and lets nobody else read it."""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.backup.folder import BackupFolder
from neonpay.backup.kinds import BackupType
from neonpay.backup.tables import NEVER, SECRET
from neonpay.errors import BackupBusyError, BackupError, BackupNotFoundError
from neonpay.ledger import open_ledger
from neonpay.ledger.table_kit import metadata
from neonpay.ledger.tables import events, extension_tables, journal, stages
from tests.integration.backup.conftest import BOT, Kit

if TYPE_CHECKING:
    from pathlib import Path

    from neonpay.backup.kinds import Form
    from neonpay.ledger import Transaction

LOOKS_SECRET = ("secret", "password", "token", "hash")
SAYS_NOTHING = {("neonpay_seals", "hash"), ("neonpay_seals", "previous_hash")} | {
    (f"neonpay_{table}", "token") for table in ("jobs", "effects", "duties")
}
"""Hashes of the books, and numbers of leases."""


def test_every_table_of_the_ledger_is_in_a_backup(kit: Kit, database_url: str) -> None:
    kit.fill(database_url)
    made = kit.save(database_url)
    there = {table.name for table in metadata.sorted_tables} - NEVER - {extension_tables.name}
    assert {table.name for table in made.tables} == there
    assert {table.name for table in made.tables if not table.rows} == SECRET


def test_every_column_that_may_be_a_secret_is_in_a_table_of_secrets() -> None:
    found = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if any(word in column.name for word in LOOKS_SECRET)
    }
    assert {table for table, _ in found - SAYS_NOTHING} <= SECRET | NEVER


def test_what_is_secret_is_left_out_and_said(kit: Kit, sqlite_url: str) -> None:
    kit.fill(sqlite_url)
    made = kit.save(sqlite_url)
    assert any("sign invoices" in words for words in made.left_out)
    assert {table.name for table in made.tables if table.is_left_out} == SECRET


def test_nobody_else_may_read_what_was_written(kit: Kit, sqlite_url: str) -> None:
    kit.fill(sqlite_url)
    kit.encrypt()
    kit.save(sqlite_url)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in kit.folder.path.rglob("*") if path.is_file()}
    folders = {
        stat.S_IMODE(path.stat().st_mode) for path in (kit.folder.path, *kit.folder.path.iterdir()) if path.is_dir()
    }
    assert (modes, folders) == ({0o600}, {0o700})


def add_events(first: int, count: int) -> object:
    def unit(transaction: Transaction) -> None:
        rows = [
            {"bot_id": BOT, "event_id": f"{number:09}", "name": "sold", "at": number, "data": "x" * (number % 50)}
            for number in range(first, first + count)
        ]
        transaction.connection.execute(sa.insert(events), rows)

    return unit


@pytest.mark.parametrize("form", ["json", "postgresql"])
def test_what_did_not_change_is_shared(kit: Kit, database_url: str, form: Form) -> None:
    form = "json" if database_url.startswith("sqlite") else form
    kit.run(database_url, add_events(0, 6000))  # type: ignore[arg-type]
    first = kit.save(database_url, form=form)
    again = kit.save(database_url, form=form)
    assert (again.added, again.size) == (0, first.size)

    kit.run(database_url, add_events(6000, 10))  # type: ignore[arg-type]
    gone = sa.delete(events).where(events.c.event_id == f"{100:09}")
    kit.run(database_url, lambda transaction: transaction.connection.execute(gone).rowcount)
    changed = kit.save(database_url, form=form)
    files = {chunk.path for _, chunk in first.chunks()}
    new = [chunk for _, chunk in changed.chunks() if chunk.path not in files]
    assert len(new) <= 3 < len(list(changed.chunks()))
    assert kit.verify(changed.backup_id).rows == first.rows + 9


def test_one_that_is_encrypted_shares_with_those_of_its_own_key(kit: Kit, sqlite_url: str) -> None:
    kit.fill(sqlite_url)
    plain = kit.save(sqlite_url)
    kit.encrypt()
    first = kit.save(sqlite_url)
    again = kit.save(sqlite_url)
    full = kit.save(sqlite_url, backup_type=BackupType.FULL)
    kit.encrypt(2)
    other = kit.save(sqlite_url)
    assert 0 not in {plain.added, first.added, full.added, other.added}
    assert again.added == 0
    encrypted = [one.encryption.key for one in (first, again, full, other) if one.encryption is not None]
    assert encrypted[0] == encrypted[1]
    assert len(set(encrypted)) == 3


def test_a_differential_one_shares_with_the_last_full_one_alone(kit: Kit, sqlite_url: str) -> None:
    kit.run(sqlite_url, add_events(0, 4000))  # type: ignore[arg-type]
    full = kit.save(sqlite_url, backup_type=BackupType.FULL)
    kit.run(sqlite_url, add_events(4000, 5))  # type: ignore[arg-type]
    first = kit.save(sqlite_url, backup_type=BackupType.DIFFERENTIAL)
    again = kit.save(sqlite_url, backup_type=BackupType.DIFFERENTIAL)
    assert 0 < first.added < full.added
    assert again.size == first.size


def test_a_full_one_mends_what_is_damaged(kit: Kit, sqlite_url: str) -> None:
    kit.fill(sqlite_url)
    first = kit.save(sqlite_url)
    _, chunk = next(iter(first.chunks()))
    (kit.folder.path / chunk.path).write_bytes(b"x" * chunk.size)
    kit.save(sqlite_url, backup_type=BackupType.FULL)
    assert kit.verify(first.backup_id).is_opened


def test_two_in_one_second_have_names_of_their_own(kit: Kit, sqlite_url: str) -> None:
    first = kit.save(sqlite_url)
    kit.clock.advance(-60)
    second = kit.save(sqlite_url)
    assert (first.backup_id, second.backup_id) == ("backup_2026_09_21_141420", "backup_2026_09_21_141420_2")


def test_what_one_alone_has_goes_with_it(kit: Kit, sqlite_url: str) -> None:
    kit.run(sqlite_url, add_events(0, 300))  # type: ignore[arg-type]
    first = kit.save(sqlite_url)
    kit.run(sqlite_url, add_events(300, 5))  # type: ignore[arg-type]
    second = kit.save(sqlite_url)
    with kit.folder.alone():
        assert kit.folder.remove(first.backup_id) > 0
    assert kit.folder.ids() == [second.backup_id]
    assert kit.verify(second.backup_id).chunks == len(list(second.chunks()))
    with pytest.raises(BackupNotFoundError, match="neonpay backup list"), kit.folder.alone():
        kit.folder.remove("../../etc/passwd")


def test_files_are_flushed_several_at_a_time(kit: Kit, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other waits for the disk as often as there are files."""
    kit.fill(sqlite_url)
    together = threading.Barrier(2)
    flush, flushed = os.fsync, iter(range(1000))

    def waiting(file: int) -> None:
        if next(flushed) < 2:
            together.wait(timeout=30)  # raises when nobody else comes
        flush(file)

    monkeypatch.setattr(os, "fsync", waiting)
    made = kit.save(sqlite_url)
    assert kit.verify(made.backup_id).chunks == len(list(made.chunks()))


def test_one_at_a_time_writes_into_a_folder(kit: Kit, sqlite_url: str) -> None:
    kit.folder = BackupFolder(kit.folder.path, patience_s=0)
    with kit.folder.alone(), pytest.raises(BackupBusyError):
        kit.save(sqlite_url)


def test_a_folder_that_cannot_be_made_is_told(kit: Kit, sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kit.folder.path = tmp_path / "file" / "backups"
    with pytest.raises(BackupError, match="cannot be made"):
        kit.save(sqlite_url)


def test_how_far_it_is_is_told(kit: Kit, sqlite_url: str) -> None:
    kit.run(sqlite_url, add_events(0, 3000))  # type: ignore[arg-type]
    kit.save(sqlite_url)
    of_events = [done for table, done, total in kit.told if table == "neonpay_events" and total == 3000]
    assert of_events[0] == 0
    assert of_events[-1] == 3000
    assert of_events == sorted(of_events)


def test_stages_are_as_people_can_read_them(kit: Kit, sqlite_url: str) -> None:
    row = {"bot_id": BOT, "stage_id": "vip", "version": 1, "digest": "d", "content": "{}", "created_at": 5}
    kit.run(sqlite_url, lambda transaction: transaction.connection.execute(sa.insert(stages), [row]).rowcount)
    made = kit.save(sqlite_url, compression="none")
    (table,) = [table for table in made.tables if table.name == "neonpay_stages"]
    assert (kit.folder.path / table.chunks[0].path).read_text().splitlines() == [
        '{"table":"neonpay_stages","columns":["bot_id","stage_id","version","digest","content","created_at"]}',
        f'[{BOT},"vip",1,"d","{{}}",5]',
    ]


def test_it_is_of_one_moment_whatever_is_written_meanwhile(kit: Kit, database_url: str) -> None:
    kit.run(database_url, add_events(0, 1500))  # type: ignore[arg-type]
    selling = open_ledger(database_url)
    written = iter(range(10_000, 20_000))

    def sell() -> None:
        selling.run_sync(add_events(next(written), 1))  # type: ignore[arg-type]
        row = {"bot_id": BOT, "event_id": f"{next(written):09}", "account": "stars", "amount_stars": 5, "at": 5}
        selling.run_sync(lambda t: t.connection.execute(sa.insert(journal), [row]).rowcount)

    made = kit.save(database_url, rest=sell)
    selling.close_sync()
    saved = {table.name: table.rows for table in made.tables}
    assert next(written) > 10_002
    assert (saved["neonpay_events"], saved["neonpay_journal"]) == (1500, 0)
