"""From what is counted to figures: rows of measures in spans of time, from the tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

from neonpay.analytics.measures import Measure, rows_of
from neonpay.analytics.periods import Span
from neonpay.analytics.scope import Scope
from neonpay.ledger import Transaction

Counted = sa.sql.selectable.NamedFromClause
"""A subquery with the columns ``place``, ``bot_id``, ``stage_id``, ``kind``, ``detail``, ``value`` and ``n``."""

_NUMBER: Final = sa.BigInteger


def counted(transaction: Transaction, measure: Measure, scope: Scope, spans: Sequence[Span]) -> Counted:
    """What a measure counts in each of the spans, which ``place`` numbers from 0 on; ``n`` is how often."""
    edges = edges_of(spans)
    rows = rows_of(measure).subquery("rows")
    within = sa.and_(rows.c.at >= edges.c.starts, rows.c.at < edges.c.ends)
    query = sa.select(
        edges.c.place,
        rows.c.bot_id,
        rows.c.stage_id,
        rows.c.kind,
        rows.c.detail,
        rows.c.value,
        sa.literal_column("1", _NUMBER).label("n"),
    ).join_from(edges, rows, within)
    return query.where(scope.has(rows.c.bot_id, rows.c.stage_id)).subquery("counted")


def edges_of(spans: Sequence[Span]) -> sa.sql.selectable.NamedFromClause:
    """Spans as a table: ``place``, ``starts``, ``ends`` in microseconds. The numbers stand in the text, being ours."""
    values = ", ".join(f"({place}, {span.starts_us}, {span.ends_us})" for place, span in enumerate(spans))
    # Both engines call the columns of VALUES so.
    text = f"SELECT column1 AS place, column2 AS starts, column3 AS ends FROM (VALUES {values}) AS v"  # noqa: S608
    columns = (sa.column("place", _NUMBER), sa.column("starts", _NUMBER), sa.column("ends", _NUMBER))
    return sa.text(text).columns(*columns).subquery("edges")


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
