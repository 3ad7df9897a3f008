"""What somebody else's code may do: each misdeed is a function over the connection that it may have."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from neonpay.ledger import open_ledger

LOOT = sa.Table("loot", sa.MetaData(), sa.Column("charge_id", sa.Text), sa.Column("buyer", sa.Integer))
"""A table of the shop's own, whose trigger fails as a database does that has no room left."""

Misdeed = Callable[[sa.Connection | None], object]


class UnheardOfError(BaseException):
    """No Exception."""


class UnspeakableError(Exception):
    """An error that cannot say what it is about."""

    def __str__(self) -> str:
        raise SystemExit(3)


def _raises(error: BaseException | type[BaseException]) -> Misdeed:
    def misdeed(connection: sa.Connection | None) -> object:
        raise error

    return misdeed


def _does(code: Callable[[sa.Connection], object]) -> Misdeed:
    def misdeed(connection: sa.Connection | None) -> object:
        assert connection is not None
        return code(connection)

    return misdeed


def _yields(connection: sa.Connection | None) -> Iterator[None]:
    yield


async def _waits() -> None: ...


async def _async_yields() -> Any:
    yield


def _by_the_back_door(connection: sa.Connection, sql: str) -> None:
    driver: Any = connection.connection
    if connection.dialect.name == "sqlite":
        driver.driver_connection.execute(sql)
    else:
        driver.run_async(lambda raw: raw.execute(sql))


def _swallow(connection: sa.Connection) -> None:
    with contextlib.suppress(sa.exc.DBAPIError):
        connection.execute(sa.text("SELECT nonsense FROM nowhere"))


def _lose(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection
        driver.driver_connection.close()
    else:
        connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))


ANYWHERE: dict[str, Misdeed] = {
    "an error": _raises(RuntimeError("no")),
    "NUL": _raises(RuntimeError("a\0b")),
    "a lone surrogate": _raises(RuntimeError("a\ud800b")),
    "a novel": _raises(RuntimeError("word " * 100_000)),
    "a broken __str__": _raises(UnspeakableError),
    "a base exception": _raises(UnheardOfError("no")),
    "SystemExit": _raises(SystemExit(1)),
    "CancelledError": _raises(asyncio.CancelledError()),
    "StopIteration": _raises(StopIteration),
    "StopAsyncIteration": _raises(StopAsyncIteration),
    "a group": _raises(BaseExceptionGroup("g", [SystemExit(1)])),
    "a generator": _yields,
    "an async generator": lambda _: _async_yields(),
}
"""What any code can do."""

_FULL_DISK = "INSERT INTO loot VALUES ('full', 1)"

WITH_A_CONNECTION: dict[str, Misdeed] = {
    "commit": _does(lambda connection: connection.commit()),
    "rollback": _does(lambda connection: connection.rollback()),
    "close": _does(lambda connection: connection.close()),
    "with": _does(lambda connection: connection.__enter__() and connection.__exit__(None, None, None)),
    "begin": _does(lambda connection: connection.begin()),
    "the root commits": _does(lambda connection: connection.get_transaction().commit()),  # type: ignore[union-attr]
    "raw COMMIT": _does(lambda connection: connection.execute(sa.text("COMMIT"))),
    "raw ROLLBACK": _does(lambda connection: connection.exec_driver_sql("ROLLBACK")),
    "raw RELEASE": _does(lambda connection: connection.exec_driver_sql("RELEASE SAVEPOINT neonpay_lent")),
    "cursor COMMIT": _does(lambda connection: connection.connection.cursor().execute("COMMIT")),
    "driver COMMIT": _does(lambda connection: connection.connection.commit()),
    "back door COMMIT": _does(lambda connection: _by_the_back_door(connection, "COMMIT")),
    "back door ROLLBACK": _does(lambda connection: _by_the_back_door(connection, "ROLLBACK")),
    "bad SQL": _does(lambda connection: connection.execute(sa.text("SELECT nonsense FROM nowhere"))),
    "swallowed bad SQL": _does(_swallow),
    "too large a number": _does(lambda connection: connection.execute(sa.insert(LOOT).values(buyer=7_777_777_777_777))),
    "NUL in SQL": _does(lambda connection: connection.execute(sa.insert(LOOT).values(charge_id="a\0b"))),
    "a surrogate in SQL": _does(lambda connection: connection.execute(sa.insert(LOOT).values(charge_id="\ud800"))),
    "a full disk": _does(lambda connection: connection.execute(sa.text(_FULL_DISK))),
    "a lost connection": _does(_lose),
    "a coroutine": lambda _: _waits(),
}
"""What code with a connection can do."""

HARMLESS = {"sqlite": {"too large a number", "NUL in SQL", "swallowed bad SQL"}, "postgresql": set[str]()}
"""What an engine takes."""

ENLISTED: dict[str, sa.Executable] = {
    "COMMIT": sa.text("COMMIT"),
    "ROLLBACK": sa.text("ROLLBACK"),
    "bad SQL": sa.text("SELECT nonsense FROM nowhere"),
    "too large a number": sa.insert(LOOT).values(buyer=7_777_777_777_777),
    "NUL in SQL": sa.insert(LOOT).values(charge_id="a\0b"),
    "a surrogate in SQL": sa.insert(LOOT).values(charge_id="\ud800"),
    "a full disk": sa.text(_FULL_DISK),
}


async def make_loot(database_url: str) -> None:
    """The table, and its trigger."""
    if database_url.startswith("sqlite"):
        # SQLite ends the whole transaction when nothing more fits on the disk.
        statements = [
            "CREATE TRIGGER full_disk BEFORE INSERT ON loot WHEN NEW.charge_id = 'full'"
            " BEGIN SELECT RAISE(ROLLBACK, 'no room left'); END"
        ]
    else:
        statements = [
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE EXCEPTION 'no room left' USING ERRCODE = '53100'; END $$",
            "CREATE TRIGGER full_disk BEFORE INSERT ON loot FOR EACH ROW WHEN (NEW.charge_id = 'full')"
            " EXECUTE FUNCTION full_disk()",
        ]

    def unit(transaction: Any) -> None:
        transaction.connection.execute(sa.schema.CreateTable(LOOT))
        for statement in statements:
            transaction.connection.exec_driver_sql(statement)

    ledger = open_ledger(database_url)
    await ledger.run(unit)
    await ledger.close()
