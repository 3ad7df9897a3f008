"""Subscriptions: who has one at a moment, what it pays in thirty days, who came, who left and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Final

from neonpay.analytics.people_figures import Movement, Plan, Renewals, Subscribers
from neonpay.analytics.periods import Bucket, Period, Span
from neonpay.analytics.scope import Scope
from neonpay.analytics.subscription_counts import (
    CHURNS,
    CONTRACTION,
    EXPANSION,
    NEW,
    RETURNED,
    Moved,
    Standing,
    SubscriptionCounts,
)
from neonpay.analytics.titles import titles
from neonpay.core.clock import microseconds
from neonpay.ledger import Transaction

FORECAST_DAYS: Final = 30
_STARS_ALONE: Final = (EXPANSION, CONTRACTION)
_HEADS_TOO: Final = (NEW, RETURNED, *CHURNS)


def active_count(transaction: Transaction, scope: Scope, at: datetime) -> int:
    """How many subscriptions are paid for at a moment: one for each buyer, bot and stage; cancelled ones until they end."""
    at_us = microseconds(at)
    return SubscriptionCounts(transaction, scope, at_us, at_us).active(at_us)


def subscribers(transaction: Transaction, scope: Scope, period: Period, by: Bucket, now: datetime) -> Subscribers:
    """Who has a subscription, what that brings in thirty days, and how both have changed from bucket to bucket.

    Active: one for each buyer, bot and stage with a paid period in force; a cancelled one until its period ends.
    30-day MRR: what the periods in force were paid with, since Telegram sells periods of thirty days only. Movement: a
    subscriber's MRR at the end of a bucket beside that at its beginning. New: nothing before and never a subscription of these
    stages until then; returned: nothing at the beginning but earlier; expansion and contraction: more and less than at the
    beginning; churn: nothing at the end. Churn is voluntary when Telegram told of the period that ended last that the buyer,
    or the program, has cancelled, involuntary when it told that the buyer had not enough Stars, and untold otherwise.
    Who comes and leaves within one bucket is in none of these.
    """
    spans = period.buckets(by)
    counts = SubscriptionCounts(transaction, scope, spans[0].starts_us, spans[-1].ends_us)
    at_end = counts.standing(spans[-1].ends_us)
    moved = counts.moved(spans)
    active, mrr = sum(one.active for one in at_end.values()), sum(one.mrr_stars for one in at_end.values())
    before = active - sum(one.count for one in moved), mrr - sum(one.stars for one in moved)
    return Subscribers(
        period=period,
        by=by,
        active=active,
        mrr_stars=mrr,
        active_before=before[0],
        mrr_before_stars=before[1],
        renewing=sum(one.renewing for one in at_end.values()),
        movements=tuple(_movements(spans, moved, *before)),
        plans=_plans(at_end, titles(transaction, scope)),
        forecast=forecast(transaction, scope, period, now),
    )


def forecast(transaction: Transaction, scope: Scope, period: Period, now: datetime) -> tuple[Renewals, ...]:
    """Paid periods that are in force now and end on each of the next thirty days of the zone, unless they were cancelled.

    What the forecast says is to renew; whether the buyers have the Stars nobody knows. The first day is today, from now on.
    """
    now_us = microseconds(now)
    today = now.astimezone(period.zone).date()
    days = [today + timedelta(days=ahead) for ahead in range(FORECAST_DAYS + 1)]
    starts = [datetime.combine(day, time.min, tzinfo=period.zone) for day in days]
    spans = [Span(start, end) for start, end in pairwise(starts)]
    ending = SubscriptionCounts(transaction, scope, now_us, now_us).ending(now_us, spans)
    return tuple(Renewals(day, *ending.get(place, (0, 0))) for place, day in enumerate(days[:-1]))


def _plans(at_end: Mapping[str, Standing], names: Mapping[str, str]) -> tuple[Plan, ...]:
    plans = [
        Plan(
            stage_id=stage_id,
            title=names.get(stage_id, ""),
            active=one.active,
            mrr_stars=one.mrr_stars,
            renewing=one.renewing,
        )
        for stage_id, one in at_end.items()
    ]
    return tuple(sorted(plans, key=lambda plan: (-plan.mrr_stars, plan.stage_id)))


def _movements(spans: Sequence[Span], moved: Sequence[Moved], active: int, mrr_stars: int) -> Iterator[Movement]:
    for span, one in zip(spans, moved, strict=True):
        active += one.count
        mrr_stars += one.stars
        heads = {kind: one.kinds.get(kind, (0, 0))[0] for kind in _HEADS_TOO}
        stars = {f"{kind}_stars": one.kinds.get(kind, (0, 0))[1] for kind in (*_HEADS_TOO, *_STARS_ALONE)}
        yield Movement(span=span, mrr_stars=mrr_stars, active=active, **heads, **stars)
