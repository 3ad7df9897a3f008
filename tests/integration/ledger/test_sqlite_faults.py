"""What breaks under a SQLite file: each breakage has its own error, takes nothing away, and passes when it is mended."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from neonpay.errors import (
    LedgerCorruptError,
    LedgerFullError,
    LedgerLockedError,
    LedgerReadOnlyError,
    LedgerUnavailableError,
)
from neonpay.ledger import Ledger, Transaction

OpenLedger = Callable[..., Ledger]
BEFORE = "recorded before"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "neonpay.db"


def write(path: Path, text: str) -> None:
    path.write_text(text)


def read(path: Path) -> str:
    return path.read_text()


def names_in(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


def open_files() -> list[Path]:
    return [found.resolve() for found in Path("/proc/self/fd").iterdir()]


def damage(path: Path) -> None:
    """All pages but the first are garbage."""
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


@pytest.fixture
async def recorded(path: Path, opened: OpenLedger, notes: Any) -> Path:
    """A file with one note in it, closed."""
    ledger = opened(f"sqlite:///{path}")
    await ledger.run(notes.start)
    await ledger.close()
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program is in the middle of a write."""
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="lists the open files of a process as Linux does")
async def test_a_file_that_cannot_be_used_is_not_left_open(path: Path, opened: OpenLedger) -> None:
    write(path, "Dear diary, " * 1_000)
    with pytest.raises(LedgerCorruptError) as refused:
        await opened(f"sqlite:///{path}").open()
    assert path not in open_files(), refused.tb


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path: Path, opened: OpenLedger) -> None:
    diary = "Dear diary, " * 1_000
    write(path, diary)
    ledger = opened(f"sqlite:///{path}")
    with pytest.raises(LedgerCorruptError, match="not a SQLite database"):
        await ledger.open()
    assert read(path) == diary
    write(path, "")
    await ledger.open()


async def test_a_damaged_file_is_told_and_a_good_copy_still_has_everything(
    recorded: Path, tmp_path: Path, opened: OpenLedger, notes: Any
) -> None:
    copy = shutil.copy(recorded, tmp_path / "copy.db")
    damage(recorded)
    ledger = opened(f"sqlite:///{recorded}")
    with pytest.raises(LedgerCorruptError, match="restore a backup"):
        await ledger.read(notes.names)
    with pytest.raises(LedgerCorruptError, match="restore a backup"):
        await ledger.run(notes.write, "new")
    assert await opened(f"sqlite:///{copy}").read(notes.names) == {BEFORE}


async def test_a_file_opened_to_read_is_read_and_not_written(recorded: Path, opened: OpenLedger, notes: Any) -> None:
    ledger = opened(f"sqlite:///{recorded}?mode=ro")
    with pytest.raises(LedgerReadOnlyError):
        await ledger.run(notes.write, "new")
    assert await ledger.read(notes.names) == {BEFORE}


async def test_a_missing_file_opened_to_read_is_not_made(path: Path, opened: OpenLedger, notes: Any) -> None:
    ledger = opened(f"sqlite:///{path}?mode=ro")
    with pytest.raises(LedgerUnavailableError, match="cannot be opened"):
        await ledger.read(notes.names)
    assert names_in(path.parent) == []


async def test_a_folder_that_does_not_exist_is_told_and_may_be_made_later(
    tmp_path: Path, opened: OpenLedger, notes: Any
) -> None:
    ledger = opened(f"sqlite:///{tmp_path / 'shop' / 'neonpay.db'}")
    for attempt in (ledger.open(), ledger.run(notes.start), ledger.read(notes.names)):
        with pytest.raises(LedgerUnavailableError, match="mkdir -p"):
            await attempt
    (tmp_path / "shop").mkdir()
    await ledger.run(notes.start)
    assert await ledger.read(notes.names) == {BEFORE}


async def test_a_folder_where_the_file_should_be_is_told(tmp_path: Path, opened: OpenLedger) -> None:
    with pytest.raises(LedgerUnavailableError, match="cannot be opened"):
        await opened(f"sqlite:///{tmp_path}").open()


