"""Locks that have a name and no row, held until the unit ends; ``transaction.rows(ALONE, key)`` takes one.

On SQLite they ask for nothing, since a file has one writer at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from neonpay.ledger.statement import Statement


def _lock(take: Callable[[sa.ColumnElement[int]], sa.ColumnElement[None]]) -> Statement:
    key = sa.bindparam("key", type_=sa.Text)

    def clause(dialect: Dialect) -> sa.ClauseElement:
        return sa.select(take(sa.func.hashtextextended(key, 0)) if dialect.name == "postgresql" else key)

    return Statement(clause, "key")


ALONE: Final = _lock(sa.func.pg_advisory_xact_lock)
"""Nobody else holds it, in either way."""
BESIDE_OTHERS: Final = _lock(sa.func.pg_advisory_xact_lock_shared)
"""Nobody holds it alone."""
