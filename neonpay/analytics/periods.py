"""Which time a report is about, and how it is cut: from a moment to a moment, by the calendar of a zone.

Edges are computed here, with the rules of the zone, and the database is given instants: a day has 23 hours when the clock goes
forward, 25 when it goes back, and begins at :15, :30 or :45 of UTC's hour in zones that are off by that.
"""

from __future__ import annotations

import calendar
import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from neonpay.core.clock import microseconds
from neonpay.errors import ValidationError

BUCKETS_MAX: Final = 2_500
"""A report has no more buckets: a quarter of a year by the hour."""
YEARS: Final = (1000, 3000)
"""Of which years a report may be: the calendar of Python ends beyond them, and the days and months around an edge are in it."""
_LOOKS: Final = 8
_DAYS: Final = {"7d": 7, "30d": 30, "90d": 90, "365d": 365}
_NAMES: Final = ("24h", *_DAYS)
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


class Bucket(enum.StrEnum):
    """What one point of a chart stands for; weeks begin on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment, which belongs to it, to a moment, which does not.

    Attributes:
        starts_at, ends_at: aware, in the zone of the period.
        is_complete: whether it is the whole bucket of the calendar; a day that is not over yet is not.
    """

    starts_at: datetime
    ends_at: datetime
    is_complete: bool = True

    @property
    def starts_us(self) -> int:
        """Microseconds since the epoch at which it begins."""
        return microseconds(self.starts_at)

    @property
    def ends_us(self) -> int:
        """Microseconds since the epoch before which it ends."""
        return microseconds(self.ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The time of a report.

    Attributes:
        since, until: aware; the first moment belongs to the period, the last one does not.
        zone: whose days, weeks and months are meant.
        days, months: how far back the period before is, by the calendar of the zone; as long as this one is when both are 0.

    Raises:
        ValidationError: a time is naive or out of reach, or the period does not end after it begins.
    """

    since: datetime
    until: datetime
    zone: tzinfo = UTC
    days: int = 0
    months: int = 0

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            if getattr(self, name).tzinfo is None:
                raise ValidationError(name, getattr(self, name), "an aware time, such as datetime.now(UTC)")
            within_reach(name, getattr(self, name))
        if self.until <= self.since:
            raise ValidationError("until", self.until, f"a time after {self.since.isoformat()}")

    @classmethod
    def named(cls, name: str, *, now: datetime, zone: tzinfo = UTC) -> Period:
        """The last ``24h``, or the last ``7d``, ``30d``, ``90d`` or ``365d`` with the day that is not over; until now.

        Raises:
            ValidationError: there is no such name.
        """
        if name == "24h":
            return cls(since=now - timedelta(hours=24), until=now, zone=zone)
        if name not in _DAYS:
            raise ValidationError("period", name, f"one of {', '.join(_NAMES)}")
        return cls.recent(_DAYS[name], now=now, zone=zone)

    @classmethod
    def recent(cls, days: int, *, now: datetime, zone: tzinfo = UTC) -> Period:
        """So many days of the zone, of which the last one is today; until now. The period before is the same days earlier."""
        first = within_reach("now", now).astimezone(zone).date() - timedelta(days=days - 1)
        until = max(now, _midnight(first, zone) + timedelta(microseconds=1))
        return cls(since=_midnight(first, zone), until=until, zone=zone, days=days)

    @classmethod
    def this(cls, bucket: Bucket, *, now: datetime, zone: tzinfo = UTC) -> Period:
        """The day, week, month, quarter or year that is not over, until now; the period before is the one before it."""
        since = _floor(now, bucket, zone)
        until = max(now, since + timedelta(microseconds=1))
        days = {Bucket.DAY: 1, Bucket.WEEK: 7}.get(bucket, 0)
        return cls(since=since, until=until, zone=zone, days=days, months=_MONTHS.get(bucket.value, 0))

    @classmethod
    def between(cls, first: date, last: date, *, zone: tzinfo = UTC) -> Period:
        """Whole days of the zone, the last one among them."""
        days = (last - first).days + 1
        return cls(since=_midnight(first, zone), until=_midnight(last + timedelta(days=1), zone), zone=zone, days=days)

    def before(self) -> Period:
        """The period before this one, cut at the same moment of its day.

        Raises:
            ValidationError: it would begin before the first of ``YEARS``.
        """
        first = self.since.year - (self.until.year - self.since.year + 1)
        if first < YEARS[0]:
            raise ValidationError(
                "since", self.since, f"so late that the period before begins after the year {YEARS[0]}"
            )
        if not self.days and not self.months:
            return replace(self, since=self.since - (self.until - self.since), until=self.since)
        since, until = self._earlier(self.since), self._earlier(self.until)
        return replace(self, since=since, until=max(until, since + timedelta(microseconds=1)))

    def buckets(self, by: Bucket) -> tuple[Span, ...]:
        """The period, cut by the calendar of its zone; the first and the last may be cut short.

        Raises:
            ValidationError: there would be too many of them.
        """
        spans: list[Span] = []
        for starts, ends in self._calendar(by):
            if len(spans) >= BUCKETS_MAX:
                raise ValidationError("by", by.value, f"a larger bucket; a report has {BUCKETS_MAX} at most")
            is_complete = starts >= self.since and ends <= self.until
            shown = (max(starts, self.since).astimezone(self.zone), min(ends, self.until).astimezone(self.zone))
            spans.append(Span(*shown, is_complete))
        return tuple(spans)

    @property
    def span(self) -> Span:
        """All of it as one piece."""
        return Span(self.since, self.until)

    def _calendar(self, by: Bucket) -> Iterator[tuple[datetime, datetime]]:
        starts = _floor(self.since, by, self.zone)
        while starts < self.until:
            ends = _after(starts, by, self.zone)
            yield starts, ends
            starts = ends

    def _earlier(self, at: datetime) -> datetime:
        local = at.astimezone(self.zone)
        date_now = local.date()
        day = _months_later(date_now, -self.months) if self.months else date_now - timedelta(days=self.days)
        wall = datetime.combine(day, local.time(), tzinfo=self.zone).replace(fold=local.fold)
        return wall.astimezone(UTC)


def within_reach(name: str, at: datetime) -> datetime:
    """The time itself.

    Raises:
        ValidationError: its year is not among ``YEARS``.
    """
    if not YEARS[0] <= at.year <= YEARS[1]:
        raise ValidationError(name, at.isoformat(), f"a time of the years {YEARS[0]} to {YEARS[1]}")
    return at


def zone_of(name: str) -> ZoneInfo:
    """The zone of a name such as ``Europe/Berlin``.

    Raises:
        ValidationError: this machine knows no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ValidationError(
            "zone", name, "a name such as Europe/Berlin; where none is known: pip install tzdata"
        ) from exc


def _midnight(day: date, zone: tzinfo) -> datetime:
    # Where the clock jumps over midnight, the day begins at the jump: Python reads such a time by the offset before.
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _floor(at: datetime, by: Bucket, zone: tzinfo) -> datetime:
    """Where the bucket of a moment begins."""
    if by is Bucket.HOUR:
        return _hour(at, zone)
    day = at.astimezone(zone).date()
    if by is Bucket.WEEK:
        day -= timedelta(days=day.weekday())
    elif by is not Bucket.DAY:
        length = _MONTHS[by.value]
        day = date(day.year, (day.month - 1) // length * length + 1, 1)
    return _midnight(day, zone)


def _after(starts: datetime, by: Bucket, zone: tzinfo) -> datetime:
    """Where the bucket that begins here ends."""
    if by is Bucket.HOUR:
        return _next_hour(starts, zone)
    # Of a day that begins at a jump of the clock the first local time is after midnight; its date is right all the same.
    day = starts.astimezone(zone).date()
    if by in {Bucket.DAY, Bucket.WEEK}:
        return _midnight(day + timedelta(days=1 if by is Bucket.DAY else 7), zone)
    return _midnight(_months_later(day.replace(day=1), _MONTHS[by.value]), zone)


def _hour(at: datetime, zone: tzinfo) -> datetime:
    local = at.astimezone(zone)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    starts = at.astimezone(UTC) - past
    # The clock has gone back or forward by less than an hour since: the hour began at the change or before it.
    moved = starts.astimezone(zone)
    return starts if not moved.minute else _next_hour(starts - timedelta(hours=1), zone)


def _next_hour(after: datetime, zone: tzinfo) -> datetime:
    """The next moment at which a clock in the zone shows a whole hour."""
    at = after.astimezone(UTC)
    for _ in range(_LOOKS):
        local = at.astimezone(zone)
        rest = timedelta(hours=1) - timedelta(
            minutes=local.minute, seconds=local.second, microseconds=local.microsecond
        )
        at += rest
        if not at.astimezone(zone).minute:
            return at
    return at


def _months_later(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
