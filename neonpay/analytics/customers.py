"""Customers: people, each once, whichever of the bots they paid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import sqlalchemy as sa

from neonpay.analytics.cohorts import cohorts
from neonpay.analytics.firsts import buyer_marks, first_payments
from neonpay.analytics.marks import Numbers, names_of, numbers_of
from neonpay.analytics.measures import IN_STARS, microseconds_of
from neonpay.analytics.people_figures import Customers
from neonpay.analytics.periods import Period, Span
from neonpay.analytics.rollups import buyers, buyers_anew, newer_buyers
from neonpay.analytics.scope import Scope
from neonpay.analytics.takings import takings_in
from neonpay.core.clock import moment
from neonpay.core.limits import CURRENCY
from neonpay.ledger import Statement, Transaction
from neonpay.ledger.table_kit import unindexed
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
    if not bots:
        query = sa.select(sa.func.count(sa.distinct(payments.c.user_id))).where(IN_STARS)
        is_in = _is_in(microseconds_of(payments.c.paid_at), starts, ends)
        return query.where(scope.has(payments.c.bot_id, payments.c.stage_id), is_in)
    if len(bots) == len(scope.bot_ids) == 1:
        return _counted_by_ranges(numbers_of(bots), lambda known: _ways(known, starts, ends))
    rows = buyers(numbers_of(bots)).subquery("known")
    known = _Known(rows.c.first, rows.c.last, rows.c.bot_id, rows.c.user_id)
    number = sa.func.count(sa.distinct(known.user_id))
    return sa.select(number).select_from(rows).where(sa.or_(*_ways(known, starts, ends)))


class _Known(NamedTuple):
    """What is known of buyers: when each has paid first and last, and who it is."""

    first: sa.ColumnElement[int]
    last: sa.ColumnElement[int]
    bot_id: sa.ColumnElement[int]
    user_id: sa.ColumnElement[int]


_Ways: TypeAlias = tuple[sa.ColumnElement[bool], ...]


def _counted_by_ranges(after: Numbers, ways: Callable[[_Known], _Ways]) -> sa.Select[Any]:
    """How many buyers of one bot are in one of several ranges, of which nobody is in two.

    The ranges are counted as the rollup has them, and what it does not know yet is put right. Leaving those who are newer out
    of the ranges takes five times as long: each buyer in them is looked up among the newer ones.
    """
    touched = newer_buyers(after)
    columns = rollup_buyers.c
    first, last = (microseconds_of(column) for column in (columns.first_paid_at, columns.last_paid_at))
    is_its = Scope(tuple(after)).has(columns.bot_id)
    ranges = [
        sa.select(sa.func.count()).select_from(rollup_buyers).where(is_its, way).scalar_subquery()
        for way in ways(_Known(first, last, columns.bot_id, columns.user_id))
    ]
    # By their users: these are looked up, and no range is gone through again.
    as_known = sa.select(
        unindexed(first).label("first"), unindexed(last).label("last"), columns.bot_id, columns.user_id
    )
    as_known = as_known.where(is_its, columns.user_id.in_(sa.select(touched.c.user_id)))
    was, is_now = (
        sa.select(sa.func.count())
        .select_from(rows)
        .where(sa.or_(*ways(_Known(rows.c.first, rows.c.last, rows.c.bot_id, rows.c.user_id))))
        .scalar_subquery()
        for rows in (as_known.subquery("as_known"), buyers_anew(after, touched).subquery("anew"))
    )
    counted: sa.ColumnElement[int] = ranges[0]
    for one in ranges[1:]:
        counted += one
    return sa.select(counted - was + is_now)


def _ways(known: _Known, starts: _Time, ends: _Time) -> _Ways:
    """How somebody can have paid in a span: last in it, else first in it, else before and after it and in between as well.

    Only of those who may have paid in the last of these ways payments are looked at.
    """
    paid_at = microseconds_of(payments.c.paid_at)
    is_theirs = (payments.c.bot_id == known.bot_id, payments.c.user_id == known.user_id)
    has_paid = sa.exists().where(*is_theirs, IN_STARS, _is_in(paid_at, starts, ends))
    return (
        _is_in(known.last, starts, ends),
        sa.and_(known.last >= ends, _is_in(known.first, starts, ends)),
        sa.and_(known.last >= ends, known.first < starts, has_paid),
    )


def _is_in(at: sa.ColumnElement[int], starts: _Time, ends: _Time) -> sa.ColumnElement[bool]:
    return sa.and_(at >= starts, at < ends)


@lru_cache(_KEPT)
def _new(scope: Scope, bots: tuple[int, ...]) -> Statement:
    return Statement(lambda _: _count_new(scope, bots), *_SPAN, *names_of(bots))


def _count_new(scope: Scope, bots: tuple[int, ...]) -> sa.Select[Any]:
    starts, ends = (sa.bindparam(name, type_=sa.BigInteger) for name in _SPAN)
    if len(bots) == len(scope.bot_ids) == 1:
        return _counted_by_ranges(numbers_of(bots), lambda known: (_is_in(known.first, starts, ends),))
    first = first_payments(scope, numbers_of(bots)).subquery("first")
    return sa.select(sa.func.count()).select_from(first).where(_is_in(first.c.first, starts, ends))


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
