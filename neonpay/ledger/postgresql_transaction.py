"""What a unit of work has of PostgreSQL: statements on one pooled connection, as the driver takes them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest

import sqlalchemy as sa

from neonpay.ledger.inserts import Inserts
from neonpay.ledger.statement import Insert, Statement, arguments, chunks
from neonpay.ledger.unit import Row, Transaction


class PostgresqlTransaction(Transaction):
    """A transaction on one pooled connection; used inside the greenlet that SQLAlchemy runs a unit in."""

    __slots__ = ("_connection", "_cursor")

    is_only_writer = False

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._cursor = connection.connection.cursor()

    @property
    def connection(self) -> sa.Connection:
        """The same transaction as a SQLAlchemy connection."""
        return self._connection

    def forget(self) -> None:
        """Have the connection closed, which undoes what is open at the server; nothing more is read or written on it."""
        self._connection.invalidate()

    def limit_waits(self, limit_s: float) -> None:
        """Wait so long for a lock of another transaction, and fail then; until this one ends."""
        self._cursor.execute(f"SET LOCAL lock_timeout = {int(limit_s * 1000)}")

    def control(self, sql: str) -> None:
        """Say something about savepoints to the server."""
        self._cursor.execute(sql)

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

    def insert_all(self, inserts: Inserts, *rows: Sequence[tuple[object, ...]]) -> None:
        """Insert rows into several tables, a list for each; those whose key is there already are left as they are."""
        for parts in zip_longest(*map(chunks, rows), fillvalue=()):
            compiled = inserts.compiled(self._connection.dialect, tuple(map(len, parts)))
            values = tuple(chain.from_iterable(chain.from_iterable(parts)))
            self._cursor.execute(compiled.sql, arguments(compiled, values))

    def rows(self, statement: Statement, *values: object) -> list[Row]:
        """Run a prepared statement; the rows that it gives back."""
        compiled = statement.compiled(self._connection.dialect)
        self._cursor.execute(compiled.sql, arguments(compiled, values))
        return list(self._cursor.fetchall())
