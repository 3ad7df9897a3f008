"""SQL that is written once in SQLAlchemy Core and compiled once per dialect.

Building, compiling and executing a Core statement costs several times the CPU that SQLite needs for it; on the path of a
payment that cost is paid once per process instead of once per payment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, compress, repeat
from operator import is_not, itemgetter
from typing import Any, NamedTuple, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect

T = TypeVar("T")
_Picker: TypeAlias = Callable[[Sequence[Any]], tuple[Any, ...]]
_Columns: TypeAlias = sa.sql.base.ReadOnlyColumnCollection[str, Any]

_INSERT_PARTS = re.compile(r"(INSERT INTO .*? VALUES )(\(.*\))( ON CONFLICT .*)", re.DOTALL)
_NUMBERED = re.compile(r"\$(\d+)((?:::\w+)?)")
_MOST_ROWS = 64
"""Rows in the largest insert, values in the largest list: each size is compiled once, so there are few of them."""


class Compiled(NamedTuple):
    """SQL text for one driver, and where each of its parameters comes from."""

    sql: str
    positions: tuple[int, ...] | None
    """Index into the given values for each parameter of the SQL, or None when they are in the same order."""
    constants: tuple[object, ...]
    """Values that are part of the statement; their positions follow those of the given values."""
    pick: _Picker | None
    """Picks the parameters out of given values and constants by their positions; None when the given values are all."""


class Statement:
    """A statement with named parameters, executed with their values in a fixed order.

    Args:
        clause: any SQLAlchemy Core statement; its parameters are ``sa.bindparam`` with the given names. Column types must
            need no conversion (integers, text, bytes), because values go to the driver as they are.
        parameters: names in the order in which callers give the values.
    """

    __slots__ = ("_clause", "_compiled", "parameters")

    def __init__(self, clause: sa.ClauseElement | Callable[[Dialect], sa.ClauseElement], *parameters: str) -> None:
        self._clause = clause
        self.parameters = parameters
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: Dialect) -> Compiled:
        """The statement in this dialect; compiled on first use."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = self._compile(dialect)
        return found

    def _compile(self, dialect: Dialect) -> Compiled:
        clause = self._clause if isinstance(self._clause, sa.ClauseElement) else self._clause(dialect)
        compiled = clause.compile(dialect=dialect)
        names = list(compiled.positiontup or ())  # type: ignore[attr-defined]  # SQLCompiler has it, Compiled does not say so
        constants = [name for name in dict.fromkeys(names) if name not in self.parameters]
        order = {name: position for position, name in enumerate([*self.parameters, *constants])}
        positions = tuple(order[name] for name in names)
        same = not constants and positions == tuple(range(len(self.parameters)))
        return compiled_sql(
            str(compiled), None if same else positions, tuple(compiled.params[name] for name in constants)
        )


