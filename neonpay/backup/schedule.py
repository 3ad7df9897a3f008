"""When backups are due: every so often, or at times of the clock on the wall of a zone, whatever summer time does to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from neonpay.errors import ConfigurationError

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"hourly": "0 * * * *", "daily": "0 3 * * *", "weekly": "0 3 * * mon", "monthly": "0 3 1 * *"}
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_UNITS_S: Final[Mapping[str, int]] = MappingProxyType({"m": 60, "h": 3600, "d": 86_400})
_INTERVAL: Final = re.compile(r"([1-9]\d{0,3})\s*([mhd])")
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_FIELDS: Final[Sequence[tuple[int, int, Sequence[str]]]] = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, _MONTHS),
    (0, 7, _DAYS),
)
"""The least and the most of each field, and names of its numbers, from the least on."""
_FORM: Final = (
    'schedule is "hourly", "daily", "weekly" or "monthly", an interval such as "6h", a time such as "03:30", or five fields of '
    'cron such as "30 3 * * mon"'
)
_YEARS: Final = 5
"""A day that does not come in so many years never does."""


class Schedule(Protocol):
    """When something is due."""

    def next(self, after: datetime) -> datetime:
        """The first moment after another one at which it is due."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """Every so many seconds."""

    seconds: float

    def next(self, after: datetime) -> datetime:
        """So many seconds later."""
        return after + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Cron:
    """At times of the clock on the wall.

    Attributes:
        weekdays: 0 is Sunday.
        by_either: whether a day of the month or one of the week is enough, as in cron where both are named.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    by_either: bool
    zone: ZoneInfo

    def next(self, after: datetime) -> datetime:
        """The first such time after a moment; one that the clock jumps over is as long after the jump."""
        day = after.astimezone(self.zone).date() - timedelta(days=1)
        for _ in range(366 * _YEARS):
            if self._has(day):
                moments = (
                    self._moment(day, hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes)
                )
                found = [moment for moment in moments if moment > after]
                if found:
                    return min(found)
            day += timedelta(days=1)
        msg = f"{_FORM}; it names a day that never comes"
        raise ConfigurationError(msg)

    def _has(self, day: date) -> bool:
        is_day, is_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and ((is_day or is_weekday) if self.by_either else (is_day and is_weekday))

    def _moment(self, day: date, hour: int, minute: int) -> datetime:
        return datetime.combine(day, time(hour, minute), tzinfo=self.zone).astimezone(UTC)


def schedule_of(text: str, zone: str = "UTC") -> Schedule:
    """The schedule that a text says.

    Raises:
        ConfigurationError: it says none, or there is no such zone.
    """
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        msg = f'there is no zone {zone!r}; write one such as "Europe/Berlin"'
        raise ConfigurationError(msg) from exc
    said = text.strip().lower()
    interval, clock = _INTERVAL.fullmatch(said), _CLOCK.fullmatch(said)
    if interval is not None:
        return Every(int(interval[1]) * _UNITS_S[interval[2]])
    if clock is not None:
        said = f"{int(clock[2])} {int(clock[1])} * * *"
    fields = _WORDS.get(said, said).split()
    if len(fields) != len(_FIELDS):
        msg = f"{_FORM}; got {text!r}"
        raise ConfigurationError(msg)
    minutes, hours, days, months, weekdays = [
        _field(field, *known, text) for field, known in zip(fields, _FIELDS, strict=True)
    ]
    made = Cron(
        minutes,
        hours,
        days,
        months,
        frozenset(day % 7 for day in weekdays),
        by_either=not (fields[2].startswith("*") or fields[4].startswith("*")),
        zone=place,
    )
    made.next(datetime(2000, 1, 1, tzinfo=UTC))  # raises for a day that never comes
    return made


def _field(field: str, least: int, most: int, names: Sequence[str], text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        try:
            if span == "*":
                low, high = least, most
            else:
                low = least + names.index(first) if first in names else int(first)
                high = low if not step else most
                if dash:
                    high = least + names.index(last) if last in names else int(last)
                if low and last == "sun":
                    high = most  # the last day of a week, and not the first one
            every = int(step) if step else 1
        except ValueError:
            low, high, every = 1, 0, 1
        if not (least <= low <= high <= most and every >= 1):
            msg = f"{_FORM}; {part!r} in {text!r} is none"
            raise ConfigurationError(msg)
        found.update(range(low, high + 1, every))
    return frozenset(found)
