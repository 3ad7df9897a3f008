"""A SQLite file takes the place of another one, which is kept: in one step that is done or not."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from neonpay.backup.folder import told
from neonpay.core.clock import Clock
from neonpay.errors import LedgerUnavailableError, RestoreRefusedError
from neonpay.ledger import Transaction
from neonpay.ledger.faults import sqlite_fault, sqlite_faults
from neonpay.ledger.sqlite_transaction import SqliteConnection, SqliteTransaction

T = TypeVar("T", bound=Transaction)

_BESIDE: Final = ("-wal", "-shm", "-journal")
_NEW_FILE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_CACHE_KIB: Final = 64 * 1024
_WAIT_S: Final = 0.2
_MAGIC: Final = b"SQLite format 3\x00"


class NewFile(SqliteTransaction):
    """A transaction on a file that nobody else knows of."""

    __slots__ = ("_path",)

    def __init__(self, raw: SqliteConnection, path: Path) -> None:
        super().__init__(raw)
        self._path = path

    @contextmanager
    def beside(self) -> Iterator[Transaction]:
        """A second one that sees the same, for another thread to read with; in the block neither of them writes.

        What was written before the block is in the file from then on, which is gone all the same when anything fails later.
        """
        self._raw.execute("COMMIT")
        self._raw.execute("BEGIN")
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        other = sqlite3.connect(uri, uri=True, isolation_level=None, factory=SqliteConnection, check_same_thread=False)
        with closing(other):
            other.execute("BEGIN")
            with _until_kept(other, SqliteTransaction(other)) as transaction:
                yield transaction


@contextmanager
def new_file(path: Path, clock: Clock, content: Iterable[bytes] = ()) -> Iterator[NewFile]:
    """A transaction on a new file, which has what was written in it, on the disk, when the block is done, and else is gone.

    Args:
        content: what is in the file to begin with.

    Raises:
        LedgerError: the file could not be written; it is gone.
    """
    if not path.parent.is_dir():
        msg = (
            f"the folder {path.parent.resolve()} of the database does not exist; run: mkdir -p {path.parent.resolve()}"
        )
        raise LedgerUnavailableError(msg)
    remove(path)
    try:
        with told(f"{path} cannot be made"), open(os.open(path, _NEW_FILE, 0o600), "wb") as file:
            file.writelines(content)
        # What it has is read in another thread, while this one looks at it.
        with (
            sqlite_faults(),
            closing(
                sqlite3.connect(path, isolation_level=None, factory=SqliteConnection, check_same_thread=False)
            ) as raw,
        ):
            # Nobody reads it before it is whole, and what is not whole is gone.
            raw.execute("PRAGMA journal_mode=MEMORY")
            raw.execute("PRAGMA synchronous=OFF")
            raw.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            raw.create_function("neonpay_now_us", 0, clock.now_us)
            raw.execute("BEGIN")
            with _until_kept(raw, NewFile(raw, path)) as transaction:
                yield transaction
            raw.execute("PRAGMA synchronous=FULL")
            raw.execute("PRAGMA journal_mode=DELETE")
        with told(f"{path} cannot be written"):
            _flush(path)
    except BaseException:
        remove(path)
        raise


@contextmanager
def once_more(path: Path, clock: Clock) -> Iterator[Transaction]:
    """A further transaction on a file that ``new_file`` has made; raises LedgerError when it could not be written."""
    with (
        sqlite_faults(),
        closing(sqlite3.connect(path, isolation_level=None, factory=SqliteConnection)) as raw,
        _transaction(raw, clock) as transaction,
    ):
        yield transaction


@contextmanager
def nobody_uses(path: Path, line: str) -> Iterator[None]:
    """Nobody has the file open inside the block, and nobody can read or write it; nothing is to be done when it is not there.

    What lay in its log is in the file. A file that is no database any more is left as it is.

    Args:
        line: what to type once nobody has.

    Raises:
        RestoreRefusedError: somebody has it open.
    """
    if not path.exists() or not _is_database(path):
        # Opened, SQLite would remove the log beside a file that is none of its own any more.
        yield
        return
    with closing(sqlite3.connect(path, isolation_level=None, timeout=_WAIT_S)) as raw:
        try:
            _begin_alone(raw, path, line)
        except sqlite3.OperationalError as exc:
            raise sqlite_fault(exc) from exc
        except sqlite3.DatabaseError:
            pass  # it is damaged, which is why somebody restores
        yield
        if raw.in_transaction:
            raw.execute("ROLLBACK")


@contextmanager
def in_place(path: Path, line: str, clock: Clock) -> Iterator[Transaction]:
    """A transaction on a file that is there and that nobody else has open; what lay in its log is in the file.

    Args:
        line: what to type once nobody has.

    Raises:
        RestoreRefusedError: somebody has it open.
        LedgerError: it could not be written; it is as it was.
    """
    with (
        sqlite_faults(),
        closing(sqlite3.connect(path, isolation_level=None, timeout=_WAIT_S, factory=SqliteConnection)) as raw,
    ):
        raw.create_function("neonpay_now_us", 0, clock.now_us)
        raw.execute("PRAGMA synchronous=FULL")
        _begin_alone(raw, path, line)
        with _until_kept(raw, SqliteTransaction(raw)) as transaction:
            yield transaction


def swap(new: Path, path: Path, backup_id: str) -> Path | None:
    """The new file is in its place, whose the old one was; and that is kept under the name that is returned, None for none."""
    kept = None
    with told(f"{path} cannot be replaced"):
        if path.exists():
            _give(new, path)
            kept = _free_name(path.with_name(f"{path.name}.before-{backup_id}"))
            _keep(path, kept)
            for end in _BESIDE:
                # There is one of a damaged file alone: what lies in it belongs to the old one.
                beside = path.with_name(path.name + end)
                if beside.exists():
                    os.replace(beside, kept.with_name(kept.name + end))
        os.replace(new, path)
        _flush(path.parent)
    return kept


def remove(path: Path) -> None:
    """A file is gone, with what lies beside it."""
    for name in (path.name, *[path.name + end for end in _BESIDE]):
        with suppress(OSError):
            path.with_name(name).unlink(missing_ok=True)


@contextmanager
def _transaction(raw: SqliteConnection, clock: Clock) -> Iterator[Transaction]:
    raw.create_function("neonpay_now_us", 0, clock.now_us)
    raw.execute("BEGIN")
    with _until_kept(raw, SqliteTransaction(raw)) as transaction:
        yield transaction


@contextmanager
def _until_kept(raw: SqliteConnection, transaction: T) -> Iterator[T]:
    """What has begun is kept at the end of the block, and undone when it raises."""
    try:
        yield transaction
        raw.execute("COMMIT")
    finally:
        if raw.in_transaction:
            raw.execute("ROLLBACK")


def _begin_alone(raw: sqlite3.Connection, path: Path, line: str) -> None:
    """Nobody else can read or write the file; raises RestoreRefusedError when somebody has it open."""
    try:
        raw.execute("PRAGMA journal_mode=DELETE")
        raw.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise
        msg = f"a program has {path} open: stop every program of the shop, then run: {line}"
        raise RestoreRefusedError(msg) from exc


def _is_database(path: Path) -> bool:
    with told(f"{path} cannot be read"), path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _keep(path: Path, kept: Path) -> None:
    try:
        os.link(path, kept)
    except OSError:  # a file system without links
        shutil.copyfile(path, kept)
        kept.chmod(0o600)
        _flush(kept)


def _give(new: Path, old: Path) -> None:
    """Whoever could open the old file can open the new one: root restores what the bot, which is not root, sells on."""
    was = old.stat()
    with suppress(PermissionError):
        if hasattr(os, "chown"):
            os.chown(new, was.st_uid, was.st_gid)
        # SQLite's readers write as well, so that a group which may only read has no program that works on the file.
        new.chmod(0o660 if was.st_mode & stat.S_IWGRP else 0o600)


def _free_name(path: Path) -> Path:
    found, number = path, 2
    while found.exists():
        found, number = path.with_name(f"{path.name}-{number}"), number + 1
    return found


def _flush(path: Path) -> None:
    if path.is_dir() and os.name != "posix":
        return
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
