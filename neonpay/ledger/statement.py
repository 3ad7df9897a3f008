"""SQL that is written once in SQLAlchemy Core and compiled once per dialect.

Building and compiling a Core statement costs more CPU than SQLite needs to execute it; on the path of a payment that cost is
paid once per process instead of once per payment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect


class Compiled(NamedTuple):
    """SQL text for one driver, and where each of its parameters comes from."""

    sql: str
    positions: tuple[int, ...] | None
    """Index into the given values for each parameter of the SQL, or None when they are in the same order."""
    constants: tuple[object, ...]
    """Values that are part of the statement; their positions follow those of the given values."""


class Statement:
    """A statement with named parameters, executed with their values in a fixed order.

    Args:
        clause: any SQLAlchemy Core statement; its parameters are ``sa.bindparam`` with the given names. Column types must
            need no conversion (integers, text, bytes), because values go to the driver as they are.
        parameters: names in the order in which callers give the values.
    """

    __slots__ = ("_compiled", "_statement", "parameters")

    def __init__(self, statement: sa.ClauseElement, *parameters: str) -> None:
        self._statement = statement
        self.parameters = parameters
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: Dialect) -> Compiled:
        """The statement in this dialect; compiled on first use."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = self._compile(dialect)
        return found

    def _clause(self, dialect: Dialect) -> sa.ClauseElement:  # another dialect may need another clause
        return self._statement

    def _compile(self, dialect: Dialect) -> Compiled:
        compiled = self._clause(dialect).compile(dialect=dialect)
        names = list(compiled.positiontup or ())  # type: ignore[attr-defined]  # SQLCompiler has it, Compiled does not say so
        constants = [name for name in dict.fromkeys(names) if name not in self.parameters]
        order = [*self.parameters, *constants]
        positions = tuple(order.index(name) for name in names)
        same = not constants and positions == tuple(range(len(self.parameters)))
        return Compiled(str(compiled), None if same else positions, tuple(compiled.params[name] for name in constants))


class Insert(Statement):
    """Inserts one row; a row whose key is there already is left as it is, and the count of changed rows is 0.

    Args:
        table: where the row goes.
        columns: the columns in the order in which callers give the values.
        computed: values of further columns that the database computes.
    """

    __slots__ = ("_computed", "_table")

    def __init__(
        self, table: sa.Table, *columns: str, computed: Mapping[str, sa.ColumnElement[int]] | None = None
    ) -> None:
        super().__init__(table, *columns)
        self._table = table
        self._computed = computed or {}

    def _clause(self, dialect: Dialect) -> sa.ClauseElement:
        insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
        given: dict[str, sa.ColumnElement[Any]] = {
            name: sa.bindparam(name) for name in self.parameters if name in self._table.c
        }
        return insert(self._table).values({**given, **self._computed}).on_conflict_do_nothing()


def arguments(compiled: Compiled, values: tuple[object, ...]) -> tuple[object, ...]:
    """The values in the order in which the driver wants them."""
    if compiled.positions is None:
        return values
    pool = values + compiled.constants
    return tuple([pool[position] for position in compiled.positions])
