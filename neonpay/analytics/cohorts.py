"""Cohorts: people by the month in which they have paid first, and what they pay as they grow older."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from neonpay.analytics.cohort_rollup import AGE, COHORTS, aged, first_of, touched_by
from neonpay.analytics.counting import cut, edges_of, table_of
from neonpay.analytics.firsts import buyer_marks, first_payments
from neonpay.analytics.marks import Marks, marks, newer
from neonpay.analytics.measures import IN_STARS, microseconds_of
from neonpay.analytics.people_figures import Cohort
from neonpay.analytics.periods import Bucket, Period, Span
from neonpay.analytics.scope import Scope
from neonpay.ledger import Transaction
from neonpay.ledger.table_kit import unindexed
from neonpay.ledger.tables import payments
from neonpay.ledger.tables_rollups import DAY_US, rollup_ages, rollup_cohorts

Counts = sa.Select[Any]
"""Rows of a place, an age, how many buyers and their Stars."""
_FIRST: Final = microseconds_of(rollup_ages.c.first_at)


def cohorts(transaction: Transaction, scope: Scope, period: Period, months: int, now: datetime) -> tuple[Cohort, ...]:
    """People by the month of the zone in which they have paid these bots first, and what they paid in each thirty days since.

    Age 0 is the thirty days from the first payment on, of each person their own. Net: Stars paid at that age, less what went
    back of them whenever. An age that not everybody in a cohort has come to the end of is incomplete.
    """
    spans = _months(period, months)
    # The rollup knows nothing of stages.
    after = {} if scope.stage_ids is not None else marks(transaction, scope, COHORTS)
    until_us = period.span.ends_us
    parts = (
        _from_rollup(scope, spans, until_us, after)
        if after
        else [(_from_tables(transaction, scope, spans, until_us), 1)]
    )
    found: dict[int, dict[int, tuple[int, int]]] = defaultdict(lambda: defaultdict(lambda: (0, 0)))
    for query, sign in parts:
        for row in transaction.connection.execute(query):
            place, age, people, stars = map(int, row)
            known = found[place][age]
            found[place][age] = (known[0] + sign * people, known[1] + sign * stars)
    until = min(period.until, now)
    return tuple(_cohort(span, found[place], until) for place, span in enumerate(spans))


def _cohort(span: Span, by_age: dict[int, tuple[int, int]], until: datetime) -> Cohort:
    oldest = max((until - span.starts_at) // AGE, 0)
    ages = [by_age.get(old, (0, 0)) for old in range(oldest + 1)]
    return Cohort(
        span=span,
        size=ages[0][0],
        buyers=tuple(number for number, _ in ages),
        net_stars=tuple(stars for _, stars in ages),
        complete=max((until - span.ends_at) // AGE, 0),
    )


def _from_tables(transaction: Transaction, scope: Scope, spans: Sequence[Span], until_us: int) -> Counts:
    return _counted_anew(
        first_payments(scope, buyer_marks(transaction, scope)).subquery("known"), scope, spans, until_us
    )


def _from_rollup(scope: Scope, spans: Sequence[Span], until_us: int, after: Marks) -> list[tuple[Counts, int]]:
    """What is to be added and, with -1, to be taken off.

    Everybody as the rollup has them, by day where it is a whole one. Those of whom it does not know what is asked for are taken
    off, and counted anew: who has newer events, who has paid after the end, and who has paid several of the bots.
    """
    apart = _apart(scope, until_us, after).cte("apart").prefix_with("MATERIALIZED")
    whole, rest = cut([(place, span.starts_us, span.ends_us) for place, span in enumerate(spans)], DAY_US)
    parts = [(_of_days(scope, table_of(whole)), 1)] if whole else []
    if rest:
        edges = table_of(rest)
        is_in = sa.and_(edges.c.starts <= _FIRST, edges.c.ends > _FIRST)
        some = _of_ages(edges).select_from(edges).join(rollup_ages, is_in)
        parts.append((some.where(scope.has(rollup_ages.c.bot_id)), 1))
    edges = edges_of(spans)
    ages, first = rollup_ages.c, _FIRST.label("first")
    of_them = sa.select(ages.age, ages.stars, first).where(
        scope.has(ages.bot_id), ages.user_id.in_(sa.select(apart.c.user_id))
    )
    # Read whole and before the edges: SQLite would go through everybody's ages for each of these.
    theirs = of_them.cte("theirs").prefix_with("MATERIALIZED")
    is_in = sa.and_(theirs.c.first >= edges.c.starts, theirs.c.first < edges.c.ends)
    sums = (sa.func.count(), sa.func.sum(theirs.c.stars))
    off = sa.select(edges.c.place, theirs.c.age, *sums).join_from(edges, theirs, is_in)
    parts.append((off.group_by(edges.c.place, theirs.c.age), -1))
    known = first_of(apart, scope.has(payments.c.bot_id)).subquery("known")
    return [*parts, (_counted_anew(known, scope, spans, until_us), 1)]


def _of_days(scope: Scope, edges: sa.sql.selectable.NamedFromClause) -> Counts:
    day = microseconds_of(rollup_cohorts.c.day)
    is_in = sa.and_(day >= edges.c.starts, day < edges.c.ends)
    sums = (sa.func.sum(rollup_cohorts.c.n), sa.func.sum(rollup_cohorts.c.stars))
    query = sa.select(edges.c.place, rollup_cohorts.c.age, *sums).join_from(edges, rollup_cohorts, is_in)
    return query.where(scope.has(rollup_cohorts.c.bot_id)).group_by(edges.c.place, rollup_cohorts.c.age)


def _of_ages(edges: sa.sql.selectable.NamedFromClause) -> Counts:
    sums = (sa.func.count(), sa.func.sum(rollup_ages.c.stars))
    return sa.select(edges.c.place, rollup_ages.c.age, *sums).group_by(edges.c.place, rollup_ages.c.age)


def _apart(scope: Scope, until_us: int, after: Marks) -> sa.CompoundSelect[Any]:
    parts = [sa.select(one.c.user_id) for one in (touched_by(part).subquery() for part in newer(after))]
    is_later = microseconds_of(payments.c.paid_at) >= until_us
    parts.append(sa.select(payments.c.user_id).where(scope.has(payments.c.bot_id), IN_STARS, is_later))
    if len(scope.bot_ids) > 1:
        one, other = rollup_ages.alias("one"), rollup_ages.alias("other")
        is_same = sa.and_(one.c.user_id == other.c.user_id, one.c.bot_id < other.c.bot_id)
        both = sa.select(one.c.user_id).join_from(one, other, is_same)
        parts.append(both.where(scope.has(one.c.bot_id), scope.has(other.c.bot_id), one.c.age == 0, other.c.age == 0))
    return sa.union(*parts)


def _counted_anew(
    known: sa.sql.selectable.NamedFromClause, scope: Scope, spans: Sequence[Span], until_us: int
) -> Counts:
    """The cohorts of these people, by their ``first`` payment, from all their payments."""
    edges = edges_of(spans)
    is_in = sa.and_(known.c.first >= edges.c.starts, known.c.first < edges.c.ends)
    first = sa.select(edges.c.place, known).join_from(edges, known, is_in).cte("first").prefix_with("MATERIALIZED")
    paid = aged(first, scope.has(payments.c.bot_id, payments.c.stage_id))
    rows = paid.add_columns(first.c.place).where(unindexed(microseconds_of(payments.c.paid_at)) < until_us).subquery()
    figures = (sa.func.count(sa.distinct(rows.c.user_id)), sa.func.sum(rows.c.stars))
    return sa.select(rows.c.place, rows.c.age, *figures).group_by(rows.c.place, rows.c.age)


def _months(period: Period, months: int) -> tuple[Span, ...]:
    """So many months, the last of which is that of the end of the period."""
    last = Period.this(Bucket.MONTH, now=period.until - timedelta(microseconds=1), zone=period.zone)
    starts = [last.since]
    for _ in range(months - 1):
        starts.append(Period.this(Bucket.MONTH, now=starts[-1] - timedelta(microseconds=1), zone=period.zone).since)
    ends = [period.until, *starts[:-1]]
    spans = [Span(start, end, end != period.until) for start, end in zip(starts, ends, strict=True)]
    return tuple(reversed(spans))
