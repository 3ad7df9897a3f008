"""What every table is made of: times, the database's clock, and a key that starts with the bot."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from neonpay.core.clock import microseconds, moment

metadata = sa.MetaData()
_LAST: Final = "\U0010ffff"
"""Follows whatever a text may go on with."""


class Moment(sa.TypeDecorator[datetime]):
    """An aware UTC time, stored as microseconds since the epoch on every engine."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | int | None, dialect: sa.Dialect) -> int | None:
        """Store an aware time, or microseconds as they are."""
        return microseconds(value) if isinstance(value, datetime) else value

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """The aware time that was stored."""
        return None if value is None else moment(value)


class DatabaseNow(sa.sql.functions.GenericFunction[int]):
    """Now, in microseconds, by the clock that all workers share: the database's."""

    type = sa.BigInteger()
    inherit_cache = True
    name = "neonpay_now_us"


@compiles(DatabaseNow, "postgresql")
def _postgresql_now(element: DatabaseNow, compiler: SQLCompiler, **kwargs: Any) -> str:
    # A session may carry its own time, which is how a test moves the clock of a real server.
    return (
        "coalesce(nullif(current_setting('neonpay.now_us', true), '')::bigint,"
        " (extract(epoch from clock_timestamp()) * 1000000)::bigint)"
    )


def table(name: str, *columns: sa.schema.SchemaItem, with_rowid: bool = False) -> sa.Table:
    """A table of the ledger, without its prefix in ``name``."""
    return sa.Table(
        f"neonpay_{name}",
        metadata,
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        *columns,
        sqlite_with_rowid=with_rowid,
    )


def is_text(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Whether a column has this text, which stands in the statement as it is.

    A partial index is used only where its condition stands word for word, and SQLite prepares a statement anew for each
    execution when a parameter might decide that. So is chosen what a partial index is made by.
    """
    return column == sa.literal_column("'" + text.replace("'", "''") + "'", sa.Text)


def unindexed(at: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """The same time, by which no database finds rows: it would take the index by time where that by the buyer is better."""
    return sa.type_coerce(at, sa.BigInteger) + sa.literal_column("0", sa.BigInteger)


def begins(column: sa.ColumnElement[str], beginning: str, *, has_ranges: bool) -> sa.ColumnElement[bool]:
    """Whether a text begins with another one.

    Args:
        has_ranges: whether that is a range of an index, as in SQLite; PostgreSQL finds out by itself whether it is one.
    """
    is_it = column.startswith(beginning, autoescape=True)
    return sa.and_(column >= beginning, column < beginning + _LAST, is_it) if has_ranges else is_it
