"""The tables of a ledger in PostgreSQL take the place of others, which are kept in a schema of their own: one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncEngine

from neonpay.backup.room import FOR_LOADING, give_room, keep_order
from neonpay.core.clock import Clock, SystemClock
from neonpay.errors import RestoreRefusedError
from neonpay.ledger import Transaction
from neonpay.ledger.connecting import Connecting
from neonpay.ledger.extension_tables import listed
from neonpay.ledger.faults import postgresql_fault
from neonpay.ledger.migrate import LOCK, VERSION_TABLE
from neonpay.ledger.postgresql_transaction import PostgresqlTransaction

T = TypeVar("T")

_OTHERS: Final = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
    " AND pid <> pg_backend_pid() AND pid <> ALL(:own) AND backend_type = 'client backend'"
).bindparams(sa.bindparam("own", type_=ARRAY(sa.Integer)))
_MAY_MAKE: Final = sa.text("SELECT has_database_privilege(current_database(), 'CREATE')")
_WHOSE: Final = sa.text("SELECT quote_ident(current_database()), quote_ident(current_user)")
_PID: Final = sa.text("SELECT pg_backend_pid()")
_VIEWS: Final = sa.text(
    "SELECT viewname FROM pg_views WHERE schemaname = current_schema() AND starts_with(viewname, 'neonpay_')"
)
_NAME_CHARS: Final = 63


def in_one_transaction(
    url: sa.URL, unit: Callable[[Transaction], T], clock: Clock, connecting: Connecting | None = None
) -> T:
    """What a unit of work returned, which may take as long as it likes; kept whole or not at all.

    Call it from a thread without an event loop.

    Args:
        connecting: how to connect; what the query of ``url`` says when left out.

    Raises:
        LedgerError: the database did not do it; nothing was kept.
    """
    plain, how = Connecting.of(url) if connecting is None else (url, connecting)
    return asyncio.run(_run(how.patient_engine(plain), unit, clock))


async def _run(engine: AsyncEngine, unit: Callable[[Transaction], T], clock: Clock) -> T:
    try:
        async with engine.begin() as connection:
            if not isinstance(clock, SystemClock):
                now = (str(clock.now_us()),)
                await connection.exec_driver_sql("SELECT set_config('neonpay.now_us', $1, true)", now)
            return await connection.run_sync(_in_room, unit)
    except (OSError, sa.exc.DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
        raise postgresql_fault(exc) from exc
    finally:
        await engine.dispose()


def _in_room(connection: sa.Connection, unit: Callable[[Transaction], T]) -> T:
    give_room(connection, FOR_LOADING)
    keep_order(connection)
    return unit(PostgresqlTransaction(connection))


def require_nobody(transaction: Transaction, line: str, elsewhere: str, own: Collection[int] = ()) -> None:
    """Look whether anybody else is connected as the same user.

    Args:
        line: what to type once nobody is.
        elsewhere: the same without the database.
        own: processes of the server that worked for us until just now.

    Raises:
        RestoreRefusedError: somebody is, or may be behind a pooler that hides it.
    """
    connection = transaction.connection
    if _is_behind_a_pooler(connection):
        # It keeps connections that nobody uses, and has none for programs that are at rest.
        if not sa.inspect(connection).has_table(VERSION_TABLE):
            return
        msg = (
            "a pooler stands before the database, which hides whether programs of the shop are at work: stop all of them, and "
            f"name the server itself; run: {elsewhere} --database postgresql://USER@SERVER/DATABASE"
        )
        raise RestoreRefusedError(msg)
    others = int(connection.execute(_OTHERS, {"own": list(own)}).scalar_one())
    if others:
        msg = (
            f"{others} other {'connection uses' if others == 1 else 'connections use'} this database: stop every program of "
            f"the shop, then run: {line}"
        )
        raise RestoreRefusedError(msg)


def _is_behind_a_pooler(connection: sa.Connection) -> bool:
    """Whether who let us in is somebody else than who answers."""
    driver: Any = connection.connection.driver_connection
    return bool(driver.get_server_pid() != connection.execute(_PID).scalar_one())


def may_make_schemas(connection: sa.Connection) -> bool:
    """Whether the user of the database may make schemas in it."""
    return bool(connection.execute(_MAY_MAKE).scalar_one())


def set_aside(transaction: Transaction, backup_id: str) -> str | None:
    """The unit of work that puts the tables that are there into a schema of their own, whose name it returns; None for none.

    Nobody else works on them until the transaction ends.

    Raises:
        RestoreRefusedError: there are some, and the user of the database may make no schema.
    """
    connection = transaction.connection
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    there = set(sa.inspect(connection).get_table_names())
    if VERSION_TABLE not in there:
        return None
    if not may_make_schemas(connection):
        database, user = connection.execute(_WHOSE).one()
        msg = (
            f"{user} may not make the schema in which the ledger that is there is kept; let the database's owner run: "
            f"GRANT CREATE ON DATABASE {database} TO {user}; then restore again"
        )
        raise RestoreRefusedError(msg)
    of_extensions = {row.table_name for row in listed(transaction)} if "neonpay_extension_tables" in there else set()
    tables = sorted(name for name in there if name.startswith("neonpay_") or name in of_extensions)
    schema = next(name for name in _names(backup_id) if not _has_schema(connection, name))
    quote = connection.dialect.identifier_preparer.quote
    connection.exec_driver_sql(f"CREATE SCHEMA {quote(schema)}")
    for view in list(connection.execute(_VIEWS).scalars()):
        connection.exec_driver_sql(f"ALTER VIEW {quote(view)} SET SCHEMA {quote(schema)}")
    for name in tables:
        connection.exec_driver_sql(f"ALTER TABLE {quote(name)} SET SCHEMA {quote(schema)}")
    return schema


def _names(backup_id: str) -> Iterator[str]:
    first = f"neonpay_before_{backup_id}".lower()[: _NAME_CHARS - 4]
    yield first
    yield from (f"{first}_{number}" for number in range(2, 100))


def _has_schema(connection: sa.Connection, name: str) -> bool:
    query = sa.text("SELECT count(*) FROM pg_namespace WHERE nspname = :name")
    return bool(connection.execute(query, {"name": name}).scalar_one())
