"""The ledger in a SQLite file: one writer thread with group commit, readers of their own."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from typing import Concatenate, TypeVar

from neonpay.core.clock import Clock, stopwatch_s
from neonpay.errors import LedgerClosedError, LedgerError, LedgerTimeoutError, NoLedgerError
from neonpay.ledger import migrate, place
from neonpay.ledger.faults import forked, sqlite_fault, sqlite_faults, was_interrupted
from neonpay.ledger.fork_gate import ForkGate
from neonpay.ledger.group_commit import GroupCommit
from neonpay.ledger.same_file import SameFile
from neonpay.ledger.sqlite_transaction import Compiling, SqliteConnection, SqliteTransaction
from neonpay.ledger.unit import A, Ledger, P, T, Transaction

logger = logging.getLogger("neonpay.ledger")

_READERS = 4
_REPORTERS = 2
_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the time: less than a millisecond."""
_WAL_ATTEMPTS = 10
C = TypeVar("C", bound=sqlite3.Connection)


class SqliteLedger:
    """A ledger in one SQLite file, for one machine; several processes may share the file.

    Args:
        path: the file; it is created with mode 0600 when it is missing.
        clock: the time that ``neonpay_now_us()`` gives inside the database.
        busy_timeout_s: how long a write waits for another process before LedgerLockedError.
        as_it_is: neither make nor upgrade the file.
        memory: what the file is a part of when nothing of it is to be kept; there as long as the ledger is, and not waited for.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        busy_timeout_s: float = 10.0,
        read_only: bool = False,
        as_it_is: bool = False,
        memory: object | None = None,
    ) -> None:
        self.path = path
        self._memory = memory
        self._clock = clock
        self._busy_timeout_s = busy_timeout_s
        self._read_only = read_only
        self._as_it_is = as_it_is
        self._opening = threading.Lock()
        self._writer: GroupCommit | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._reporters: ThreadPoolExecutor | None = None
        self._reader = threading.local()
        self._reading: list[SqliteConnection] = []
        self._compiling = Compiling()
        self._closed = False
        self._gate = ForkGate()
        self._opening_door = self._gate.door()

    @property
    def apart(self) -> Ledger:
        """This ledger: its units run in threads already, and a file has one writer at a time."""
        return self

    def beside(self) -> SqliteLedger:
        """Another ledger on the same file, as it is, with threads and connections of its own; its asker closes it."""
        return SqliteLedger(self.path, clock=self._clock, busy_timeout_s=self._busy_timeout_s, as_it_is=True)

    async def open(self) -> None:
        """Create or upgrade the file and start the writer; does nothing when it is open already.

        Raises:
            LedgerError: the file cannot be used; the subclass says why, and nothing was changed.
        """
        if self._writer is None or self._closed or self._gate.is_inherited:
            await asyncio.to_thread(self.open_sync)

    def open_sync(self) -> None:
        """``open`` for a thread without an event loop."""
        if self._gate.is_inherited:
            raise forked()
        with self._opening, self._opening_door:
            if self._closed:
                raise _closed()
            if self._writer is not None:
                return
            with sqlite_faults():
                if self._as_it_is and not self.path.exists():
                    msg = f"there is no ledger at {self.path}; give the URL that the bot runs with"
                    raise NoLedgerError(msg)
                if not self._read_only:
                    place.refuse_unwritable(self.path)
                if not (self._read_only or self._as_it_is):
                    _create_private(self.path)
                with closing(self._connect(sqlite3.Connection)) as raw:
                    if self._as_it_is:
                        migrate.require_sqlite(raw)
                    else:
                        migrate.upgrade_sqlite(raw)
                connection = self._connect(SqliteConnection)
            # A command that looks at a ledger is no place to say it; the program that sells is, and `neonpay doctor`.
            if not (self._read_only or self._as_it_is) and (fault := place.passing(self.path)) is not None:
                logger.warning("%s", fault)
            if self._memory is not None:
                logger.warning(
                    "this ledger is in memory, for tests: nothing is kept, and payments of real Stars would be lost with the "
                    'process; to keep them give database_url a file: "sqlite:///shop.db"'
                )
            self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="neonpay-reader")
            self._reporters = ThreadPoolExecutor(_REPORTERS, thread_name_prefix="neonpay-reporter")
            self._same_file = SameFile(self.path)
            self._writer = GroupCommit(
                connection,
                SqliteTransaction(connection, self._compiling),
                name="neonpay-writer",
                gate=self._gate,
                check=self._same_file.check,
            )

    async def close(self) -> None:
        """Finish the units that were handed in, then close the file; later units raise LedgerClosedError."""
        await asyncio.to_thread(self.close_sync)

    def close_sync(self) -> None:
        """``close`` for a thread without an event loop."""
        if self._gate.is_inherited:
            return
        with self._opening:
            self._closed = True
            if self._writer is not None:
                self._writer.close()
            for threads in (self._readers, self._reporters):
                if threads is not None:
                    threads.shutdown(wait=True)
            for connection in self._reading:
                connection.close()
            self._reading.clear()

    async def run(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the unit returned, once its effect is on the disk."""
        writer = self._writer
        if writer is None or self._closed:
            await self.open()
            return await self.run(unit, *args, **kwargs)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        writer.submit(lambda transaction: unit(transaction, *args, **kwargs), future)
        return await future

    async def run_ahead(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``run``: a file has one writer, and all units that wait for it share its next commit."""
        return await self.run(unit, *args, **kwargs)

    def run_each(self, unit: Callable[[Transaction, Sequence[A]], Sequence[T]], item: A) -> Awaitable[T]:
        """What the unit returned for this item, once its effect is on the disk; items that wait together are one unit."""
        writer = self._writer
        if writer is None or self._closed:
            return self._open_and_run_each(unit, item)
        # The future itself and no coroutine around it: two of these wait for every payment.
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        writer.submit_each(unit, item, future)
        return future

    async def _open_and_run_each(self, unit: Callable[[Transaction, Sequence[A]], Sequence[T]], item: A) -> T:
        await self.open()
        return await self.run_each(unit, item)

    def run_sync(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``run`` for a thread without an event loop."""
        self.open_sync()
        future: Future[T] = Future()
        assert self._writer is not None
        self._writer.submit(lambda transaction: unit(transaction, *args, **kwargs), future)
        return future.result()

    async def read(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the unit returned, from one consistent state of the file; it waits for no writer."""
        await self.open()
        assert self._readers is not None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, lambda: self._read(unit, *args, **kwargs))

    def read_sync(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``read`` for a thread without an event loop."""
        self.open_sync()
        assert self._readers is not None
        return self._readers.submit(lambda: self._read(unit, *args, **kwargs)).result()

    async def report(
        self, limit_s: float, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What the unit returned, read in a thread that no hook and no poll waits for.

        Raises:
            LedgerTimeoutError: it was not done after ``limit_s`` seconds; SQLite has stopped.
        """
        await self.open()
        assert self._reporters is not None
        until_s = stopwatch_s() + limit_s

        def limited() -> T:
            if stopwatch_s() >= until_s:
                raise LedgerTimeoutError(limit_s)  # all its time has gone by while other reports ran
            connection = self._connection_here()[0]
            connection.set_progress_handler(lambda: self._closed or stopwatch_s() >= until_s, _STEPS)
            try:
                return self._read(unit, *args, **kwargs)
            except LedgerError as exc:
                if not was_interrupted(exc):
                    raise
                raise (_closed() if self._closed else LedgerTimeoutError(limit_s)) from exc
            finally:
                connection.set_progress_handler(None, _STEPS)

        return await asyncio.get_running_loop().run_in_executor(self._reporters, limited)

    def _read(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        with sqlite_faults():
            self._same_file.check()
            connection, transaction, door = self._connection_here()
            with door:
                connection.execute("BEGIN")
                try:
                    return unit(transaction, *args, **kwargs)
                except BaseException:
                    transaction.forget()
                    raise
                finally:
                    connection.execute("ROLLBACK")

    def _connection_here(self) -> tuple[SqliteConnection, SqliteTransaction, AbstractContextManager[object]]:
        """What this thread reads with; made for its first unit."""
        here: tuple[SqliteConnection, SqliteTransaction, AbstractContextManager[object]] | None
        here = getattr(self._reader, "here", None)
        if here is None:
            with sqlite_faults():
                connection = self._connect(SqliteConnection)
                connection.execute("PRAGMA query_only=ON")
            self._reading.append(connection)
            here = self._reader.here = (connection, SqliteTransaction(connection, self._compiling), self._gate.door())
        return here

    def _connect(self, factory: type[C]) -> C:
        mode = "ro" if self._read_only else "rw"
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=self._busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            factory=factory,
        )
        with ExitStack() as unless_ready:
            unless_ready.callback(connection.close)
            connection.create_function("neonpay_now_us", 0, self._clock.now_us)
            connection.execute(f"PRAGMA synchronous={'FULL' if self._memory is None else 'OFF'}")
            connection.execute("PRAGMA foreign_keys=ON")
            if not self._read_only:
                _use_wal(connection)
            unless_ready.pop_all()
        return connection

    def __repr__(self) -> str:
        return f"<SqliteLedger {'in memory' if self._memory is not None else self.path.name}>"


def _use_wal(connection: sqlite3.Connection) -> None:
    for _ in range(_WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            # Two processes that make a new file at the same time: SQLite lets one of them fail at once, whatever the
            # timeout. Beginning to write does wait for the other.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


def _create_private(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as exc:
        raise sqlite_fault(_as_sqlite(exc)) from exc


def _as_sqlite(error: OSError) -> sqlite3.Error:
    fault = sqlite3.OperationalError(error.strerror)
    fault.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
    return fault


def _closed() -> LedgerClosedError:
    return LedgerClosedError("the ledger is closed; nothing was written")
