"""Connections to PostgreSQL: how long they may keep a caller waiting, and what stands between them and the server."""

from __future__ import annotations

import asyncio
import itertools
import ssl
import uuid
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from neonpay.errors import ConfigurationError

_DISPOSE_S = 2.0
_SECONDS = {
    "connect_timeout": "connect_timeout_s",
    "command_timeout": "command_timeout_s",
    "pool_timeout": "pool_timeout_s",
}
_SWITCHES = {"on": True, "off": False}
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_OURS = (*_SECONDS, "prepared_statements", "pool_size", "sslmode", "sslrootcert", "application_name")
_THE_DRIVERS = ("host", "port", "ssl", "passfile", "target_session_attrs")
_POOL_SIZE_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Connecting:
    """What the query of a database URL says about connections.

    Attributes:
        connect_timeout_s: how long a new connection may take.
        command_timeout_s: how long the server may take to answer one command; then the connection is given up.
        pool_timeout_s: how long a unit waits for a connection that is free.
        prepares: whether statements stay prepared on a connection, which saves a round trip each. Behind a pooler that gives
            every transaction another connection they would be those of somebody else.
        pool_size: connections that a process keeps at most for its units.
        ssl_mode: as libpq has it; None leaves it to the driver, which encrypts when the server can.
        ssl_root_cert: file with the certificates that the server's has to come from, for the modes that verify it.
        application_name: what ``pg_stat_activity`` shows.
    """

    connect_timeout_s: float = 10.0
    command_timeout_s: float = 30.0
    pool_timeout_s: float = 10.0
    prepares: bool = True
    pool_size: int = 8
    ssl_mode: str | None = None
    ssl_root_cert: str | None = None
    application_name: str | None = None

    @staticmethod
    def of(url: sa.URL) -> tuple[sa.URL, Connecting]:
        """The URL without these parameters, and what they say.

        Raises:
            ConfigurationError: a value is not one of those that there are.
        """
        given: dict[str, Any] = {}
        for name, field in _SECONDS.items():
            if name in url.query:
                given[field] = _seconds(name, url.query[name])
        if "prepared_statements" in url.query:
            switch = _SWITCHES.get(str(url.query["prepared_statements"]))
            if switch is None:
                msg = "prepared_statements in database_url is either on or off"
                raise ConfigurationError(msg)
            given["prepares"] = switch
        if "pool_size" in url.query:
            given["pool_size"] = _pool_size(url.query["pool_size"])
        if "sslmode" in url.query:
            given["ssl_mode"] = _ssl_mode(url.query["sslmode"])
        for name, field in (("sslrootcert", "ssl_root_cert"), ("application_name", "application_name")):
            if name in url.query:
                given[field] = str(url.query[name])
        rest = url.difference_update_query(_OURS)
        unknown = sorted(rest.query.keys() - set(_THE_DRIVERS))
        if unknown:
            msg = f"{unknown[0]} in database_url is nothing that neonpay knows; there are: {', '.join(_OURS + _THE_DRIVERS)}"
            raise ConfigurationError(msg)
        return rest, Connecting(**given)

    def pool(self, url: sa.URL, *, pool_size: int | None = None) -> Pool:
        """A pool of connections; nothing is connected yet."""
        return Pool(self._engine(url, pool_size or self.pool_size), ahead=self._engine(url, 1))

    def _engine(self, url: sa.URL, pool_size: int) -> AsyncEngine:
        return create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=False,
            pool_timeout=self.pool_timeout_s,
            hide_parameters=True,
            connect_args={**self._arguments, "command_timeout": self.command_timeout_s},
        )

    def patient_engine(self, url: sa.URL) -> AsyncEngine:
        """An engine whose commands may take as long as they like: making an index, waiting for another process's upgrade."""
        return create_async_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=dict(self._arguments))

    @property
    def _arguments(self) -> Mapping[str, object]:
        arguments: dict[str, object] = {"timeout": self.connect_timeout_s}
        if self.ssl_mode is not None or self.ssl_root_cert is not None:
            arguments["ssl"] = self._ssl
        if self.application_name is not None:
            arguments["server_settings"] = {"application_name": self.application_name}
        # What the driver prepares for itself has no name, and is parsed again in the message that runs it.
        arguments["statement_cache_size"] = 0
        if self.prepares:
            arguments["prepared_statement_name_func"] = _names_of_our_own()
        else:
            arguments |= {"prepared_statement_cache_size": 0, "prepared_statement_name_func": _no_name}
        return arguments

    @property
    def _ssl(self) -> str | ssl.SSLContext | None:
        """What the driver takes: a mode, or the certificates that the server's is verified by."""
        if self.ssl_root_cert is None:
            return self.ssl_mode
        try:
            context = ssl.create_default_context(cafile=self.ssl_root_cert)
        except OSError as error:
            msg = f"cannot read the certificates in {self.ssl_root_cert}, the sslrootcert of database_url: {error.strerror}"
            raise ConfigurationError(msg) from error
        context.check_hostname = self.ssl_mode == "verify-full"
        return context


