"""What was sold: by the reports of the ledger, and for bots that have none by what was told of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from neonpay.analytics.counting import edges_of
from neonpay.analytics.figures import Takings
from neonpay.analytics.managers.asked import Asked
from neonpay.analytics.managers.shapes import RevenueData
from neonpay.analytics.managers.sides import Sides
from neonpay.analytics.measures import microseconds_of
from neonpay.analytics.periods import BUCKETS_MAX, Bucket, Span
from neonpay.analytics.scope import Split
from neonpay.analytics.takings import takings_by
from neonpay.ledger import Transaction
from neonpay.ledger.tables_tracking import soft_events
from neonpay.tracking.kinds import LedgerKind

GIVEN_BACK: Final = ("payment_refunded", "payment_rejected")
"""Kinds by which programs tell that Stars went back, in Stars below zero; such an event counts at its own time."""
HOURLY_DAYS_MAX: Final = 92
"""Up to how many days a report has hours although it was asked for something else."""


def takings(
    transaction: Transaction, sides: Sides, spans: Sequence[Span], split: Split | None = None
) -> dict[tuple[int, str], Takings]:
    """What was paid in each span, and what of it went back, by its place and by what it is taken apart by."""
    found: dict[tuple[int, str], Takings] = defaultdict(Takings)
    for start in range(0, len(spans), BUCKETS_MAX):
        some = spans[start : start + BUCKETS_MAX]
        if sides.scope is not None:
            for (place, key, _), one in takings_by(transaction, sides.scope, some, split).items():
                found[start + place, key] += one
        if sides.told:
            for (place, key), one in _told(transaction, sides.told, some, split).items():
                found[start + place, key] += one
    return dict(found)


def _told(
    transaction: Transaction, bots: Sequence[int], spans: Sequence[Span], split: Split | None
) -> dict[tuple[int, str], Takings]:
    events = soft_events
    edges = edges_of(spans)
    at = microseconds_of(events.c.at)
    columns = {Split.STAGE: [events.c.subject], Split.BOT: [events.c.bot_id]}
    keys = columns[split] if split is not None else []
    is_paid = events.c.kind == LedgerKind.PAYMENT_COMPLETED.value
    counts = sa.or_(is_paid, sa.and_(events.c.kind.in_(GIVEN_BACK), events.c.stars < 0))
    stars = sa.func.coalesce(events.c.stars, 0)
    figures = [
        sa.func.sum(sa.case((condition, value), else_=0))
        for condition, value in ((is_paid, 1), (is_paid, stars), (~is_paid, 1), (~is_paid, -stars))
    ]
    query = (
        sa.select(edges.c.place, *figures, *keys)
        .join_from(edges, events, sa.and_(at >= edges.c.starts, at < edges.c.ends))
        .where(events.c.bot_id.in_(bots), events.c.kind.in_((LedgerKind.PAYMENT_COMPLETED.value, *GIVEN_BACK)), counts)
        .group_by(edges.c.place, *keys)
    )
    return {
        (int(place), "" if not part or part[0] is None else str(part[0])): Takings(
            int(orders), int(gross), int(returned), int(back)
        )
        for place, orders, gross, returned, back, *part in transaction.connection.execute(query)
    }


def whole(transaction: Transaction, sides: Sides, span: Span) -> Takings:
    """What was paid in one span."""
    return Takings.sum(takings(transaction, sides, [span]).values())


def revenue_data(transaction: Transaction, sides: Sides, asked: Asked) -> RevenueData:
    """What was sold, by the day, the hour and the period that was asked for."""
    total = whole(transaction, sides, asked.period.span)
    by = Bucket(asked.by.value)
    is_fine = by is Bucket.HOUR or asked.days <= HOURLY_DAYS_MAX
    hours = _spans(transaction, sides, asked, Bucket.HOUR) if is_fine else []
    lines = hours or _spans(transaction, sides, asked, Bucket.DAY)
    return RevenueData(
        total_revenue=total.net_stars,
        total_transactions=total.orders,
        average_transaction=total.gross_stars / total.orders if total.orders else 0.0,
        period=asked.by.value,
        start_date=asked.period.since,
        end_date=asked.period.until,
        daily_breakdown=_lines(asked, Bucket.DAY, lines),
        hourly_breakdown=_lines(asked, Bucket.HOUR, [(span, one) for span, one in hours if one.orders]),
        breakdown=_lines(asked, by, lines),
        refunded=total.returned_stars,
    )


def trend(transaction: Transaction, sides: Sides, asked: Asked) -> dict[str, int]:
    """Stars by the period that was asked for, in the order of time."""
    by = Bucket(asked.by.value)
    return _lines(asked, by, _spans(transaction, sides, asked, by))


def _spans(transaction: Transaction, sides: Sides, asked: Asked, by: Bucket) -> list[tuple[Span, Takings]]:
    """The whole period in such buckets; hours are looked at on days that sold something, since they are so many."""
    if by is not Bucket.HOUR:
        spans = asked.cut(by)
        return list(zip(spans, _by_span(transaction, sides, spans), strict=True))
    days = _spans(transaction, sides, asked, Bucket.DAY)
    sold = {asked.named(day.starts_at, Bucket.DAY) for day, one in days if one.orders}
    spans = asked.cut(Bucket.HOUR)
    looked_at = [span for span in spans if asked.named(span.starts_at, Bucket.DAY) in sold]
    found = dict(zip(looked_at, _by_span(transaction, sides, looked_at), strict=True))
    return [(span, found.get(span, Takings())) for span in spans]


def _by_span(transaction: Transaction, sides: Sides, spans: Sequence[Span]) -> list[Takings]:
    found = takings(transaction, sides, spans)
    return [found.get((place, ""), Takings()) for place in range(len(spans))]


def _lines(asked: Asked, by: Bucket, spans: Sequence[tuple[Span, Takings]]) -> dict[str, int]:
    lines: dict[str, int] = defaultdict(int)
    for span, one in spans:
        # Of the hour that a clock has twice there are two spans, which one line tells; so are the hours of a day.
        lines[asked.named(span.starts_at, by)] += one.net_stars
    return dict(lines)
