"""Customers: people, each once, whichever of the bots they paid."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from neonpay.analytics.cohorts import cohorts
from neonpay.analytics.firsts import buyer_marks, first_payments
from neonpay.analytics.marks import Numbers, names_of, numbers_of
from neonpay.analytics.measures import IN_STARS, microseconds_of, unindexed
from neonpay.analytics.people_figures import Customers
from neonpay.analytics.periods import Period, Span
from neonpay.analytics.rollups import buyers, buyers_anew, newer_buyers
from neonpay.analytics.scope import Scope
from neonpay.analytics.takings import takings_in
from neonpay.core.clock import moment
from neonpay.core.limits import CURRENCY
from neonpay.ledger import Statement, Transaction
from neonpay.ledger.tables import payments, people
from neonpay.ledger.tables_rollups import rollup_buyers

_EPOCH: Final = moment(0)
_SPAN: Final = ("starts", "ends")
_Time: TypeAlias = sa.BindParameter[int]
_KEPT: Final = 100
"""Statements of each kind that are kept: one for each choice of bots and stages."""


def paying(transaction: Transaction, scope: Scope, span: Span) -> int:
    """How many people have paid in a span."""
    after = buyer_marks(transaction, scope)
    found = transaction.rows(_paying(scope, tuple(after)), span.starts_us, span.ends_us, *after.values())
    return int(found[0][0])


def new_customers(transaction: Transaction, scope: Scope, span: Span) -> int:
    """How many people have paid these bots, for what is looked at, for the first time in a span."""
    after = buyer_marks(transaction, scope)
    found = transaction.rows(_new(scope, tuple(after)), span.starts_us, span.ends_us, *after.values())
    return int(found[0][0])


@lru_cache(_KEPT)
def _paying(scope: Scope, bots: tuple[int, ...]) -> Statement:
    return Statement(lambda _: _count_paying(scope, bots), *_SPAN, *names_of(bots))


def _count_paying(scope: Scope, bots: tuple[int, ...]) -> sa.Select[Any]:
    starts, ends = (sa.bindparam(name, type_=sa.BigInteger) for name in _SPAN)
    paid_at = microseconds_of(payments.c.paid_at)
    is_in = (IN_STARS, paid_at >= starts, paid_at < ends)
    if not bots:
        query = sa.select(sa.func.count(sa.distinct(payments.c.user_id)))
        return query.where(scope.has(payments.c.bot_id, payments.c.stage_id), *is_in)
    if len(bots) == len(scope.bot_ids) == 1:
        return _count_of_one_bot(numbers_of(bots), starts, ends)
    known = buyers(numbers_of(bots)).subquery("known")
    ways = _ways(known.c.first, known.c.last, _has_paid(known, starts, ends), starts, ends)
    return sa.select(sa.func.count(sa.distinct(known.c.user_id))).select_from(known).where(sa.or_(*ways))


def _count_of_one_bot(after: Numbers, starts: _Time, ends: _Time) -> sa.Select[Any]:
    """Of one bot each buyer is there once, and in one way: three ranges are counted, and what is newer is put right.

    Leaving those who are newer out of the ranges, which are all buyers of the period, takes five times as long.
    """
    touched = newer_buyers(after)
    first, last = (microseconds_of(column) for column in (rollup_buyers.c.first_paid_at, rollup_buyers.c.last_paid_at))
    is_its = Scope(tuple(after)).has(rollup_buyers.c.bot_id)
    ways = _ways(first, last, _has_paid(rollup_buyers, starts, ends), starts, ends)
    known = [sa.select(sa.func.count()).select_from(rollup_buyers).where(is_its, way).scalar_subquery() for way in ways]
    # By their users, so that these are looked up and no range is gone through again.
    as_known = sa.select(unindexed(first).label("first"), unindexed(last).label("last"), *_who(rollup_buyers))
    as_known = as_known.where(is_its, rollup_buyers.c.user_id.in_(sa.select(touched.c.user_id)))
    corrected = [
        sa.select(sa.func.count())
        .select_from(rows)
        .where(sa.or_(*_ways(rows.c.first, rows.c.last, _has_paid(rows, starts, ends), starts, ends)))
        .scalar_subquery()
        for rows in (as_known.subquery("as_known"), buyers_anew(after, touched).subquery("anew"))
    ]
    return sa.select(known[0] + known[1] + known[2] - corrected[0] + corrected[1])


def _ways(
    first: sa.ColumnElement[int],
    last: sa.ColumnElement[int],
    has_paid: sa.ColumnElement[bool],
    starts: _Time,
    ends: _Time,
) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """How somebody can have paid in a span: last in it, else first in it, else before and after it and in between as well.

    Nobody has paid in two of these ways. Only of those who may have paid in the last one payments are looked at.
    """
    return (
        sa.and_(last >= starts, last < ends),
        sa.and_(last >= ends, first >= starts, first < ends),
        sa.and_(last >= ends, first < starts, has_paid),
    )


def _has_paid(known: sa.FromClause, starts: _Time, ends: _Time) -> sa.ColumnElement[bool]:
    paid_at = microseconds_of(payments.c.paid_at)
    is_in = (IN_STARS, paid_at >= starts, paid_at < ends)
    return sa.exists().where(payments.c.bot_id == known.c.bot_id, payments.c.user_id == known.c.user_id, *is_in)


def _who(known: sa.FromClause) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
    return known.c.bot_id, known.c.user_id


@lru_cache(_KEPT)
def _new(scope: Scope, bots: tuple[int, ...]) -> Statement:
    return Statement(lambda _: _count_new(scope, bots), *_SPAN, *names_of(bots))


def _count_new(scope: Scope, bots: tuple[int, ...]) -> sa.Select[Any]:
    starts, ends = (sa.bindparam(name, type_=sa.BigInteger) for name in _SPAN)
    first = first_payments(scope, numbers_of(bots)).subquery("first")
    return sa.select(sa.func.count()).select_from(first).where(first.c.first >= starts, first.c.first < ends)


def customers(transaction: Transaction, scope: Scope, period: Period, months: int, now: datetime) -> Customers:
    """Who bought in a period, for the first time or again, and what they have brought.

    A customer is a person who has paid any of these bots, each once. New: whose first payment it was. Seen: people whose names
    an update told until the end of the period. ARPU and ARPPU: net of the period for each person seen, and for each who paid.
    LTV, realised: net over all time, for each person who has ever paid. Conversion: of the people first seen in the period,
    the share that has paid before its end.
    """
    span = period.span
    net = takings_in(transaction, scope, span).net_stars
    number = paying(transaction, scope, span)
    ever_span = Span(_EPOCH, period.until)
    ever = new_customers(transaction, scope, ever_span)  # whoever has paid until then has paid first until then
    seen, first_seen, converted = _seen(transaction, scope, span)
    return Customers(
        period=period,
        paying=number,
        new=new_customers(transaction, scope, span),
        ever=ever,
        seen=seen,
        arpu_stars=net / seen if seen else None,
        arppu_stars=net / number if number else None,
        ltv_stars=takings_in(transaction, scope, ever_span).net_stars / ever if ever else None,
        conversion=converted / first_seen if first_seen else None,
        cohorts=cohorts(transaction, scope, period, months, now),
    )


def _seen(transaction: Transaction, scope: Scope, span: Span) -> tuple[int, int, int]:
    """People seen until the end of a span, first seen in it, and who of these has paid before its end; each once."""
    first = microseconds_of(people.c.first_seen)
    known = sa.select(people.c.user_id).where(scope.has(people.c.bot_id))
    if len(scope.bot_ids) == 1:  # of one bot each person is there once
        since = known.add_columns(first.label("first")).subquery()
    else:
        since = known.add_columns(sa.func.min(first).label("first")).group_by(people.c.user_id).subquery()
    is_in = since.c.first >= span.starts_us
    has_paid = sa.exists().where(
        payments.c.user_id == since.c.user_id,
        payments.c.currency == CURRENCY,
        scope.has(payments.c.bot_id, payments.c.stage_id),
        unindexed(microseconds_of(payments.c.paid_at)) < span.ends_us,
    )
    figures = (
        sa.func.count(),
        sa.func.sum(sa.case((is_in, 1), else_=0)),
        sa.func.sum(sa.case((sa.and_(is_in, has_paid), 1), else_=0)),
    )
    query = sa.select(*figures).select_from(since).where(since.c.first < span.ends_us)
    seen, first_seen, converted = transaction.connection.execute(query).one()
    return int(seen), int(first_seen or 0), int(converted or 0)
