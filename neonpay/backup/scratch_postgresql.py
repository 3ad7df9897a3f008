"""A database of PostgreSQL that is tried out in, beside the ledger's and gone afterwards."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from neonpay.core.clock import Clock
from neonpay.errors import RestoreRefusedError
from neonpay.ledger.beside import OnServer
from neonpay.ledger.faults import postgresql_fault, sqlstate

logger = logging.getLogger("neonpay.backup")

_PREFIX: Final = "neonpay_drill_"
_LEFT_FOR_S: Final = 86_400
_MAY_NOT: Final = "42501"
_LEADS_NOWHERE: Final = ("08", "28", "3D")
"""No such database, no such user there, no way to it: of a database that the server has just made."""
_FAULTS: Final = (OSError, sa.exc.DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError)
_LEFT: Final = sa.text(
    "SELECT datname FROM pg_database WHERE datname ~ '^neonpay_drill_[0-9]+_[0-9a-f]+$'"
    " AND pg_get_userbyid(datdba) = current_user"
)
_ALIKE: Final = sa.text(
    "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = current_database()"
)


@contextmanager
def scratch(ledger: OnServer, clock: Clock, line: str, again: str) -> Iterator[sa.URL]:
    """A new, empty database on the server of a ledger, which is gone when the block is done.

    One that a drill was killed in is gone after a day. Call it from a thread without an event loop.

    Args:
        line: what to type where it may not be made.
        again: what was typed.

    Raises:
        RestoreRefusedError: the user of the ledger may not make databases, or a pooler does not lead to one that is new.
        LedgerError: the server did not make one.
    """
    now_s = clock.now_us() // 1_000_000
    name = f"{_PREFIX}{now_s}_{secrets.token_hex(4)}"
    try:
        asyncio.run(_on_server(ledger, lambda connection: _make(connection, name, now_s)))
    except _FAULTS as exc:
        if sqlstate(exc) != _MAY_NOT:
            raise postgresql_fault(exc) from exc
        user = ledger.url.username or "the user of database_url"
        msg = (
            f"{user} may not make a database to try the backup out in; let the server's owner run: ALTER ROLE "
            f'"{ledger.url.username or "USER"}" CREATEDB; or try it out in one that is there, and empty: {line}'
        )
        raise RestoreRefusedError(msg) from exc
    url = ledger.url.set(database=name)
    try:
        _require_way(ledger, url, again)
        yield url
    finally:
        try:
            asyncio.run(_on_server(ledger, lambda connection: _drop(connection, name)))
        except _FAULTS as exc:
            logger.warning("the database %s could not be dropped: %s", name, postgresql_fault(exc))


def _require_way(ledger: OnServer, url: sa.URL, again: str) -> None:
    try:
        asyncio.run(_on_server(ledger, _ask, url))
    except _FAULTS as exc:
        state = sqlstate(exc)
        if state is None or not state.startswith(_LEADS_NOWHERE):
            raise postgresql_fault(exc) from exc
        msg = (
            "the server has made a database to try the backup out in, and database_url does not lead to it (SQLSTATE "
            f"{state}): a pooler stands between that knows a list of databases, or a rule of the server's is against it; name "
            f"the server itself: {again} --database postgresql://USER@SERVER/{ledger.url.database}"
        )
        raise RestoreRefusedError(msg) from exc


async def _ask(connection: AsyncConnection) -> None:
    await connection.exec_driver_sql("SELECT 1")


async def _on_server(
    ledger: OnServer, work: Callable[[AsyncConnection], Awaitable[None]], url: sa.URL | None = None
) -> None:
    engine = ledger.connecting.patient_engine(ledger.url if url is None else url)
    try:
        async with engine.connect() as connection:
            await work(await connection.execution_options(isolation_level="AUTOCOMMIT"))
    finally:
        await engine.dispose()


async def _make(connection: AsyncConnection, name: str, now_s: int) -> None:
    left = (await connection.execute(_LEFT)).scalars()
    for one in [one for one in left if now_s - int(one.split("_")[2]) > _LEFT_FOR_S]:
        try:
            await _drop(connection, one)
        except sa.exc.DBAPIError as exc:
            logger.warning("the database %s of an earlier drill could not be dropped: %s", one, postgresql_fault(exc))
    encoding, collate, ctype = (await connection.execute(_ALIKE)).one()
    # template1 may have tables of somebody's, or somebody who is connected to it.
    await connection.exec_driver_sql(
        f'CREATE DATABASE "{name}" TEMPLATE template0 ENCODING {_quoted(encoding)} LC_COLLATE {_quoted(collate)} '
        f"LC_CTYPE {_quoted(ctype)}"
    )


async def _drop(connection: AsyncConnection, name: str) -> None:
    # A pooler may keep a connection to it, which nobody uses.
    await connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
