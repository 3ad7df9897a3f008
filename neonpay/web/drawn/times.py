"""How a bucket of time is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neonpay.analytics import Bucket, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neonpay.web.speech import Speech


def is_open(spans: Sequence[Span], place: int) -> bool:
    """Whether a bucket is the newest and not over."""
    return place == len(spans) - 1 and not spans[place].is_complete


def below(w: Speech, span: Span, by: Bucket, *, unfinished: bool) -> str:
    """The few words below a bucket."""
    if unfinished:
        return w(f"charts.now_{by.value}")
    if by is Bucket.HOUR:
        return w.time(span.starts_at)
    if by is Bucket.MONTH:
        return _month(w, span)
    return w.date(span.starts_at)


def spoken(w: Speech, span: Span, by: Bucket) -> str:
    """A bucket as it is read."""
    starts = span.starts_at.astimezone(w.zone)
    if by is Bucket.HOUR:
        return w("charts.hour", date=w.date(starts), time=w.time(starts))
    if by is Bucket.WEEK:
        return w("charts.week", date=w.date(starts))
    if by is Bucket.MONTH:
        return _month(w, span)
    return w(f"charts.day_{starts.weekday()}", date=w.date(starts))


def _month(w: Speech, span: Span) -> str:
    starts = span.starts_at.astimezone(w.zone)
    return w(f"charts.month_{starts.month}", year=starts.year)
