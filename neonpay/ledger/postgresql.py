"""The ledger in PostgreSQL: any number of workers, each unit a transaction of its own on a pooled connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from typing import Concatenate, TypeVar

import sqlalchemy as sa
import stamina
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from neonpay.core.clock import Clock, SystemClock
from neonpay.errors import LedgerClosedError, LedgerError
from neonpay.ledger import migrate
from neonpay.ledger.faults import postgresql_fault, sqlstate
from neonpay.ledger.loop_thread import LoopThread
from neonpay.ledger.statement import Insert, Statement, arguments, chunks
from neonpay.ledger.unit import A, P, Row, T, Transaction

R = TypeVar("R")

_RERUN_STATES = ("40001", "40P01", "08", "57P01", "57P02", "57P03")
"""Conflicts with another transaction, and connections that were lost: the unit runs again. That is safe when the lost answer
was a commit, because units are keyed by charge id and fencing token."""
_ATTEMPTS = 6


class PostgresqlTransaction(Transaction):
    """A transaction on one pooled connection; used inside the greenlet that SQLAlchemy runs a unit in."""

    __slots__ = ("_connection", "_cursor")

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._cursor = connection.connection.cursor()

    @property
    def connection(self) -> sa.Connection:
        """The same transaction as a SQLAlchemy connection."""
        return self._connection

    def forget(self) -> None:
        """Nothing to do: every unit has a transaction object of its own."""

    def execute(self, statement: Statement, *values: object) -> int:
        """Run a prepared statement; the number of rows that it changed."""
        compiled = statement.compiled(self._connection.dialect)
        self._cursor.execute(compiled.sql, arguments(compiled, values))
        return self._cursor.rowcount

    def insert(self, insert: Insert, *rows: tuple[object, ...]) -> int:
        """Insert rows; the number of those whose key was not there yet."""
        inserted = 0
        for part in chunks(rows):
            compiled = insert.compiled(self._connection.dialect, len(part))
            self._cursor.execute(compiled.sql, arguments(compiled, tuple(chain.from_iterable(part))))
            inserted += self._cursor.rowcount
        return inserted

    def rows(self, statement: Statement, *values: object) -> list[Row]:
        """Run a prepared statement; the rows that it gives back."""
        compiled = statement.compiled(self._connection.dialect)
        self._cursor.execute(compiled.sql, arguments(compiled, values))
        return list(self._cursor.fetchall())


class PostgresqlLedger:
    """A ledger in a PostgreSQL database, shared by any number of processes.

    Args:
        url: with the asyncpg driver.
        clock: a clock other than the system's is carried into each transaction as its time; otherwise leases and due times
            go by the server's clock, which all workers share.
        pool_size: connections that the ledger keeps at most.
    """

    def __init__(self, url: sa.URL, *, clock: Clock, pool_size: int = 8) -> None:
        self.url = url
        self._clock = clock
        self._carries_time = not isinstance(clock, SystemClock)
        self._pool_size = pool_size
        self._home: asyncio.AbstractEventLoop | None = None
        self._engine: AsyncEngine | None = None
        self._thread: LoopThread | None = None
        self._opening = asyncio.Lock()
        self._running = 0
        self._idle = asyncio.Event()
        self._closed = False

    async def open(self) -> None:
        """Create or upgrade the tables; does nothing when it is open already.

        Raises:
            LedgerError: the database cannot be used; the subclass says why, and nothing was changed.
        """
        if self._closed:
            raise _closed()
        if self._home is not None and self._home is not asyncio.get_running_loop():
            return
        async with self._opening:
            if self._engine is not None:
                return
            engine = create_async_engine(self.url, pool_size=self._pool_size, max_overflow=0, pool_pre_ping=False)
            try:
                async with engine.begin() as connection:
                    await connection.run_sync(migrate.upgrade_postgresql)
            except (OSError, TimeoutError, sa.exc.SQLAlchemyError) as exc:
                await engine.dispose()
                raise postgresql_fault(exc) from exc
            except LedgerError:
                await engine.dispose()
                raise
            self._home, self._engine = asyncio.get_running_loop(), engine

    def open_sync(self) -> None:
        """``open`` for a thread without an event loop."""
        self._wait(self.open)

    async def close(self) -> None:
        """Finish the units that run, then close the connections; later units raise LedgerClosedError."""
        self._closed = True
        if self._home is not None and self._home is not asyncio.get_running_loop():
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._dispose(), self._home))
        else:
            await self._dispose()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.close)

    def close_sync(self) -> None:
        """``close`` for a thread without an event loop."""
        self._closed = True
        if self._thread is not None:
            self._thread.submit(self._dispose()).result()
            self._thread.close()
        elif self._home is not None and not self._home.is_closed():
            asyncio.run_coroutine_threadsafe(self._dispose(), self._home).result()

    async def _dispose(self) -> None:
        while self._running:
            self._idle.clear()
            await self._idle.wait()
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    async def run(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the unit returned, once its transaction is committed; it may have run more than once."""
        return await self._at_home(lambda: self._rerun(unit, *args, **kwargs))

    async def run_each(self, unit: Callable[[Transaction, Sequence[A]], Sequence[T]], item: A) -> T:
        """What the unit returned for this item; PostgreSQL commits every item on its own."""
        return (await self.run(unit, [item]))[0]

    async def read(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the unit returned; readers in PostgreSQL wait for no writer."""
        return await self._at_home(lambda: self._rerun(unit, *args, **kwargs))

    def run_sync(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``run`` for a thread without an event loop."""
        return self._wait(lambda: self._rerun(unit, *args, **kwargs))

    def read_sync(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``read`` for a thread without an event loop."""
        return self._wait(lambda: self._rerun(unit, *args, **kwargs))

    async def _at_home(self, work: Callable[[], Awaitable[R]]) -> R:
        # asyncpg belongs to the loop that opened it; a caller on another loop crosses over.
        if self._home is None or self._home is asyncio.get_running_loop():
            return await work()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(work), self._home))

    def _wait(self, work: Callable[[], Awaitable[R]]) -> R:
        if self._closed:
            raise _closed()
        if self._home is not None and self._thread is None:
            return asyncio.run_coroutine_threadsafe(_awaited(work), self._home).result()
        if self._thread is None:
            self._thread = LoopThread(name="neonpay-postgresql")
        return self._thread.submit(_awaited(work)).result()

    async def _rerun(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._engine is None:
            await self.open()
        if self._closed or self._engine is None:
            raise _closed()
        self._running += 1
        try:
            async for attempt in stamina.retry_context(
                on=_is_worth_another_run, attempts=_ATTEMPTS, timeout=None, wait_initial=0.02, wait_max=1.0
            ):
                with attempt:
                    async with self._engine.begin() as connection:
                        return await self._once(connection, unit, *args, **kwargs)
        except (OSError, TimeoutError, sa.exc.DBAPIError) as exc:
            if isinstance(exc, sa.exc.IntegrityError | sa.exc.ProgrammingError | sa.exc.DataError):
                raise
            raise postgresql_fault(exc) from exc
        except Exception as exc:
            # The adapted cursor raises the driver's errors as they are, without SQLAlchemy around them.
            if sqlstate(exc) is not None and not isinstance(exc, LedgerError):
                raise postgresql_fault(exc) from exc
            raise
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()
        raise AssertionError  # pragma: no cover  # retry_context returns or raises

    async def _once(
        self,
        connection: AsyncConnection,
        unit: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        if self._carries_time:
            await connection.exec_driver_sql(
                "SELECT set_config('neonpay.now_us', $1, true)", (str(self._clock.now_us()),)
            )
        return await connection.run_sync(lambda c: unit(PostgresqlTransaction(c), *args, **kwargs))

    def __repr__(self) -> str:
        return f"<PostgresqlLedger {self.url.database}>"


async def _awaited(work: Callable[[], Awaitable[R]]) -> R:
    return await work()


def _is_worth_another_run(error: Exception) -> bool:
    state = sqlstate(error)
    if state is not None:
        return state.startswith(_RERUN_STATES)
    if isinstance(error, sa.exc.DBAPIError):
        return error.connection_invalidated
    return isinstance(error, ConnectionError | ConnectionRefusedError)


def _closed() -> LedgerClosedError:
    return LedgerClosedError("the ledger is closed; nothing was written")