class Insert:
    """Inserts rows; one whose key is there already is left as it is and does not count as changed.

    Args:
        table: where the rows go.
        columns: the columns in the order in which callers give the values.
        computed: SQL for further columns, given the parameter of the column that carries its input.
        again: what becomes of a row whose key is there already, given its columns and those of the new one; its SQL has no
            parameters, and no two rows that are inserted at once have the same key.
        further: SQL for columns that callers give no values for, in a dialect; its parameters are named as columns that have
            values, which are never None.
    """

    __slots__ = (
        "_again",
        "_columns",
        "_computed",
        "_fits",
        "_further",
        "_narrower",
        "_nullable",
        "_one",
        "_sized",
        "_table",
        "width",
    )

    def __init__(
        self,
        table: sa.Table,
        *columns: str,
        computed: Mapping[str, Callable[[sa.BindParameter[int]], sa.ColumnElement[int]]] | None = None,
        again: Callable[[_Columns, _Columns], Mapping[str, sa.ColumnElement[Any]]] | None = None,
        further: Callable[[Dialect], Mapping[str, sa.ColumnElement[Any]]] | None = None,
    ) -> None:
        row: dict[str, sa.ColumnElement[Any]] = {}
        for column in columns:
            compute = (computed or {}).get(column)
            kind = table.c[column].type if compute is None else sa.BigInteger()
            parameter: sa.BindParameter[Any] = sa.bindparam(column, type_=kind)
            row[column] = parameter if compute is None else compute(parameter)

        def clause(dialect: Dialect) -> sa.ClauseElement:
            values = row if further is None else {**row, **further(dialect)}
            insert = (postgresql.insert if dialect.name == "postgresql" else sqlite.insert)(table).values(values)
            if again is None:
                return insert.on_conflict_do_nothing()
            changed = dict(again(table.c, insert.excluded))
            return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)

        self._one = Statement(clause, *columns)
        self.width = len(columns)
        """How many values a row has."""
        self._sized: dict[tuple[str, int], Compiled] = {}
        self._narrower: dict[bytes, tuple[Insert, _Picker]] = {}
        self._fits: dict[tuple[str, bytes], tuple[str, _Picker]] = {}
        self._table, self._columns, self._computed, self._again = table, columns, computed, again
        self._further = further
        nullable = [place for place, column in enumerate(columns) if table.c[column].nullable]
        self._nullable = _picker(nullable) if nullable else None

    def narrowed(self, rows: Sequence[tuple[object, ...]]) -> tuple[Insert, Sequence[tuple[object, ...]]]:
        """This insert without the columns that are None in every row, and what is left of the rows.

        The same rows come of it, as no column has None and another default. The driver of SQLite takes longer to bind one
        None than ten texts: it looks twice for somebody who would adapt it, and throws away two errors that say that there
        is nobody.
        """
        if self._nullable is None:
            return self, rows
        # Column by column: what goes through the rows is the interpreter's own, and no loop of ours.
        nullable = zip(*map(self._nullable, rows), strict=True)
        shape = bytes([values.count(None) != len(rows) for values in nullable])
        if 0 not in shape:
            return self, rows
        found = self._narrower.get(shape)
        if found is None:
            found = self._narrower[shape] = self._without(shape)
        insert, pick = found
        return insert, list(map(pick, rows))

    def fitted(self, dialect: Dialect, row: tuple[object, ...]) -> tuple[str, Sequence[object]]:
        """SQL that inserts a row without its columns that are None, and its parameters: a quick ``narrowed`` for one."""
        shape = b"" if self._nullable is None else bytes(map(is_not, self._nullable(row), repeat(None)))
        fit = self._fits.get((dialect.name, shape))
        if fit is None:
            insert, pick = self._without(shape) if 0 in shape else (self, _picker(range(len(row))))
            compiled = insert.compiled(dialect, 1)
            if compiled.positions is not None:
                places = pick(range(len(row)))
                pick = _picker([places[position] for position in compiled.positions])
            fit = self._fits[dialect.name, shape] = (compiled.sql, pick)
        sql, pick = fit
        return sql, pick(row)

    def _without(self, shape: bytes) -> tuple[Insert, _Picker]:
        """This insert without the columns that can be None where ``shape`` has a 0, and what picks the others out of a row."""
        names = () if self._nullable is None else self._nullable(self._columns)
        absent = set(compress(names, [not there for there in shape]))
        places = [place for place, column in enumerate(self._columns) if column not in absent]
        columns = [self._columns[place] for place in places]
        insert = Insert(self._table, *columns, computed=self._computed, again=self._again, further=self._further)
        return insert, _picker(places)

    def compiled(self, dialect: Dialect, rows: int) -> Compiled:
        """The statement that inserts so many rows at once, in this dialect."""
        found = self._sized.get((dialect.name, rows))
        if found is None:
            found = self._sized[dialect.name, rows] = self._repeat(self._one.compiled(dialect), rows)
        return found

    def _repeat(self, one: Compiled, rows: int) -> Compiled:
        # Compiling thousands of parameters in SQLAlchemy takes longer than many payments; repeating the text does not.
        head, values, tail = _INSERT_PARTS.fullmatch(one.sql).groups()  # type: ignore[union-attr]  # how SQLAlchemy writes it
        repeated = ", ".join([renumbered(values, row * self.width) for row in range(rows)])
        order = one.positions or tuple(range(self.width))
        positions = tuple([row * self.width + position for row in range(rows) for position in order])
        return compiled_sql(f"{head}{repeated}{tail}", None if one.positions is None else positions, ())


