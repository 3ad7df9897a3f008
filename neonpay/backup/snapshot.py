"""A SQLite database as it was at one moment, in a copy that is read for as long as it takes.

Whoever reads the database itself holds on to that moment, and until then nothing that is written can leave its log.
"""

from __future__ import annotations

import glob
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import sqlalchemy as sa

from neonpay.backup.folder import told
from neonpay.backup.locking import held_file, remove_unless_held
from neonpay.core.clock import Clock
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.faults import sqlite_fault
from neonpay.ledger.sqlite_transaction import SqliteConnection, SqliteTransaction

T = TypeVar("T")

_PAGES_AT_A_TIME: Final = 256
_FORMAT: Final = 18
"""Where a file of SQLite says by which kind of log it is written and read: two bytes."""
_BY_JOURNAL: Final = b"\1\1"


@dataclass(frozen=True, slots=True)
class Source:
    """A ledger as it was at one moment.

    Attributes:
        file: of a SQLite database: the copy, which is whole by itself.
    """

    transaction: Transaction
    at_us: int
    file: BinaryIO | None = None


def at_one_moment(ledger: Ledger, unit: Callable[[Source], T], *, clock: Clock, rest: Callable[[], None]) -> T:
    """What a unit of work returned that reads all of a ledger as it was at one moment.

    In PostgreSQL it reads in one transaction. A SQLite database is copied first, into a file beside it that is gone afterwards
    and, but on Windows, has no name as soon as it is read.

    Args:
        rest: called after some pages.

    Raises:
        LedgerError: the ledger could not be read.
        BackupError: the copy could not be made, for want of room for example.
    """
    with ExitStack() as copies:

        def begin(transaction: Transaction) -> T | _Copied:
            connection = transaction.connection
            if connection.dialect.name != "sqlite":
                return unit(Source(transaction, clock.now_us()))
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection), "the driver of SQLite"
            return copies.enter_context(_copied(raw, clock, rest))

        begun = ledger.read_sync(begin)
        if not isinstance(begun, _Copied):
            return begun
        try:
            with _read(begun.path, clock) as transaction:
                return unit(Source(transaction, begun.at_us, begun.file))
        except sqlite3.Error as exc:
            raise sqlite_fault(exc) from exc
        except sa.exc.DBAPIError as exc:
            if isinstance(exc.orig, sqlite3.Error):
                raise sqlite_fault(exc.orig) from exc
            raise


@dataclass(frozen=True, slots=True)
class _Copied:
    path: Path
    at_us: int
    file: BinaryIO


@contextmanager
def _copied(source: sqlite3.Connection, clock: Clock, rest: Callable[[], None]) -> Iterator[_Copied]:
    """A copy of what a connection reads in its transaction, which is gone when the block is done."""
    source.execute("SELECT 1 FROM sqlite_master").fetchone()  # from here on it sees one moment
    at_us = clock.now_us()
    place = Path(source.execute("PRAGMA database_list").fetchone()[2])
    for left in place.parent.glob(f"{glob.escape(place.name)}.copy-*"):
        remove_unless_held(left)  # of one that was killed
    cannot = f"a copy to read cannot be made beside {place}"
    with told(cannot):
        file, path = held_file(place.parent, f"{place.name}.copy-")
    # Open until the end: the last to close a large file removes it, which takes a while, and sqlite3 would keep all threads
    # waiting for that.
    with open(file, "r+b") as held:
        try:
            with told(cannot):
                _copy(source, path, file, rest)
                held.seek(_FORMAT)
                held.write(_BY_JOURNAL)
                held.flush()
            yield _Copied(path, at_us, held)
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)
    with suppress(OSError):
        path.unlink(missing_ok=True)


@contextmanager
def _read(path: Path, clock: Clock) -> Iterator[Transaction]:
    # Nobody else writes to it, so that nothing of it is locked and no log is beside it.
    uri = f"{path.absolute().as_uri()}?immutable=1"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, factory=SqliteConnection)) as raw:
        raw.execute("PRAGMA query_only=ON")
        raw.create_function("neonpay_now_us", 0, clock.now_us)
        raw.execute("BEGIN")
        raw.execute("SELECT 1 FROM sqlite_master").fetchone()
        with suppress(OSError):  # Windows removes no file that is open
            path.unlink()
        try:
            yield SqliteTransaction(raw)
        finally:
            raw.execute("ROLLBACK")


def _copy(source: sqlite3.Connection, path: Path, file: int, rest: Callable[[], None]) -> None:
    is_there = not hasattr(os, "posix_fallocate")

    def progress(_: int, remaining: int, total: int) -> None:
        nonlocal is_there
        if not is_there and remaining:
            # Blocks that a file has already are written when the system likes: whoever sells, and has the system write what
            # belongs to a payment, would wait for new ones as well.
            os.posix_fallocate(file, 0, total * page_bytes)
            is_there = True
        rest()

    page_bytes = int(source.execute("PRAGMA page_size").fetchone()[0])
    with closing(sqlite3.connect(path, isolation_level=None)) as target:
        target.execute("PRAGMA journal_mode=OFF")
        target.execute("PRAGMA synchronous=OFF")
        source.backup(target, pages=_PAGES_AT_A_TIME, progress=progress)
