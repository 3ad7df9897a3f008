"""From what is counted to figures: rows of measures in spans of time, from the rollups and from the tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

from neonpay.analytics.measures import EXACT, Measure, microseconds_of, rows_of
from neonpay.analytics.periods import Span
from neonpay.analytics.rollups import DAY_US, QUARTER_US, Marks, marks, newer
from neonpay.analytics.scope import Scope
from neonpay.core.clock import moment
from neonpay.ledger import Transaction
from neonpay.ledger.tables_rollups import rollup_counts, rollup_days

Counted = sa.sql.selectable.NamedFromClause
"""A subquery with the columns ``place``, ``bot_id``, ``stage_id``, ``kind``, ``detail``, ``value`` and ``n``."""

Part = sa.Select[Any]

_NUMBER: Final = sa.BigInteger


def counted(transaction: Transaction, measure: Measure, scope: Scope, spans: Sequence[Span]) -> Counted:
    """What a measure counts in each of the spans, which ``place`` numbers from 0 on; ``n`` is how often.

    Measures that are not ``EXACT`` count in the whole quarters of an hour that a span touches.
    """
    edges = [(place, *_edges(measure, span)) for place, span in enumerate(spans)]
    after = marks(transaction, scope)
    if not after:
        return _union([_from_tables(measure, scope, edges)])
    inner, outer = cut(edges, QUARTER_US)
    days, quarters = cut(inner, DAY_US)
    parts = [_from_rollup(table, measure, scope, some) for table, some in _kept(days, quarters)]
    if inner:
        parts.append(_from_tail(measure, scope, inner, after))
    if outer:
        parts.append(_from_tables(measure, scope, outer))
    return _union(parts)


Edge = tuple[int, int, int]
"""A place, and from when to when it is."""


def _from_tables(measure: Measure, scope: Scope, edges: Sequence[Edge]) -> Part:
    rows: sa.sql.selectable.NamedFromClause = rows_of(measure).subquery("rows")
    if measure not in EXACT:
        # Read whole and before the edges: a join that begins with the payments between these would look through all events for
        # each of them. Only payments and refunds are found by their time.
        whole = sa.select(rows).where(rows.c.bot_id.in_(scope.bot_ids))
        rows = whole.cte("rows_read").prefix_with("MATERIALIZED")
    return _within(edges, rows, rows.c.at, scope, rows.c.value, sa.literal_column("1", _NUMBER))


def _from_tail(measure: Measure, scope: Scope, edges: Sequence[Edge], after: Marks) -> Part:
    """What is newer than the rollups; read first, since it is little."""
    parts = [rows_of(measure, part) for part in newer(after)]
    rows = sa.union_all(*parts).cte("rows_read").prefix_with("MATERIALIZED")
    return _within(edges, rows, rows.c.at, scope, rows.c.value, sa.literal_column("1", _NUMBER))


def _kept(days: Sequence[Edge], quarters: Sequence[Edge]) -> list[tuple[sa.Table, Sequence[Edge]]]:
    return [(table, edges) for table, edges in ((rollup_days, days), (rollup_counts, quarters)) if edges]


def _from_rollup(table: sa.Table, measure: Measure, scope: Scope, edges: Sequence[Edge]) -> Part:
    part = _within(edges, table, microseconds_of(table.c.slot), scope, table.c.value, table.c.n)
    return part.where(table.c.measure == measure.value)


def _within(
    edges: Sequence[Edge],
    rows: sa.FromClause,
    at: sa.ColumnElement[int],
    scope: Scope,
    value: sa.ColumnElement[int],
    number: sa.ColumnElement[int],
) -> Part:
    spans = table_of(edges)
    columns = [spans.c.place, *[rows.c[name] for name in ("bot_id", "stage_id", "kind", "detail")]]
    return (
        sa.select(*columns, value.label("value"), number.label("n"))
        .join_from(spans, rows, sa.and_(at >= spans.c.starts, at < spans.c.ends))
        .where(scope.has(rows.c.bot_id, rows.c.stage_id))
    )


def _union(parts: Sequence[Part]) -> Counted:
    return (parts[0] if len(parts) == 1 else sa.union_all(*parts)).subquery("counted")


def _edges(measure: Measure, span: Span) -> tuple[int, int]:
    if measure in EXACT:
        return span.starts_us, span.ends_us
    return span.starts_us // QUARTER_US * QUARTER_US, -(-span.ends_us // QUARTER_US) * QUARTER_US


def cut(edges: Sequence[Edge], width_us: int) -> tuple[list[Edge], list[Edge]]:
    """The whole slots of a width in each of the edges, and what is before and after them."""
    whole: list[Edge] = []
    rest: list[Edge] = []
    for place, since, until in edges:
        starts, ends = -(-since // width_us) * width_us, until // width_us * width_us
        if starts < ends:
            whole.append((place, starts, ends))
            rest += [(place, *edge) for edge in ((since, starts), (ends, until)) if edge[0] < edge[1]]
        else:
            rest.append((place, since, until))
    return whole, rest


def edges_of(spans: Sequence[Span]) -> sa.sql.selectable.NamedFromClause:
    """Spans as a table: ``place``, ``starts``, ``ends`` in microseconds."""
    return table_of([(place, span.starts_us, span.ends_us) for place, span in enumerate(spans)])


def whole_quarters(span: Span) -> Span:
    """The span with the whole of the quarters of an hour in which it begins and ends."""
    since, until = _edges(Measure.INVOICED, span)
    return Span(moment(since), moment(until))


def table_of(edges: Sequence[Edge]) -> sa.sql.selectable.NamedFromClause:
    """Edges as a table: ``place``, ``starts``, ``ends`` in microseconds."""
    # As parameters, so that SQLAlchemy compiles the statement once. Both engines call the columns of VALUES so.
    values = ", ".join(f"({place}, :starts_{row}, :ends_{row})" for row, (place, _, _) in enumerate(edges))
    text = f"SELECT column1 AS place, column2 AS starts, column3 AS ends FROM (VALUES {values}) AS v"  # noqa: S608
    given = [
        sa.bindparam(f"{name}_{row}", value, type_=_NUMBER, unique=True)
        for row, (_, starts, ends) in enumerate(edges)
        for name, value in (("starts", starts), ("ends", ends))
    ]
    columns = (sa.column("place", _NUMBER), sa.column("starts", _NUMBER), sa.column("ends", _NUMBER))
    return sa.text(text).bindparams(*given).columns(*columns).subquery("edges")


def sums(transaction: Transaction, counted_rows: Counted, *keys: str) -> Iterator[tuple[tuple[Any, ...], int, int]]:
    """For each combination of these columns: it, how many there are, and what their values add up to."""
    columns = [counted_rows.c[key] for key in keys]
    count = sa.func.sum(counted_rows.c.n)
    value = sa.func.sum(counted_rows.c.n * counted_rows.c.value)
    for row in transaction.connection.execute(sa.select(*columns, count, value).group_by(*columns)):
        *key, number, total = row
        if number is not None:
            yield tuple(key), int(number), int(total)


def total(transaction: Transaction, measure: Measure, scope: Scope, span: Span) -> tuple[int, int]:
    """How many a measure counts in one span, and what their values add up to."""
    for _, number, value in sums(transaction, counted(transaction, measure, scope, [span])):
        return number, value
    return 0, 0


def distribution(transaction: Transaction, measure: Measure, scope: Scope, span: Span) -> list[tuple[int, int]]:
    """Each value that a measure counts in a span, smallest first, and how often."""
    found = sums(transaction, counted(transaction, measure, scope, [span]), "value")
    return sorted((int(value), number) for (value,), number, _ in found)


def at_rank(values: Sequence[tuple[int, int]], rank: int) -> int:
    """The value at a place, counted from 0, in a distribution laid out in order."""
    for value, number in values:
        if rank < number:
            return value
        rank -= number
    raise IndexError(rank)


def median(values: Sequence[tuple[int, int]]) -> float | None:
    """The value in the middle, or the mean of the two in the middle; None when there are no values."""
    count = sum(number for _, number in values)
    if not count:
        return None
    return (at_rank(values, (count - 1) // 2) + at_rank(values, count // 2)) / 2


def percentile(values: Sequence[tuple[int, int]], percent: int) -> int | None:
    """The smallest value that so many of a hundred do not pass; None when there are no values."""
    count = sum(number for _, number in values)
    return at_rank(values, max(0, -(-count * percent // 100) - 1)) if count else None