class Among:
    """A statement about a list of values of any length.

    Args:
        build: the statement, given for each list the parameter that stands for its values, alone inside ``IN (…)``.
        parameters: names of the parameters that come before the list.
        lists: how many lists there are, all of the same length.
    """

    __slots__ = ("_fixed", "_lists", "_sized", "one")

    def __init__(self, build: Callable[..., sa.ClauseElement], *parameters: str, lists: int = 1) -> None:
        names = [f"list{number}" for number in range(lists)]
        self.one = Statement(lambda _: build(*[[sa.bindparam(name)] for name in names]), *parameters, *names)
        """For lists of one value, which takes the place of its list."""
        self._fixed = len(parameters)
        self._lists = lists
        self._sized: dict[int, Statement] = {}

    def statements(
        self, fixed: tuple[object, ...], *lists: Sequence[object]
    ) -> list[tuple[Statement, tuple[object, ...]]]:
        """The statements that cover lists of more than one value, each with its values; a list is filled up with its last."""
        parts: list[tuple[Statement, tuple[object, ...]]] = []
        for start in range(0, len(lists[0]), _MOST_ROWS):
            chunks = [list(values[start : start + _MOST_ROWS]) for values in lists]
            size = _size_above(len(chunks[0]))
            values = list(fixed)
            for chunk in chunks:
                values += chunk
                values += [chunk[-1]] * (size - len(chunk))
            parts.append((self._of_size(size), tuple(values)))
        return parts

    def _of_size(self, size: int) -> Statement:
        found = self._sized.get(size)
        if found is None:
            found = self._sized[size] = _Longer(self.one, self._fixed, self._lists, size)
        return found


class _Longer(Statement):
    """A statement whose last parameters stand for one value each, as one with ``size`` values in the place of each."""

    __slots__ = ("_first", "_lists", "_one", "_size")

    def __init__(self, one: Statement, first: int, lists: int, size: int) -> None:
        self._one = one
        self._first = first
        self._lists = lists
        self._size = size
        self._compiled = {}

    def _compile(self, dialect: Dialect) -> Compiled:
        # Compiling a list of 64 parameters in SQLAlchemy takes longer than ten payments; repeating the text does not.
        one = self._one.compiled(dialect)
        before = one.positions or tuple(range(self._first + self._lists))
        places = [self._places(position) for position in before]
        if "$" in one.sql:
            starts = [0, *accumulate(map(len, places))]
            sql = _NUMBERED.sub(lambda found: _numbered(starts[int(found[1]) - 1], found, places), one.sql)
        else:
            head, *rest = one.sql.split("?")
            sql = head + "".join([", ".join("?" * len(of)) + text for of, text in zip(places, rest, strict=True)])
        positions = tuple(chain.from_iterable(places))
        same = not one.constants and positions == tuple(range(len(positions)))
        return compiled_sql(sql, None if same else positions, one.constants)

    def _places(self, position: int) -> range:
        """Where the values are that a parameter of the short statement stands for."""
        after = position - self._first
        if after < 0:
            return range(position, position + 1)
        if after < self._lists:
            return range(self._first + after * self._size, self._first + (after + 1) * self._size)
        return range(position + self._lists * (self._size - 1), position + self._lists * (self._size - 1) + 1)


def arguments(compiled: Compiled, values: tuple[object, ...]) -> tuple[object, ...]:
    """The values in the order in which the driver wants them."""
    pick = compiled.pick
    return values if pick is None else pick(values + compiled.constants)


def compiled_sql(sql: str, positions: tuple[int, ...] | None, constants: tuple[object, ...]) -> Compiled:
    """SQL for a driver, with what picks its parameters."""
    return Compiled(sql, positions, constants, None if positions is None else _picker(positions))


def _picker(places: Sequence[int]) -> _Picker:
    """Picks what is at these places out of a sequence."""
    if not places:
        return lambda _: ()
    # A slice gives a tuple where one place alone would give what is there.
    return itemgetter(*places) if len(places) > 1 else itemgetter(slice(places[0], places[0] + 1))


def renumbered(values: str, by: int) -> str:
    """SQL whose parameters have numbers, each raised by so many."""
    return _NUMBERED.sub(lambda found: f"${int(found[1]) + by}{found[2]}", values) if by else values


def _numbered(start: int, found: re.Match[str], places: Sequence[range]) -> str:
    return ", ".join([f"${start + place + 1}{found[2]}" for place in range(len(places[int(found[1]) - 1]))])


def chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """The rows in parts of few different sizes, so that few statements have to be made."""
    start, left = 0, len(rows)
    while left:
        size = min(1 << left.bit_length() - 1, _MOST_ROWS)
        yield rows[start : start + size]
        start += size
        left -= size


def _size_above(count: int) -> int:
    return 1 << (count - 1).bit_length()