async def test_a_locked_file_is_told_read_all_the_same_and_written_when_it_is_free(
    recorded: Path, opened: OpenLedger, notes: Any
) -> None:
    ledger = opened(f"sqlite:///{recorded}", busy_timeout_s=0.05)
    with locked(recorded):
        with pytest.raises(LedgerLockedError, match="another process"):
            await ledger.run(notes.write, "new")
        assert await ledger.read(notes.names) == {BEFORE}
    await ledger.run(notes.write, "new")
    assert await ledger.read(notes.names) == {BEFORE, "new"}


async def test_units_that_find_the_file_locked_wait_for_it_together(
    recorded: Path, opened: OpenLedger, notes: Any
) -> None:
    ledger = opened(f"sqlite:///{recorded}", busy_timeout_s=0.5)
    await ledger.open()
    with locked(recorded):
        async with asyncio.timeout(100):  # one after another they would take half a minute
            outcomes = await asyncio.gather(
                *[ledger.run(notes.write, f"{n}") for n in range(60)], return_exceptions=True
            )
    assert {type(outcome) for outcome in outcomes} == {LedgerLockedError}
    assert await ledger.run(notes.names) == {BEFORE}


async def test_a_new_file_that_another_program_holds_is_upgraded_when_it_is_free(
    path: Path, opened: OpenLedger, notes: Any
) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode=WAL")
    ledger = opened(f"sqlite:///{path}", busy_timeout_s=0.05)
    with locked(path), pytest.raises(LedgerLockedError):
        await ledger.open()
    await ledger.run(notes.start)
    assert await ledger.read(notes.names) == {BEFORE}


async def test_a_full_file_fails_what_does_not_fit_and_keeps_all_that_was_told_as_kept(
    recorded: Path, opened: OpenLedger, notes: Any
) -> None:
    def pages(transaction: Transaction, most: int) -> None:
        transaction.connection.exec_driver_sql(f"PRAGMA max_page_count={most}")

    ledger = opened(f"sqlite:///{recorded}")
    await ledger.run(pages, 60)
    kept = await _fill(ledger, notes)
    await ledger.run(pages, 1_000_000)
    assert await ledger.read(notes.names) == {BEFORE} | kept
    await ledger.run(notes.write, "more", "x" * 20_000)
    assert await ledger.read(notes.names) == {BEFORE, "more"} | kept


async def test_a_full_disk_fails_what_does_not_fit_and_keeps_all_that_was_told_as_kept(
    small_disk: Path, opened: OpenLedger, notes: Any
) -> None:
    ledger = opened(f"sqlite:///{small_disk / 'neonpay.db'}")
    await ledger.run(notes.start)
    kept = await _fill(ledger, notes)
    assert await ledger.read(notes.names) == {BEFORE} | kept
    _mount("-o", "remount,size=16m", str(small_disk))
    await ledger.run(notes.write, "more", "x" * 20_000)
    assert await ledger.read(notes.names) == {BEFORE, "more"} | kept


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    refusal = _mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder))
    if refusal:
        pytest.skip(f"mounting a small disk needs CAP_SYS_ADMIN: {refusal}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> str:
    """Why it could not be mounted, or nothing."""
    if shutil.which("mount") is None:
        return "there is no mount command"
    done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    return done.stderr.strip() or "refused" if done.returncode else ""


async def _fill(ledger: Ledger, notes: Any) -> set[str]:
    """Names of the notes that were kept, written in batches until not one of a batch fits."""
    kept: set[str] = set()
    for batch in range(100):
        names = [f"{batch}.{n}" for n in range(8)]
        outcomes = await asyncio.gather(
            *[ledger.run(notes.write, name, "x" * 20_000) for name in names], return_exceptions=True
        )
        assert {type(outcome) for outcome in outcomes} <= {int, LedgerFullError}
        told = {name for name, outcome in zip(names, outcomes, strict=True) if outcome == 1}
        if not told:
            return kept
        kept |= told
    raise AssertionError("it never was full")
