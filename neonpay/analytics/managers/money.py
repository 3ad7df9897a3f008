"""What was sold: by the reports of the ledger, and for bots that have none by what was told of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

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
    query = (
        sa.select(edges.c.place, sa.func.count(), sa.func.coalesce(sa.func.sum(events.c.stars), 0), *keys)
        .join_from(edges, events, sa.and_(at >= edges.c.starts, at < edges.c.ends))
        .where(events.c.bot_id.in_(bots), events.c.kind == LedgerKind.PAYMENT_COMPLETED.value)
        .group_by(edges.c.place, *keys)
    )
    return {
        (int(place), "" if not part or part[0] is None else str(part[0])): Takings(int(orders), int(stars))
        for place, orders, stars, *part in transaction.connection.execute(query)
    }


def whole(transaction: Transaction, sides: Sides, span: Span) -> Takings:
    """What was paid in one span."""
    return Takings.sum(takings(transaction, sides, [span]).values())


def revenue_data(transaction: Transaction, sides: Sides, asked: Asked) -> RevenueData:
    """What was sold, by the day, the hour and the period that was asked for."""
    total = whole(transaction, sides, asked.period.span)
    days = asked.cut(Bucket.DAY)
    by_day = _by_span(transaction, sides, days)
    sold = [day for day, one in zip(days, by_day, strict=True) if one.orders]
    hours = [
        hour
        for day in sold
        for hour in replace(asked.period, since=day.starts_at, until=day.ends_at).buckets(Bucket.HOUR)
    ]
    by_hour = _by_span(transaction, sides, hours)
    return RevenueData(
        total_revenue=total.net_stars,
        total_transactions=total.orders,
        average_transaction=total.gross_stars / total.orders if total.orders else 0.0,
        period=asked.by.value,
        start_date=asked.period.since,
        end_date=asked.period.until,
        daily_breakdown=_lines(asked, Bucket.DAY, days, by_day),
        hourly_breakdown=_lines(asked, Bucket.HOUR, *_with_sales(hours, by_hour)),
        breakdown=trend(transaction, sides, asked),
        refunded=total.returned_stars,
    )


def trend(transaction: Transaction, sides: Sides, asked: Asked) -> dict[str, int]:
    """Stars by the period that was asked for, in the order of time."""
    by = Bucket(asked.by.value)
    spans = asked.cut(by)
    return _lines(asked, by, spans, _by_span(transaction, sides, spans))


def _by_span(transaction: Transaction, sides: Sides, spans: Sequence[Span]) -> list[Takings]:
    found = takings(transaction, sides, spans)
    return [found.get((place, ""), Takings()) for place in range(len(spans))]


def _with_sales(spans: Sequence[Span], found: Sequence[Takings]) -> tuple[list[Span], list[Takings]]:
    kept = [(span, one) for span, one in zip(spans, found, strict=True) if one.orders]
    return [span for span, _ in kept], [one for _, one in kept]


def _lines(asked: Asked, by: Bucket, spans: Sequence[Span], found: Sequence[Takings]) -> dict[str, int]:
    lines: dict[str, int] = defaultdict(int)
    for span, one in zip(spans, found, strict=True):
        # Of the hour that a clock has twice there are two spans, which one line tells.
        lines[asked.named(span.starts_at, by)] += one.net_stars
    return dict(lines)
