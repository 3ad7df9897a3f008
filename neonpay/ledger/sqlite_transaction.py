"""What a unit of work has of a SQLite file: statements as the driver takes them, and a connection that it cannot end."""

from __future__ import annotations

import sqlite3
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import StaticPool
from sqlalchemy.util import LRUCache

from neonpay.errors import LedgerError
from neonpay.ledger.statement import Insert, Statement, arguments, chunks
from neonpay.ledger.unit import Row, Transaction

_DIALECT = SQLiteDialect_pysqlite()
_STATEMENTS = 500
"""Compiled statements that are remembered, as many as an engine of SQLAlchemy's does by itself."""


class SqliteConnection(sqlite3.Connection):
    """A connection whose transactions belong to the ledger: a unit that commits would commit its neighbours too."""

    is_opening = False
    """SQLAlchemy is looking the connection over, for which it rolls back what it believes to be nothing."""

    def close(self) -> None:
        """Raises LedgerError inside a unit."""
        if self.in_transaction:
            msg = "a unit of work does not close the connection; it is the ledger's"
            raise LedgerError(msg)
        super().close()

    def commit(self) -> None:
        """Raises LedgerError inside a unit."""
        if self.in_transaction and not self.is_opening:
            msg = "a unit of work does not commit; return from it and the ledger commits"
            raise LedgerError(msg)

    def rollback(self) -> None:
        """Raises LedgerError inside a unit."""
        if self.in_transaction and not self.is_opening:
            msg = "a unit of work does not roll back; raise from it and the ledger rolls back"
            raise LedgerError(msg)


class Compiling:
    """What the connections of one file remember together, so that SQLAlchemy compiles a statement once and not for each.

    Attributes:
        dialect: of the connection that was the first to be looked over; None before.
        statements: those that were compiled for it.
    """

    def __init__(self) -> None:
        self.dialect: sa.Dialect | None = None
        self.statements: LRUCache[Any, Any] = LRUCache(_STATEMENTS)


class SqliteTransaction(Transaction):
    """A transaction on one SQLite connection.

    Args:
        compiling: what it has in common with other connections to the file; nothing when left out.
    """

    __slots__ = ("_compiling", "_cursor", "_raw", "_sqlalchemy")

    is_only_writer = True

    def __init__(self, raw: SqliteConnection, compiling: Compiling | None = None) -> None:
        self._raw = raw
        # One for all statements, as each is through when its method returns; the driver takes longer to make another.
        self._cursor = raw.cursor()
        self._compiling = Compiling() if compiling is None else compiling
        self._sqlalchemy: sa.Connection | None = None

    @property
    def connection(self) -> sa.Connection:
        """The same transaction as a SQLAlchemy connection; made on first use."""
        if self._sqlalchemy is None or self._sqlalchemy.closed:
            raw = (
                self._raw
            )  # and not self: SQLAlchemy remembers a pool until its connection is gone, which would never be
            engine = sa.create_engine(
                "sqlite://",
                creator=lambda: raw,
                poolclass=StaticPool,
                pool_reset_on_return=None,
                hide_parameters=True,
                execution_options={"compiled_cache": self._compiling.statements},
            )
            if self._compiling.dialect is not None:
                engine.dialect = self._compiling.dialect
            self._raw.is_opening = True
            try:
                self._sqlalchemy = engine.connect()
            finally:
                self._raw.is_opening = False
            self._compiling.dialect = engine.dialect
        return self._sqlalchemy

    def forget(self) -> None:
        """Give the next unit a SQLAlchemy connection of its own."""
        self._sqlalchemy = None

    def limit_waits(self, limit_s: float) -> None:
        """Nothing to do: a file has one writer at a time, and this is it."""

    def control(self, sql: str) -> None:
        """Say something about savepoints to SQLite."""
        self._raw.execute(sql)

    def execute(self, statement: Statement, *values: object) -> int:
        """Run a prepared statement; the number of rows that it changed."""
        compiled = statement.compiled(_DIALECT)
        return self._cursor.execute(compiled.sql, arguments(compiled, values)).rowcount

    def insert(self, insert: Insert, *rows: tuple[object, ...]) -> int:
        """Insert rows; the number of those whose key was not there yet."""
        if len(rows) == 1:
            return self._cursor.execute(*insert.fitted(_DIALECT, rows[0])).rowcount
        inserted = 0
        insert, narrow_rows = insert.narrowed(rows) if rows else (insert, rows)
        for part in chunks(narrow_rows):
            compiled = insert.compiled(_DIALECT, len(part))
            inserted += self._cursor.execute(
                compiled.sql, arguments(compiled, tuple(chain.from_iterable(part)))
            ).rowcount
        return inserted

    def rows(self, statement: Statement, *values: object) -> list[Row]:
        """Run a prepared statement; the rows that it gives back."""
        compiled = statement.compiled(_DIALECT)
        return self._cursor.execute(compiled.sql, arguments(compiled, values)).fetchall()
