"""From what is counted to figures: rows of measures in spans of time, from the rollups and from the tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from neonpay.analytics.marks import Marks, marks, near_marks
from neonpay.analytics.measures import BY_LANGUAGE, BY_SOURCE, EXACT, Measure
from neonpay.analytics.periods import Span
from neonpay.analytics.scope import Scope
from neonpay.analytics.summing import Edge, Shape, summing
from neonpay.core.clock import moment
from neonpay.ledger import Transaction
from neonpay.ledger.tables_rollups import DAY_US, QUARTER_US
from neonpay.store.first_touches import SOURCES
from neonpay.store.payers_languages import LANGUAGES

_NUMBER: Final = sa.BigInteger
_TASKS: Final = {**dict.fromkeys(BY_LANGUAGE, LANGUAGES), **dict.fromkeys(BY_SOURCE, SOURCES)}
"""By which task measures are rolled up that are found in the tables by their time as well; the others are by the first one."""


class Counted(NamedTuple):
    """What a measure counts in spans of time, and where it is read.

    Attributes:
        after: up to which number of event the rollups have it; empty when they have nothing.
        days, quarters: what is read in the rollups.
        tail: what of the same time is newer than these.
        outside: what the tables say, whatever the rollups have.
    """

    measure: Measure
    scope: Scope
    after: Marks
    days: Sequence[Edge]
    quarters: Sequence[Edge]
    tail: Sequence[Edge]
    outside: Sequence[Edge]

    @property
    def shape(self) -> Shape:
        """What of it is the same for other times, and so in the statement."""
        parts = [tuple([edge[0] for edge in edges]) for edges in self[3:]]
        return Shape(self.measure, self.scope, tuple(self.after), *parts)

    @property
    def values(self) -> list[int]:
        """What is not, in the order of ``Shape.parameters``."""
        times = [at_us for edges in self[3:] for edge in edges for at_us in edge[1:]]
        return times + list(self.after.values())


def counted(transaction: Transaction, measure: Measure, scope: Scope, spans: Sequence[Span]) -> Counted:
    """What a measure counts in each of the spans, which ``place`` numbers from 0 on.

    Measures that are not ``EXACT`` count in the whole quarters of an hour that a span touches.
    """
    edges = [(place, *_edges(measure, span)) for place, span in enumerate(spans)]
    task = _TASKS.get(measure)
    after = marks(transaction, scope) if task is None else near_marks(transaction, scope, task)
    if not after:
        return Counted(measure, scope, after, (), (), (), edges)
    inner, outer = cut(edges, QUARTER_US)
    days, quarters = cut(inner, DAY_US)
    return Counted(measure, scope, after, days, quarters, inner, outer)


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


def sums(transaction: Transaction, what: Counted, *keys: str) -> Iterator[tuple[tuple[Any, ...], int, int]]:
    """For each combination of these columns: it, how many there are, and what their values add up to."""
    for row in transaction.rows(summing(what.shape, keys), *what.values):
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
