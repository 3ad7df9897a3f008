"""A SQLite database as it was at one moment, in a copy that is read for as long as it takes.

Whoever reads the database itself holds on to that moment, and until then nothing that is written can leave its log.
"""

from __future__ import annotations

import enum
import glob
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import sqlalchemy as sa

from neonpay.backup.folder import told
from neonpay.backup.locking import held_file, remove_unless_held
from neonpay.backup.room import FOR_READING, give_room
from neonpay.core.clock import Clock, stopwatch_s
from neonpay.errors import BackupBusyError
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.faults import sqlite_faults
from neonpay.ledger.migrate import LOCK
from neonpay.ledger.sqlite_transaction import SqliteConnection, SqliteTransaction

logger = logging.getLogger("neonpay.backup")

T = TypeVar("T")

_PAGES_AT_A_TIME: Final = 256
_LOOK_S: Final = 0.5
_PATIENCE_S: Final = 600.0
_WRITTEN_ANEW: Final = sa.text(
    "SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
    " WHERE nspname = current_schema() AND relkind = 'r' AND starts_with(relname, 'neonpay_')"
    " AND pg_relation_filenode(pg_class.oid) IS DISTINCT FROM relfilenode"
)
"""Of a table, the file that it has now, and the one that it had at the moment that is read."""
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

    In PostgreSQL it reads in one transaction, and who wants to upgrade the tables meanwhile waits: else who sells would wait
    with them for what was read, and what was not read yet might be gone from the moment that is read. A SQLite database is
    copied first, into a file beside it that is gone afterwards and, but on Windows, has no name as soon as it is read.

    Args:
        rest: called after some pages.

    Raises:
        LedgerError: the ledger could not be read.
        BackupError: the copy could not be made, for want of room for example.
        BackupBusyError: the tables are being upgraded, and have been for ten minutes.
    """
    give_up_s = stopwatch_s() + _PATIENCE_S
    with ExitStack() as copies:

        def begin(transaction: Transaction) -> T | _Copied | _Upgrading:
            connection = transaction.connection
            if connection.dialect.name != "sqlite":
                if not keeps_upgrades_off(transaction):
                    return _Upgrading.UNDER_WAY
                give_room(connection, FOR_READING)
                return unit(Source(transaction, clock.now_us()))
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection), "the driver of SQLite"
            return copies.enter_context(_copied(raw, clock, rest))

        while isinstance(begun := ledger.read_sync(begin), _Upgrading):
            if stopwatch_s() > give_up_s:
                msg = "the tables of the ledger are being upgraded; make the backup when that is done: neonpay backup create"
                raise BackupBusyError(msg)
            logger.info("somebody upgrades the tables of the ledger; the backup waits for that")
            time.sleep(_LOOK_S)
        if not isinstance(begun, _Copied):
            return begun
        with sqlite_faults(), _read(begun.path, clock) as transaction:
            return unit(Source(transaction, begun.at_us, begun.file))


def keeps_upgrades_off(transaction: Transaction) -> bool:
    """Whether the tables in PostgreSQL stay as they are until the transaction ends, and are those of the moment that it reads.

    Nobody is kept from writing into them. When it says no, another transaction may be told otherwise.
    """
    connection = transaction.connection
    is_held = connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock_shared(LOCK))).scalar_one()
    # The moment may be one before the lock was free: a table that was written anew since is empty in it.
    return bool(is_held) and not connection.execute(_WRITTEN_ANEW).scalar_one()


class _Upgrading(enum.Enum):
    UNDER_WAY = enum.auto()


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
    with closing(
        sqlite3.connect(uri, uri=True, isolation_level=None, factory=SqliteConnection, check_same_thread=False)
    ) as raw:
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
