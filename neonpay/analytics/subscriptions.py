"""Subscriptions: who has one at a moment, what it pays in thirty days, who came, who left and why."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa

from neonpay.analytics.measures import microseconds_of, unindexed
from neonpay.analytics.people_figures import Movement, Plan, Renewals, Subscribers
from neonpay.analytics.periods import Bucket, Period, Span
from neonpay.analytics.scope import Scope
from neonpay.analytics.titles import titles
from neonpay.core.clock import microseconds, moment
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import PaymentState, RefundState
from neonpay.core.subscriptions import SubscriptionState
from neonpay.ledger import Transaction
from neonpay.ledger.tables import payments, refunds, subscriptions

FORECAST_DAYS: Final = 30
_IN_FORCE: Final = (PaymentState.ACCEPTED.value, PaymentState.REFUNDED.value)
_AT_ONCE: Final = 500
_TOLD_WITHIN_US: Final = 86_400 * 1_000_000
"""How long after the end of a period Telegram may tell what has become of it; a later word is about a later period."""

Subscriber = tuple[int, int]
"""A bot and a user."""


class PaidPeriod(NamedTuple):
    """One paid period of a subscription: from its payment to its end, or to its refund.

    Attributes:
        told: what Telegram has told of the subscription since it was paid; None for nothing.
    """

    subscriber: Subscriber
    stage_id: str
    stars: int
    starts_us: int
    ends_us: int
    told: str | None


def paid_periods(transaction: Transaction, scope: Scope, since_us: int, until_us: int) -> list[PaidPeriod]:
    """The paid periods of subscriptions that are in force at some moment from ``since_us`` to ``until_us``.

    One is in force from its payment until it ends, or until it is refunded; one that nobody has accepted is not.
    """
    starts, ends = microseconds_of(payments.c.paid_at), microseconds_of(payments.c.subscription_expires_at)
    refunded = microseconds_of(refunds.c.finished_at)
    is_refunded = sa.and_(
        refunds.c.bot_id == payments.c.bot_id,
        refunds.c.charge_id == payments.c.charge_id,
        refunds.c.state == RefundState.REFUNDED.value,
    )
    is_its = sa.and_(
        subscriptions.c.bot_id == payments.c.bot_id,
        subscriptions.c.user_id == payments.c.user_id,
        subscriptions.c.invoice_id == payments.c.invoice_id,
        # A word of before this period was paid was about an earlier one.
        microseconds_of(subscriptions.c.changed_at) >= microseconds_of(payments.c.recorded_at),
        microseconds_of(subscriptions.c.changed_at) <= ends + _TOLD_WITHIN_US,
    )
    query = (
        sa.select(
            payments.c.bot_id,
            payments.c.user_id,
            sa.func.coalesce(payments.c.stage_id, ""),
            payments.c.amount_stars,
            starts,
            ends,
            refunded,
            subscriptions.c.state,
        )
        .select_from(payments)
        .outerjoin(refunds, is_refunded)
        .outerjoin(subscriptions, is_its)
        .where(
            scope.has(payments.c.bot_id, payments.c.stage_id),
            payments.c.currency == CURRENCY,
            payments.c.state.in_(_IN_FORCE),
            ends > since_us,
            unindexed(starts) <= until_us,
        )
    )
    found = []
    for bot_id, user_id, stage_id, stars, starts_us, ends_us, refunded_us, told in transaction.connection.execute(
        query
    ):
        until = ends_us if refunded_us is None else min(ends_us, refunded_us)
        if until > max(since_us, starts_us):
            found.append(PaidPeriod((bot_id, user_id), stage_id, int(stars), starts_us, until, told))
    return found


def active_at(periods: Iterable[PaidPeriod], at_us: int) -> dict[Subscriber, dict[str, PaidPeriod]]:
    """For each subscriber the period in force for each stage; of several, the one that ends last."""
    found: dict[Subscriber, dict[str, PaidPeriod]] = defaultdict(dict)
    for period in periods:
        if period.starts_us <= at_us < period.ends_us:
            known = found[period.subscriber].get(period.stage_id)
            if known is None or (period.ends_us, period.starts_us) > (known.ends_us, known.starts_us):
                found[period.subscriber][period.stage_id] = period
    return dict(found)


def active_count(transaction: Transaction, scope: Scope, at: datetime) -> int:
    """How many subscriptions are paid for at a moment: one for each buyer, bot and stage; cancelled ones until they end."""
    at_us = microseconds(at)
    return sum(len(stages) for stages in active_at(paid_periods(transaction, scope, at_us, at_us), at_us).values())


def subscribers(transaction: Transaction, scope: Scope, period: Period, by: Bucket, now: datetime) -> Subscribers:
    """Who has a subscription, what that brings in thirty days, and how both have changed from bucket to bucket.

    Active: one for each buyer, bot and stage with a paid period in force; a cancelled one until its period ends.
    30-day MRR: what the periods in force were paid with, since Telegram sells periods of thirty days only. Movement: a
    subscriber's MRR at the end of a bucket beside that at its beginning. New: nothing before and never a subscription of these
    stages until then; returned: nothing at the beginning but earlier; expansion and contraction: more and less than at the
    beginning; churn: nothing at the end. Churn is voluntary when Telegram told that the buyer, or the program, has cancelled,
    involuntary when it told that the buyer had not enough Stars, and untold otherwise; a refund is untold.
    Who comes and leaves within one bucket is in none of these.
    """
    spans = period.buckets(by)
    known = paid_periods(transaction, scope, spans[0].starts_us, spans[-1].ends_us)
    at_end = [one for stages in active_at(known, spans[-1].ends_us).values() for one in stages.values()]
    start = active_at(known, spans[0].starts_us)
    return Subscribers(
        period=period,
        by=by,
        active=len(at_end),
        mrr_stars=sum(one.stars for one in at_end),
        active_before=sum(len(stages) for stages in start.values()),
        mrr_before_stars=sum(one.stars for stages in start.values() for one in stages.values()),
        renewing=sum(renews(one) for one in at_end),
        movements=tuple(_movements(transaction, scope, known, spans)),
        plans=_plans(at_end, titles(transaction, scope)),
        forecast=forecast(transaction, scope, period, now),
    )


def renews(period: PaidPeriod) -> bool:
    """Whether Telegram is to take Stars for another period, as far as it has told."""
    return period.told not in {SubscriptionState.CANCELED, SubscriptionState.FAILED}


def forecast(transaction: Transaction, scope: Scope, period: Period, now: datetime) -> tuple[Renewals, ...]:
    """Paid periods that are in force now and end on each of the next thirty days of the zone, unless they were cancelled.

    What the forecast says is to renew; whether the buyers have the Stars nobody knows. The first day is today, from now on.
    """
    now_us = microseconds(now)
    today = now.astimezone(period.zone).date()
    days = {today + timedelta(days=ahead): [0, 0] for ahead in range(FORECAST_DAYS)}
    for stages in active_at(paid_periods(transaction, scope, now_us, now_us), now_us).values():
        for one in stages.values():
            day = moment(one.ends_us).astimezone(period.zone).date()
            if day in days and renews(one):
                days[day][0] += 1
                days[day][1] += one.stars
    return tuple(Renewals(day, count, stars) for day, (count, stars) in days.items())


def _plans(at_end: Sequence[PaidPeriod], names: Mapping[str, str]) -> tuple[Plan, ...]:
    by_stage: dict[str, list[PaidPeriod]] = defaultdict(list)
    for one in at_end:
        by_stage[one.stage_id].append(one)
    plans = [
        Plan(
            stage_id=stage_id,
            title=names.get(stage_id, ""),
            active=len(each),
            mrr_stars=sum(one.stars for one in each),
            renewing=sum(renews(one) for one in each),
        )
        for stage_id, each in by_stage.items()
    ]
    return tuple(sorted(plans, key=lambda plan: (-plan.mrr_stars, plan.stage_id)))


def _movements(
    transaction: Transaction, scope: Scope, known: Sequence[PaidPeriod], spans: Sequence[Span]
) -> Iterator[Movement]:
    """How MRR moves from edge to edge; only those who began or ended something in a bucket are looked at for it."""
    theirs: dict[Subscriber, list[PaidPeriod]] = defaultdict(list)
    ends_at = [span.ends_us for span in spans]
    begin_us = spans[0].starts_us
    touched: list[set[Subscriber]] = [set() for _ in spans]
    for one in known:
        theirs[one.subscriber].append(one)
        for at_us in (one.starts_us, one.ends_us):
            # What happens at the very end of a bucket is true at that edge.
            place = bisect_left(ends_at, at_us)
            if begin_us < at_us and place < len(spans):
                touched[place].add(one.subscriber)
    standing = active_at(known, spans[0].starts_us)
    count = sum(len(stages) for stages in standing.values())
    stars = sum(_stars(stages) for stages in standing.values())
    changes = []
    arrived: set[Subscriber] = set()
    for span, changed in zip(spans, touched, strict=True):
        here = []
        for subscriber in changed:
            before = standing.pop(subscriber, {})
            after = active_at(theirs[subscriber], span.ends_us).get(subscriber, {})
            if after:
                standing[subscriber] = after
                if not before:
                    arrived.add(subscriber)
            if before or after:
                here.append((subscriber, before, after))
        changes.append(here)
    # Only of those who came it matters whether they had been there before.
    first = _first_ever(transaction, scope, arrived)
    for span, here in zip(spans, changes, strict=True):
        moved = _Moved()
        starts_us = span.starts_us
        for subscriber, before, after in here:
            moved.note(before, after, is_new=not before and first[subscriber] > starts_us)
            count += len(after) - len(before)
            stars += _stars(after) - _stars(before)
        yield Movement(span=span, mrr_stars=stars, active=count, **moved.figures)


@dataclass(slots=True)
class _Moved:
    """What the subscribers of one bucket add up to."""

    figures: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def note(self, before: Mapping[str, PaidPeriod], after: Mapping[str, PaidPeriod], *, is_new: bool) -> None:
        change = _stars(after) - _stars(before)
        if not before and after:
            kind = "new" if is_new else "returned"
        elif before and not after:
            kind = _churn(before)
        else:
            if change:
                self.figures["expansion_stars" if change > 0 else "contraction_stars"] += abs(change)
            return
        self.figures[kind] += 1
        self.figures[f"{kind}_stars"] += abs(change)


def _churn(before: Mapping[str, PaidPeriod]) -> str:
    told = max(before.values(), key=lambda one: (one.ends_us, one.starts_us, one.stage_id)).told
    if told == SubscriptionState.CANCELED:
        return "voluntary_churn"
    return "involuntary_churn" if told == SubscriptionState.FAILED else "untold_churn"


def _stars(stages: Mapping[str, PaidPeriod]) -> int:
    return sum(one.stars for one in stages.values())


def _first_ever(transaction: Transaction, scope: Scope, who: Iterable[Subscriber]) -> dict[Subscriber, int]:
    """When each of them has paid for the first period of a subscription, of the stages that are looked at."""
    users = sorted({user_id for _, user_id in who})
    found: dict[Subscriber, int] = {}
    for start in range(0, len(users), _AT_ONCE):
        query = (
            sa.select(payments.c.bot_id, payments.c.user_id, sa.func.min(microseconds_of(payments.c.paid_at)))
            .where(
                scope.has(payments.c.bot_id, payments.c.stage_id),
                payments.c.user_id.in_(users[start : start + _AT_ONCE]),
                payments.c.currency == CURRENCY,
                payments.c.state.in_(_IN_FORCE),
                payments.c.subscription_expires_at.is_not(None),
            )
            .group_by(payments.c.bot_id, payments.c.user_id)
        )
        for bot_id, user_id, first_us in transaction.connection.execute(query):
            found[bot_id, user_id] = int(first_us)
    return found
