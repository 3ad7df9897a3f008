"""The statements that sum what measures count, each made once.

Making such a statement of SQLAlchemy Core takes ten times as long as running it, in the interpreter that everything else in the
process waits for, checkouts among it. So what changes from one reader to the next, which is the time, is a parameter of a
statement that is kept, and what seldom changes is a part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from neonpay.analytics.marks import Numbers, names_of, newer, numbers_of
from neonpay.analytics.measures import EXACT, Measure, microseconds_of, rows_of
from neonpay.analytics.scope import Scope
from neonpay.ledger import Statement
from neonpay.ledger.tables_rollups import rollup_counts, rollup_days

Edge = tuple[int, int, int]
"""A place, and from when to when it is."""
Places = tuple[int, ...]
Part = sa.Select[Any]

_NUMBER: Final = sa.BigInteger
_ONE: Final = sa.literal_column("1", _NUMBER)
_KEPT: Final = 500
"""Statements that are kept: more than all pages have for one choice of bots and each of their periods."""


class _Edges(NamedTuple):
    """Edges in a statement.

    Attributes:
        part: says their parameters apart from those of others.
        places: one for each of them.
        has_lateral: whether rows can be looked up for each edge. PostgreSQL would read whole tables for two of them, since it
            cannot tell how few rows lie between.
    """

    part: int
    places: Places
    has_lateral: bool


class Shape(NamedTuple):
    """What a statement has in it, beside the times and numbers that it is run with.

    Attributes:
        bots: of whom rollups have something, in the order of the numbers up to which they have it.
        days, quarters, tail, outside: the places of the spans that are read there.
    """

    measure: Measure
    scope: Scope
    bots: tuple[int, ...]
    days: Places
    quarters: Places
    tail: Places
    outside: Places

    @property
    def parameters(self) -> list[str]:
        """Names of the parameters: of each part the edges, and then the numbers."""
        edges = [name for part, places in enumerate(self[3:]) for name in edge_names(part, len(places))]
        return edges + names_of(self.bots)


@lru_cache(_KEPT)
def summing(shape: Shape, keys: tuple[str, ...]) -> Statement:
    """The statement that says, for each combination of these columns, it, how many there are and what they add up to."""
    # Built when it is compiled, so that nothing but text is kept.
    return Statement(lambda dialect: _summed(shape, keys, dialect), *shape.parameters)


def _summed(shape: Shape, keys: Sequence[str], dialect: sa.Dialect) -> sa.Select[Any]:
    rows = _rows(shape, has_lateral=dialect.name == "postgresql")
    columns = [rows.c[key] for key in keys]
    return sa.select(*columns, sa.func.sum(rows.c.n), sa.func.sum(rows.c.n * rows.c.value)).group_by(*columns)


def _rows(shape: Shape, *, has_lateral: bool) -> sa.Subquery:
    """What is counted: ``n`` is how often, and ``place`` in which span."""
    measure, scope = shape.measure, shape.scope
    days, quarters, tail, outside = (
        _Edges(part, places, has_lateral=has_lateral) for part, places in enumerate(shape[3:])
    )
    parts: list[Part] = []
    if shape.days:
        parts.append(_from_rollup(rollup_days, measure, scope, days))
    if shape.quarters:
        parts.append(_from_rollup(rollup_counts, measure, scope, quarters))
    if shape.tail:
        parts.append(_from_tail(measure, scope, tail, numbers_of(shape.bots)))
    if shape.outside:
        parts.append(_from_tables(measure, scope, outside))
    return (parts[0] if len(parts) == 1 else sa.union_all(*parts)).subquery("counted")


def edge_names(part: int, count: int) -> list[str]:
    """Names of the parameters of ``edges_at``, in the order of the edges."""
    return [f"{name}_{part}_{row}" for row in range(count) for name in ("starts", "ends")]


def edges_at(places: Sequence[int], part: int) -> sa.sql.selectable.NamedFromClause:
    """Edges as a table of a statement that is kept: ``place``, ``starts``, ``ends`` in microseconds.

    Args:
        part: says them apart from other edges of the statement.
    """
    rows = ", ".join(f"({place}, :starts_{part}_{row}, :ends_{part}_{row})" for row, place in enumerate(places))
    # Both engines call the columns of VALUES so.
    text = f"SELECT column1 AS place, column2 AS starts, column3 AS ends FROM (VALUES {rows}) AS v"  # noqa: S608
    given = [sa.bindparam(name, type_=_NUMBER) for name in edge_names(part, len(places))]
    columns = (sa.column("place", _NUMBER), sa.column("starts", _NUMBER), sa.column("ends", _NUMBER))
    return sa.text(text).bindparams(*given).columns(*columns).subquery("edges")


def _from_tables(measure: Measure, scope: Scope, edges: _Edges) -> Part:
    rows: sa.sql.selectable.NamedFromClause = rows_of(measure).subquery("rows")
    if measure not in EXACT:
        # Read whole and before the edges: a join that begins with the payments between these would look through all events for
        # each of them. Only payments and refunds are found by their time.
        whole = sa.select(rows).where(scope.has(rows.c.bot_id))
        rows = whole.cte("rows_read").prefix_with("MATERIALIZED")
    return _within(edges, rows, rows.c.at, scope, rows.c.value, _ONE)


def _from_tail(
    measure: Measure,
    scope: Scope,
    edges: _Edges,
    after: Numbers,
) -> Part:
    """What is newer than the rollups; read first, since it is little."""
    parts = [rows_of(measure, part) for part in newer(after)]
    # By a name of its own: the part from the tables may have one as well.
    rows = sa.union_all(*parts).cte("rows_new").prefix_with("MATERIALIZED")
    # It is read by then, and nothing is looked up in it.
    return _within(edges._replace(has_lateral=False), rows, rows.c.at, scope, rows.c.value, _ONE)


def _from_rollup(table: sa.Table, measure: Measure, scope: Scope, edges: _Edges) -> Part:
    is_its = table.c.measure == measure.value
    return _within(edges, table, microseconds_of(table.c.slot), scope, table.c.value, table.c.n, is_its)


def _within(
    edges: _Edges,
    rows: sa.FromClause,
    at: sa.ColumnElement[int],
    scope: Scope,
    value: sa.ColumnElement[int],
    number: sa.ColumnElement[int],
    *conditions: sa.ColumnElement[bool],
) -> Part:
    columns = [rows.c[name] for name in ("bot_id", "stage_id", "kind", "detail")]
    columns += [value.label("value"), number.label("n")]
    conditions = (*conditions, scope.has(rows.c.bot_id, rows.c.stage_id))
    part, places, has_lateral = edges
    if len(places) == 1:
        # As conditions and no table: SQLite takes five times as long to make one of a single row and to join it.
        place = sa.literal_column(str(places[0]), _NUMBER).label("place")
        starts, ends = (sa.bindparam(name, type_=_NUMBER) for name in edge_names(part, 1))
        return sa.select(place, *columns).where(at >= starts, at < ends, *conditions)
    table = edges_at(places, part)
    is_in = sa.and_(at >= table.c.starts, at < table.c.ends)
    if not has_lateral:
        return sa.select(table.c.place, *columns).join_from(table, rows, is_in).where(*conditions)
    # With an offset, or it would be made one with the rest again.
    between = sa.select(*columns).where(is_in, *conditions).offset(sa.literal_column("0")).lateral("between")
    return sa.select(table.c.place, *between.c).join_from(table, between, sa.true())
