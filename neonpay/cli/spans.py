"""Which time a report is about, as it is typed, and how that is said."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Final

import typer

from neonpay.analytics.periods import Bucket, Period, Span, within_reach, zone_of
from neonpay.cli.typed import moment_typed
from neonpay.core.clock import SystemClock, moment
from neonpay.errors import ConfigurationError

ZoneOption = Annotated[
    str, typer.Option(help="Whose days, weeks and months are meant, such as Europe/Berlin.", metavar="ZONE")
]
SinceTyped = Annotated[
    str | None, typer.Option("--since", help="Not before this time, in the zone: 2026-11, 2026-11-28 …", metavar="TIME")
]
UntilTyped = Annotated[
    str | None, typer.Option("--until", help="Before this time, in the zone; now when left out.", metavar="TIME")
]
_DAYS: Final = {Bucket.DAY: 30, Bucket.WEEK: 84, Bucket.QUARTER: 731, Bucket.YEAR: 1827}
_MONTHS: Final = {Bucket.MONTH: 12}


def now() -> datetime:
    """The time of this machine, aware."""
    return moment(SystemClock().now_us())


def period_typed(since: str | None, until: str | None, zone: str, *, by: Bucket = Bucket.DAY) -> Period:
    """The period that was typed; without a beginning it is what one looks at by such a bucket: 24 hours, 30 days, 12 weeks.

    Raises:
        ValidationError: there is no such zone, it ends before it begins, or a time is out of reach.
        typer.BadParameter: a time is none.
    """
    whose = UTC if zone == "UTC" else zone_of(zone)
    ends = now() if until is None else within_reach("until", moment_typed(until, whose))
    if since is not None:
        return between(within_reach("since", moment_typed(since, whose)), ends, whose)
    if by is Bucket.HOUR:
        return Period(since=ends - timedelta(hours=24), until=ends, zone=whose)
    return between(_first(ends, by, whose), ends, whose)


def between(since: datetime, until: datetime, zone: tzinfo) -> Period:
    """A period whose period before is the one that people mean: the month before whole months, the days before whole days.

    Raises:
        ValidationError: it ends before it begins.
    """
    first, last = since.astimezone(zone), until.astimezone(zone)
    days = months = 0
    if first.timetz().replace(tzinfo=None) == time():
        days = (last.date() - first.date()).days + (last.timetz().replace(tzinfo=None) != time())
        if first.day == 1 and last.day == 1 and last.time() == time():
            months, days = (last.year - first.year) * 12 + last.month - first.month, 0
    return Period(since=since, until=until, zone=zone, days=days, months=months)


def _first(until: datetime, by: Bucket, zone: tzinfo) -> datetime:
    """The beginning of the first of so many buckets, of which the last one has the moment before ``until``."""
    today = (until - timedelta(microseconds=1)).astimezone(zone).date()
    if by in _MONTHS:
        count = today.year * 12 + today.month - 1 - (_MONTHS[by] - 1)
        day = date(count // 12, count % 12 + 1, 1)
    else:
        day = today - timedelta(days=_DAYS[by] - 1)
        if by is Bucket.WEEK:
            day = today - timedelta(days=today.weekday() + _DAYS[by] - 7)
    return datetime.combine(day, time(), tzinfo=zone)


def words_of(period: Period) -> str:
    """``2026-11-01 – 2026-11-28 14:05 Europe/Berlin``: both edges in the zone, midnights without their hour."""
    first, last = period.since.astimezone(period.zone), period.until.astimezone(period.zone)
    is_whole = last.time() == time()
    shown = str((last - timedelta(microseconds=1)).date()) if is_whole else f"{last:%Y-%m-%d %H:%M}"
    begins = f"{first:%Y-%m-%d}" if first.time() == time() else f"{first:%Y-%m-%d %H:%M}"
    return f"{begins if begins == shown else f'{begins} – {shown}'} {zone_name(period.zone)}"


def zone_name(zone: tzinfo) -> str:
    """How a zone is called."""
    return "UTC" if zone is UTC else str(zone)


def bucket_of(span: Span, by: Bucket) -> str:
    """How a bucket is called in the first column of a table."""
    starts = span.starts_at
    match by:
        case Bucket.HOUR:
            return f"{starts:%Y-%m-%d %H:%M}"
        case Bucket.DAY:
            return f"{starts:%Y-%m-%d %a}"
        case Bucket.WEEK:
            return f"{starts:%Y-%m-%d}"
        case Bucket.MONTH:
            return f"{starts:%Y-%m}"
        case Bucket.QUARTER:
            return f"{starts:%Y} Q{(starts.month + 2) // 3}"
        case Bucket.YEAR:
            return f"{starts:%Y}"


def refuse_backwards(since: str | None, until: str | None) -> None:
    """Raises ConfigurationError when the same time was typed twice, which is a period without any time in it."""
    if since is not None and since == until:
        msg = f"--until {until} is the moment at which --since {since} begins, and no part of the period; name a later one"
        raise ConfigurationError(msg)