class _Driver(Protocol):
    def terminate(self) -> None: ...


class Pool:
    """The connections of one event loop.

    Attributes:
        engine: for transactions that write.
        reading: the same connections, for transactions that read one state of the database from beginning to end.
        ahead: one connection, made when it is first needed, for what must not wait until many others have had theirs.
    """

    def __init__(self, engine: AsyncEngine, *, ahead: AsyncEngine) -> None:
        self.engine = engine
        # The options cost no round trip.
        self.reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.ahead = ahead
        self._connections: weakref.WeakSet[_Driver] = weakref.WeakSet()
        # Held, because SQLAlchemy forgets a pool that is disposed of, with the connections that come back to it later.
        self._pools = (engine.sync_engine.pool, ahead.sync_engine.pool)
        for pool in self._pools:
            sa.event.listen(pool, "connect", self._connected)

    def _connected(self, connection: Any, record: object) -> None:
        self._connections.add(connection.driver_connection)

    async def dispose(self) -> None:
        """Close the connections that are not in use; in use ones close with their unit."""
        try:
            async with asyncio.timeout(_DISPOSE_S):
                await self.engine.dispose()
                await self.ahead.dispose()
        except (TimeoutError, OSError, sa.exc.SQLAlchemyError):
            self.cut()

    def cut(self) -> None:
        """End all connections without asking the server; what waits for an answer fails."""
        for connection in list(self._connections):
            connection.terminate()


Use: TypeAlias = Callable[[Pool], AsyncEngine]
"""Which of the connections of a pool a unit runs on."""


async def cut(connection: AsyncConnection) -> None:
    """Give up a connection on which an answer is outstanding, without asking the server for anything."""
    with suppress(sa.exc.SQLAlchemyError):
        raw = await connection.get_raw_connection()
        cast("_Driver", raw.driver_connection).terminate()
        await connection.invalidate()


def _names_of_our_own() -> Callable[[], str]:
    """Names for statements that no other program gives.

    The driver counts from 1 in every process. Behind a pooler that gives a transaction another connection, a statement that
    another program has prepared under the same name would be run in the place of ours.
    """
    names, program = itertools.count(1), uuid.uuid4().hex[:16]
    return lambda: f"neonpay_{program}_{next(names):x}"


def _no_name() -> str:
    return ""


def _seconds(name: str, value: str | tuple[str, ...]) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        msg = f"{name} in database_url is a number of seconds above 0"
        raise ConfigurationError(msg)
    return seconds


def _pool_size(text: object) -> int:
    size = int(str(text)) if str(text).isascii() and str(text).isdigit() else 0
    if not 1 <= size <= _POOL_SIZE_MAX:
        msg = f"pool_size in database_url is a whole number from 1 to {_POOL_SIZE_MAX}"
        raise ConfigurationError(msg)
    return size


def _ssl_mode(text: object) -> str:
    if text not in _SSL_MODES:
        msg = f"sslmode in database_url is one of {', '.join(_SSL_MODES)}"
        raise ConfigurationError(msg)
    return str(text)
