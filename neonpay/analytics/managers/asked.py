"""What a manager is asked for: the last so many days, cut into hours to years."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from neonpay.analytics.periods import Bucket, Period, Span
from neonpay.core.whole import is_whole
from neonpay.errors import ValidationError

DAYS_MAX: Final = 3_660
_STARS_MAX: Final = 2**62


class AnalyticsPeriod(enum.Enum):
    """What one line of a breakdown stands for; weeks begin on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


def checked_zone(zone: tzinfo) -> tzinfo:
    """The zone; raises ValidationError: it is none."""
    if not isinstance(zone, tzinfo):
        raise ValidationError("zone", zone, 'a time zone, such as neonpay.analytics.zone_of("Europe/Berlin")')
    return zone


def checked_stars(high_value_stars: int) -> int:
    """The Stars from which on somebody is a high-value user; raises ValidationError: it is no number of them."""
    if not is_whole(high_value_stars, 1, _STARS_MAX):
        raise ValidationError("high_value_stars", high_value_stars, "a whole number of Stars, 1 or more")
    return high_value_stars


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a report is about.

    Attributes:
        period: its time, which ends now.
        by: what one line of the breakdown stands for.
        high_value_stars: from how many Stars in this time on somebody is a high-value user.
    """

    period: Period
    by: AnalyticsPeriod
    now: datetime
    high_value_stars: int = 1_000

    @classmethod
    def last(
        cls, days: int, by: AnalyticsPeriod, *, now: datetime, zone: tzinfo = UTC, high_value_stars: int = 1_000
    ) -> Asked:
        """So many days of the zone, of which the last is today.

        Raises:
            ValidationError: ``days`` is no such number, or ``by`` is no period.
        """
        if not is_whole(days, 1, DAYS_MAX):
            raise ValidationError("days", days, f"a whole number of days, 1–{DAYS_MAX}")
        if not isinstance(by, AnalyticsPeriod):
            raise ValidationError("period", by, "an AnalyticsPeriod, such as AnalyticsPeriod.DAY")
        period = Period.recent(days, now=now, zone=zone)
        # What happens at this very moment belongs to it.
        period = replace(period, until=max(period.until, now + timedelta(microseconds=1)))
        return cls(period=period, by=by, now=now, high_value_stars=high_value_stars)

    @property
    def days(self) -> int:
        """How many days it is about, today among them."""
        return self.period.days

    def cut(self, by: Bucket) -> list[Span]:
        """All of the time in such buckets, however many that are."""
        if by not in {Bucket.HOUR, Bucket.DAY}:
            return list(self.period.buckets(by))
        months = self.period.buckets(Bucket.MONTH)
        parts = [replace(self.period, since=month.starts_at, until=month.ends_at) for month in months]
        return [span for part in parts for span in part.buckets(by)]

    def named(self, starts_at: datetime, by: Bucket) -> str:
        """What a line is called: ``2026-11-28 14:00``, ``2026-11-28``, weeks by their Monday, ``2026-11``, ``2026-Q4``."""
        at = starts_at.astimezone(self.period.zone)
        match by:
            case Bucket.HOUR:
                return f"{at:%Y-%m-%d %H:%M}"
            case Bucket.WEEK:
                return f"{(at - timedelta(days=at.weekday())):%Y-%m-%d}"
            case Bucket.MONTH:
                return f"{at:%Y-%m}"
            case Bucket.QUARTER:
                return f"{at:%Y}-Q{(at.month + 2) // 3}"
            case Bucket.YEAR:
                return f"{at:%Y}"
            case _:
                return f"{at:%Y-%m-%d}"

    def as_json(self) -> dict[str, str | int]:
        """The period of a report for programs."""
        return {
            "type": self.by.value,
            "days": self.days,
            "start_date": self.period.since.astimezone(self.period.zone).isoformat(),
            "end_date": self.period.until.astimezone(self.period.zone).isoformat(),
        }
