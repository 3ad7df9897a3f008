"""A table of names and numbers, and the units that the conformance suite runs on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import sqlalchemy as sa

from neonpay.core.clock import Clock
from neonpay.ledger import Insert, Ledger, Statement, Transaction

LedgerFactory: TypeAlias = Callable[[Clock], Ledger]
"""Another ledger on the test's own database, not opened yet."""

metadata = sa.MetaData()
rows = sa.Table(
    "neonpay_conformance",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
PUT = Insert(rows, "name", "value")
ADD = Statement(
    sa.update(rows).where(rows.c.name == sa.bindparam("which")).values(value=rows.c.value + sa.bindparam("more")),
    "which",
    "more",
)
VALUE = Statement(sa.select(rows.c.value).where(rows.c.name == sa.bindparam("which")), "which")
ALL = Statement(sa.select(rows.c.name, rows.c.value))


class Refused(Exception):  # noqa: N818  # what a unit of the suite raises to be rolled back
    """The unit changed its mind."""


class SetClock:
    """A clock that stands still until it is set."""

    def __init__(self, at_us: int) -> None:
        self.at_us = at_us

    def now_us(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        return self.at_us


def create(transaction: Transaction) -> None:
    """Make the table."""
    metadata.create_all(transaction.connection)


def put(transaction: Transaction, name: str, value: int = 1) -> int:
    """Write one row with a prepared statement; how many were new."""
    return transaction.insert(PUT, (name, value))


def put_then_raise(transaction: Transaction, name: str, error: BaseException) -> None:
    """Write one row and fail."""
    transaction.insert(PUT, (name, 1))
    raise error


def put_core(transaction: Transaction, name: str, value: int = 1) -> None:
    """Write one row through SQLAlchemy."""
    transaction.connection.execute(sa.insert(rows).values(name=name, value=value))


def add(transaction: Transaction, name: str, more: int = 1) -> int:
    """Add to a row; how many there were to add to."""
    return transaction.execute(ADD, name, more)


def everything(transaction: Transaction) -> Mapping[str, int]:
    """All rows."""
    return {str(name): int(value) for name, value in transaction.rows(ALL)}
