"""Customers: people, each once, whichever of the bots they paid."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from neonpay.analytics.counting import edges_of
from neonpay.analytics.measures import IN_STARS, microseconds_of, unindexed
from neonpay.analytics.people_figures import Cohort, Customers
from neonpay.analytics.periods import Bucket, Period, Span
from neonpay.analytics.rollups import Marks, buyers, marks
from neonpay.analytics.scope import Scope
from neonpay.analytics.takings import takings_in
from neonpay.core.clock import moment
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import RefundState
from neonpay.ledger import Transaction
from neonpay.ledger.tables import payments, people, refunds

_AGE: Final = timedelta(days=30)
_AGE_US: Final = 30 * 86_400 * 1_000_000
_EPOCH: Final = moment(0)


def paying(transaction: Transaction, scope: Scope, span: Span) -> int:
    """How many people have paid in a span."""
    paid_at = microseconds_of(payments.c.paid_at)
    is_in = (IN_STARS, paid_at >= span.starts_us, paid_at < span.ends_us)
    after = _marks(transaction, scope)
    if not after:
        query = sa.select(sa.func.count(sa.distinct(payments.c.user_id)))
        query = query.where(scope.has(payments.c.bot_id, payments.c.stage_id), *is_in)
        return int(transaction.connection.execute(query).scalar_one())
    # Most are told by their first and last payment; only of those who paid before and after it payments are looked at.
    known = buyers(after).subquery("known")
    has_paid = sa.exists().where(payments.c.bot_id == known.c.bot_id, payments.c.user_id == known.c.user_id, *is_in)
    # Of one bot each buyer is there once.
    number = sa.func.count() if len(scope.bot_ids) == 1 else sa.func.count(sa.distinct(known.c.user_id))
    query = (
        sa.select(number)
        .select_from(known)
        .where(
            known.c.first < span.ends_us,
            known.c.last >= span.starts_us,
            sa.or_(known.c.first >= span.starts_us, known.c.last < span.ends_us, has_paid),
        )
    )
    return int(transaction.connection.execute(query).scalar_one())


def new_customers(transaction: Transaction, scope: Scope, span: Span) -> int:
    """How many people have paid these bots, for what is looked at, for the first time in a span."""
    first = _first_payments(transaction, scope).subquery("first")
    is_in = sa.and_(first.c.first >= span.starts_us, first.c.first < span.ends_us)
    query = sa.select(sa.func.count()).select_from(first).where(is_in)
    return int(transaction.connection.execute(query).scalar_one())


def _marks(transaction: Transaction, scope: Scope) -> Marks:
    """How far the rollup of buyers has come, which knows nothing of stages."""
    return {} if scope.stage_ids is not None else marks(transaction, scope)


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
    ever = paying(transaction, scope, ever_span)
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


def cohorts(transaction: Transaction, scope: Scope, period: Period, months: int, now: datetime) -> tuple[Cohort, ...]:
    """People by the month of the zone in which they have paid these bots first, and what they paid in each thirty days since.

    Age 0 is the thirty days from the first payment on, of each person their own. Net: Stars paid at that age, less what went
    back of them whenever. An age that not everybody in a cohort has come to the end of is incomplete.
    """
    spans = _months(period, months)
    edges = edges_of(spans)
    known = _first_payments(transaction, scope).subquery("known")
    is_in = sa.and_(known.c.first >= edges.c.starts, known.c.first < edges.c.ends)
    first = sa.select(edges.c.place, known).join_from(edges, known, is_in).cte("first").prefix_with("MATERIALIZED")
    paid_at = microseconds_of(payments.c.paid_at)
    age = (paid_at - first.c.first) // sa.literal_column(str(_AGE_US), sa.BigInteger)
    is_back = sa.and_(
        refunds.c.bot_id == payments.c.bot_id,
        refunds.c.charge_id == payments.c.charge_id,
        refunds.c.state == RefundState.REFUNDED.value,
    )
    net = sa.case((refunds.c.charge_id.is_(None), payments.c.amount_stars), else_=0)
    query = (
        sa.select(first.c.place, age, sa.func.count(sa.distinct(payments.c.user_id)), sa.func.sum(net))
        .select_from(first)
        .join(payments, payments.c.user_id == first.c.user_id)
        .outerjoin(refunds, is_back)
        .where(payments.c.currency == CURRENCY, scope.has(payments.c.bot_id, payments.c.stage_id))
        .where(unindexed(paid_at) < period.span.ends_us)
        .group_by(first.c.place, age)
    )
    found: dict[int, dict[int, tuple[int, int]]] = {}
    for place, old, people_count, stars in transaction.connection.execute(query):
        found.setdefault(int(place), {})[int(old)] = (int(people_count), int(stars))
    made = []
    for place, span in enumerate(spans):
        by_age = found.get(place, {})
        oldest = max((min(period.until, now) - span.starts_at) // _AGE, 0)
        ages = [by_age.get(old, (0, 0)) for old in range(oldest + 1)]
        made.append(
            Cohort(
                span=span,
                size=by_age.get(0, (0, 0))[0],
                buyers=tuple(number for number, _ in ages),
                net_stars=tuple(stars for _, stars in ages),
                complete=max((min(period.until, now) - span.ends_at) // _AGE, 0),
            )
        )
    return tuple(made)


def _months(period: Period, months: int) -> tuple[Span, ...]:
    """So many months, the last of which is that of the end of the period."""
    last = Period.this(Bucket.MONTH, now=period.until - timedelta(microseconds=1), zone=period.zone)
    starts = [last.since]
    for _ in range(months - 1):
        starts.append(Period.this(Bucket.MONTH, now=starts[-1] - timedelta(microseconds=1), zone=period.zone).since)
    ends = [period.until, *starts[:-1]]
    spans = [Span(start, end, end != period.until) for start, end in zip(starts, ends, strict=True)]
    return tuple(reversed(spans))


def _seen(transaction: Transaction, scope: Scope, span: Span) -> tuple[int, int, int]:
    """People seen until the end of a span, first seen in it, and who of these has paid before its end; each once."""
    since = (
        sa.select(people.c.user_id, sa.func.min(microseconds_of(people.c.first_seen)).label("first"))
        .where(scope.has(people.c.bot_id))
        .group_by(people.c.user_id)
        .subquery()
    )
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


def _first_payments(transaction: Transaction, scope: Scope) -> sa.Select[tuple[int, int]]:
    after = _marks(transaction, scope)
    if after:
        known = buyers(after).subquery("known")
        if len(scope.bot_ids) == 1:  # by whose first payment they are found
            return sa.select(known.c.user_id, known.c.first)
        return sa.select(known.c.user_id, sa.func.min(known.c.first).label("first")).group_by(known.c.user_id)
    return (
        sa.select(payments.c.user_id, sa.func.min(microseconds_of(payments.c.paid_at)).label("first"))
        .where(IN_STARS, scope.has(payments.c.bot_id, payments.c.stage_id))
        .group_by(payments.c.user_id)
    )
