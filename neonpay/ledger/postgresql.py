"""The ledger in PostgreSQL: any number of workers, each unit a transaction of its own on a pooled connection."""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Concatenate

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.ext.asyncio import AsyncConnection

from neonpay.core.clock import Clock, SystemClock
from neonpay.core.retrying import RetryPolicy
from neonpay.errors import LedgerError, LedgerTimeoutError, LedgerUnavailableError
from neonpay.ledger import migrate
from neonpay.ledger.apart import Lanes
from neonpay.ledger.connecting import Connecting, Pool, Use, cut
from neonpay.ledger.faults import in_sqlalchemys_words, is_the_units, postgresql_fault, sqlstate
from neonpay.ledger.home import Home
from neonpay.ledger.postgresql_transaction import PostgresqlTransaction
from neonpay.ledger.together import Together
from neonpay.ledger.unit import A, Ledger, P, T, Transaction, raised_by_a_unit

logger = logging.getLogger("neonpay.ledger")

_RERUN_STATES = ("40001", "40P01", "08", "57P01", "57P02", "57P03")
"""Conflicts with another transaction, and connections that were lost: the unit runs again. That is safe when the lost answer
was a commit, because units are keyed by charge id and fencing token."""
_SOMEBODY_ELSES = ("26000", "42P05")
"""A statement that we prepared is not there, or one of its name is: a pooler gave this transaction another connection."""
_DRIVERS = (
    AsyncAdapt_asyncpg_dbapi.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_AROUND = (OSError, TimeoutError, sa.exc.DBAPIError, sa.exc.TimeoutError)
"""Errors of the network, and the driver's and the pool's as SQLAlchemy raises them."""
_CLOSE_S = 5.0
"""How long closing waits for units that run; then their connections are cut."""
_REPORTERS = 2
"""Reports that run at the same time; each has a thread and a connection."""
_PATIENT_S = 3600.0
"""What a report waits for the server, or for a connection, at most; its own limit is shorter."""
_TOOK_TOO_LONG = "57014"
_IN_UNIT = "neonpay_in_unit"
_NOT_ITS_TO_END = "a unit of work neither commits nor rolls back; return from it or raise, and the ledger does"


class PostgresqlLedger:
    """A ledger in a PostgreSQL database, shared by any number of processes.

    Args:
        url: with the asyncpg driver.
        clock: a clock other than the system's is carried into each transaction as its time; otherwise leases and due times
            go by the server's clock, which all workers share.
        pool_size: connections that the ledger keeps at most; what ``connecting`` says when left out.
        as_it_is: neither make nor upgrade the tables.
        in_thread: whether the event loop is one in a thread of its own, whoever uses the ledger first.
        connecting: how to connect; what the query of ``url`` says when left out.
    """

    def __init__(
        self,
        url: sa.URL,
        *,
        clock: Clock,
        pool_size: int | None = None,
        as_it_is: bool = False,
        in_thread: bool = False,
        connecting: Connecting | None = None,
    ) -> None:
        self.url, self.connecting = Connecting.of(url) if connecting is None else (url, connecting)
        self._clock = clock
        self._carries_time = not isinstance(clock, SystemClock)
        self._pool_size = pool_size
        self._as_it_is = as_it_is
        self._home = Home(
            name="neonpay-postgresql",
            in_thread=in_thread,
            moved=self._settle,
            has_connections=lambda: self._pool is not None,
        )
        self._in_thread = in_thread
        self._apart: Lanes | None = None
        self._reporters: Lanes | None = None
        self._making = threading.Lock()
        # From here on, for the home loop only.
        self._pool: Pool | None = None
        self._outdated: list[Pool] = []
        """Pools whose last units still run, or whose connections came back after they were disposed of."""
        self._settle()

    def _settle(self) -> None:
        self._opening = asyncio.Lock()
        self._together = Together(self._rerun, held=self._home.hold)

    @property
    def apart(self) -> Ledger:
        """The same database for units that may block: each runs on an event loop in a thread, and nothing else waits for it.

        It opens with its first unit and closes with this ledger.
        """
        with self._making:
            if self._apart is None:
                self._apart = Lanes(partial(self._new_lane, self.connecting))
            return self._apart

    @property
    def _reporting(self) -> Lanes:
        """The same for reports, which may wait for the server as long as each of them is allowed to."""
        with self._making:
            if self._reporters is None:
                patient = replace(self.connecting, command_timeout_s=_PATIENT_S, pool_timeout_s=_PATIENT_S)
                self._reporters = Lanes(partial(self._new_lane, patient), most=_REPORTERS)
            return self._reporters

    def beside(self) -> PostgresqlLedger:
        """Another ledger on the database as it is, for what may take long; whoever has asked for it closes it."""
        return self._new_lane(replace(self.connecting, command_timeout_s=_PATIENT_S), as_it_is=True)

    def _new_lane(self, connecting: Connecting, *, as_it_is: bool = False) -> PostgresqlLedger:
        as_it_is = as_it_is or self._as_it_is
        return PostgresqlLedger(
            self.url, clock=self._clock, pool_size=1, as_it_is=as_it_is, in_thread=True, connecting=connecting
        )

    @property
    def handed_in(self) -> int:
        """How much work was taken and is not done."""
        return self._home.handed_in

    async def open(self) -> None:
        """Create or upgrade the tables; does nothing when it is open already.

        Raises:
            LedgerError: the database cannot be used; the subclass says why, and nothing was changed.
        """
        await self._home.run(self._opened)

    def open_sync(self) -> None:
        """``open`` for a thread without an event loop."""
        self._home.wait(self._opened)

    async def _opened(self) -> Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await self._connect()
            return self._pool

    async def _connect(self) -> Pool:
        pool = self._new_pool()
        try:
            async with pool.engine.connect() as connection:
                if self._as_it_is:
                    await connection.run_sync(migrate.require_postgresql)
                is_current = self._as_it_is or await connection.run_sync(migrate.is_current_postgresql)
            if not is_current:
                await self._upgrade()
        except BaseException as exc:
            await pool.dispose()
            if self.connecting.prepares and sqlstate(exc) in _SOMEBODY_ELSES:
                self._prepare_no_more()
                return await self._connect()
            if isinstance(exc, (*_DRIVERS, *_AROUND)):
                raise postgresql_fault(exc, self.url) from exc
            raise
        return pool

    def _new_pool(self) -> Pool:
        pool = self.connecting.pool(self.url, pool_size=self._pool_size)
        for engine in (pool.engine, pool.ahead):
            sa.event.listen(engine.sync_engine, "commit", _refuse_in_unit)
            sa.event.listen(engine.sync_engine, "rollback", _refuse_in_unit)
        return pool

    async def _upgrade(self) -> None:
        engine = self.connecting.patient_engine(self.url)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(migrate.upgrade_postgresql)
        finally:
            await engine.dispose()

    def _prepare_no_more(self) -> None:
        self.connecting = replace(self.connecting, prepares=False)
        logger.warning(
            "a pooler stands before PostgreSQL that gives each transaction another connection; statements are prepared no "
            "more. Write prepared_statements=off into database_url, so that this need not be found out at every start"
        )

    async def close(self) -> None:
        """Finish the units that run, then close the connections; later units raise LedgerClosedError."""
        await self.apart.close()
        await self._reporting.close()
        await self._home.close(self._dispose)

    def close_sync(self) -> None:
        """``close`` for a thread without an event loop."""
        self.apart.close_sync()
        self._reporting.close_sync()
        self._home.close_sync(self._dispose)

    async def _dispose(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._home.idle()
        except TimeoutError:
            logger.warning("the database does not answer; what it was asked is given up")
            if self._pool is not None:
                self._pool.cut()
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.dispose()
        for outdated in self._outdated:
            outdated.cut()

    async def run(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the unit returned, once its transaction is committed; it may have run more than once."""
        return await self._home.run(lambda: self._rerun(lambda t: unit(t, *args, **kwargs)))

    async def run_ahead(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``run`` on a connection that is kept for such units; on one of the others where the server has no more of them."""
        return await self._home.run(lambda: self._ahead(lambda t: unit(t, *args, **kwargs)))

    async def _ahead(self, call: Callable[[Transaction], T]) -> T:
        try:
            return await self._rerun(call, use=lambda pool: pool.ahead)
        except LedgerUnavailableError:
            return await self._rerun(call)

    async def run_each(self, unit: Callable[[Transaction, Sequence[A]], Sequence[T]], item: A) -> T:
        """What the unit returned for this item; items that wait together share a transaction."""
        return await self._home.run(lambda: self._together.run(unit, item))

    async def read(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the unit returned, from one consistent state of the database; readers in PostgreSQL wait for no writer."""
        return await self._home.run(
            lambda: self._rerun(lambda t: unit(t, *args, **kwargs), use=lambda pool: pool.reading)
        )

    async def report(
        self, limit_s: float, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What the unit returned, read on an event loop and a connection that nobody who sells waits for.

        Raises:
            LedgerTimeoutError: it was not done after ``limit_s`` seconds; the server has stopped.
        """
        if not self._in_thread:
            return await self._reporting.report(limit_s, unit, *args, **kwargs)

        def limited(transaction: Transaction) -> T:
            transaction.control(f"SET LOCAL statement_timeout = {max(1, int(limit_s * 1000))}")
            return unit(transaction, *args, **kwargs)

        return await self._home.run(lambda: self._report(limited, limit_s))

    async def _report(self, call: Callable[[Transaction], T], limit_s: float) -> T:
        limit = asyncio.timeout(limit_s)
        try:
            async with limit:
                return await self._rerun(call, use=lambda pool: pool.reading)
        except TimeoutError as exc:
            if limit.expired() or sqlstate(exc) == _TOOK_TOO_LONG:
                raise LedgerTimeoutError(limit_s) from exc
            raise

    def run_sync(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``run`` for a thread without an event loop."""
        return self._home.wait(lambda: self._rerun(lambda t: unit(t, *args, **kwargs)))

    def read_sync(self, unit: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``read`` for a thread without an event loop."""
        return self._home.wait(lambda: self._rerun(lambda t: unit(t, *args, **kwargs), use=lambda pool: pool.reading))

    async def _rerun(self, call: Callable[[Transaction], T], *, use: Use = lambda pool: pool.engine) -> T:
        try:
            async for attempt in _RERUN:
                with attempt:
                    return await self._attempt(self._pool or await self._opened(), call, use)
        except _Own as own:
            raise own.error from own.error.__cause__
        except Exception as exc:
            if _is_the_databases(exc):
                raise postgresql_fault(exc, self.url) from exc
            if isinstance(exc, AsyncAdapt_asyncpg_dbapi.Error):
                raise in_sqlalchemys_words(exc, AsyncAdapt_asyncpg_dbapi.Error) from exc
            raise
        raise AssertionError  # pragma: no cover  # the last attempt returns or raises

    async def _attempt(self, pool: Pool, call: Callable[[Transaction], T], use: Use) -> T:
        try:
            async with use(pool).connect() as connection:
                try:
                    transaction = await connection.begin()
                    result = await self._once(connection, call)
                    await transaction.commit()
                except (TimeoutError, asyncio.CancelledError):
                    # The answer may still come, and would be taken for that to the next command.
                    await cut(connection)
                    raise
                return result
        except Exception as exc:
            if sqlstate(exc) in _SOMEBODY_ELSES and self.connecting.prepares:
                self._prepare_no_more()
                self._pool = self._new_pool()
                self._outdated.append(pool)
                await pool.dispose()
            raise

    async def _once(self, connection: AsyncConnection, call: Callable[[Transaction], T]) -> T:
        if self._carries_time:
            await connection.exec_driver_sql(
                "SELECT set_config('neonpay.now_us', $1, true)", (str(self._clock.now_us()),)
            )
        return await connection.run_sync(_within, call)

    def __repr__(self) -> str:
        return f"<PostgresqlLedger {self.url.database}>"


def _within(connection: sa.Connection, call: Callable[[Transaction], T]) -> T:
    transaction = connection.get_transaction() or connection.begin()
    # Held, because a cancelled unit has no connection any more to ask for it.
    info = connection.info
    info[_IN_UNIT] = True
    try:
        result = call(PostgresqlTransaction(connection))
    except connection.dialect.loaded_dbapi.Error as exc:
        # A prepared statement goes past SQLAlchemy, which has to learn that the connection is lost, and all others with it.
        if connection.dialect.is_disconnect(exc, connection.connection.dbapi_connection, None):
            connection.exec_driver_sql("SELECT 1")
        raise
    except (OSError, TimeoutError) as exc:
        if _is_of_the_driver(exc):
            raise
        raise _Own(exc) from exc
    except (StopIteration, SystemExit, asyncio.CancelledError) as exc:
        task = asyncio.current_task()
        if isinstance(exc, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        raise _Own(raised_by_a_unit(exc)) from exc
    finally:
        info.pop(_IN_UNIT, None)
        if not transaction.is_active:
            # The unit tried to end the transaction. SQLAlchemy takes it for ended; the server must not.
            connection.invalidate()
    if not transaction.is_active:
        raise LedgerError(_NOT_ITS_TO_END)
    return result


def _refuse_in_unit(connection: sa.Connection) -> None:
    if not connection.invalidated and _IN_UNIT in connection.info:
        raise LedgerError(_NOT_ITS_TO_END)


class _Own(Exception):  # noqa: N818  # it carries an error
    """A unit raised what is neither the database's nor the driver's: it is handed on as it is."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _is_of_the_driver(error: BaseException) -> bool:
    """Whether an error without a type of its own comes from the connection: a unit may open files and wait for others, too."""
    frames = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    return any(str(name).startswith("asyncpg.") for name in frames)


def _is_the_databases(error: Exception) -> bool:
    """Whether an error is the server's, the driver's, the pool's or the network's, and not about what a unit asked for."""
    return not isinstance(error, LedgerError) and isinstance(error, (*_DRIVERS, *_AROUND)) and not is_the_units(error)


def _is_worth_another_run(error: Exception) -> bool:
    if isinstance(error, LedgerError):
        return False  # the unit's own verdict, whatever made it say so
    state = sqlstate(error)
    if state is not None:
        return state.startswith((*_RERUN_STATES, *_SOMEBODY_ELSES))
    if isinstance(error, sa.exc.DBAPIError):
        return error.connection_invalidated
    return isinstance(error, ConnectionError)


_RERUN = RetryPolicy(
    on=_is_worth_another_run, attempts=7, first_pause_s=0.05, factor=3.0, most_pause_s=1.0, jitter=0.5, total_s=None
)
"""Through a conflict at once, and through a server that is away for two or three seconds."""
