"""Statements are compiled once in a process and not once in each test's engine: a quarter of a test's work was that.

A program has one engine for its whole life, so it meets statements that were compiled before, as tests do with this.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.util import LRUCache

_STATEMENTS = 3000


class OfAllEngines:
    """What SQLAlchemy asks a cache of compiled statements for, with the kind of a database in the place of its engine."""

    def __init__(self) -> None:
        self._compiled: LRUCache[tuple[Any, ...], Any] = LRUCache(_STATEMENTS)

    def get(self, key: tuple[Any, ...]) -> Any:
        return self._compiled.get(_of_any_engine(key))

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        self._compiled[_of_any_engine(key)] = compiled


def share_compiled_statements() -> None:
    """From now on every engine of this process takes what another one like it has compiled."""
    compiled = OfAllEngines()

    @sa.event.listens_for(sa.Engine, "engine_connect")
    def shares(connection: sa.Connection) -> None:
        connection.execution_options(compiled_cache=compiled)


def _of_any_engine(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect: sa.Dialect = key[0]
    return (dialect.name, dialect.driver, dialect.paramstyle, *key[1:])
