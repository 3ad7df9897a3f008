"""When reports are due: by the clock on the wall of a zone, whatever summer time does to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

from neonpay.errors import ConfigurationError

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Schedule:
    """A time of each day, or of one day of the week.

    Attributes:
        weekday: 0 for Monday; None for every day.
    """

    at: time
    zone: ZoneInfo
    weekday: int | None = None

    @classmethod
    def daily(cls, text: str, zone: ZoneInfo) -> Self:
        """``09:00``.

        Raises:
            ConfigurationError: it is no time.
        """
        return cls(_time(text, 'daily is a time such as "09:00"'), zone)

    @classmethod
    def weekly(cls, text: str, zone: ZoneInfo) -> Self:
        """``mon 09:00``.

        Raises:
            ConfigurationError: it is no day and time.
        """
        day, _, clock = text.strip().partition(" ")
        form = 'weekly is a day and a time such as "mon 09:00"'
        if day.lower() not in _DAYS:
            msg = f"{form}; got {text!r}"
            raise ConfigurationError(msg)
        return cls(_time(clock, form), zone, _DAYS.index(day.lower()))

    @property
    def days(self) -> int:
        """How many days a report is about: those before the one on which it is due."""
        return 1 if self.weekday is None else _WEEK

    def latest(self, now: datetime) -> tuple[date, datetime]:
        """The day and the moment at which a report was due last."""
        day = now.astimezone(self.zone).date()
        while not self._has(day) or self._moment(day) > now:
            day -= timedelta(days=1)
        return day, self._moment(day)

    def next(self, now: datetime) -> datetime:
        """When a report is due next."""
        day = now.astimezone(self.zone).date()
        while not self._has(day) or self._moment(day) <= now:
            day += timedelta(days=1)
        return self._moment(day)

    def _has(self, day: date) -> bool:
        return self.weekday is None or day.weekday() == self.weekday

    def _moment(self, day: date) -> datetime:
        # A time that the clock jumps over is as long after the jump; one that comes twice is the first.
        return datetime.combine(day, self.at, tzinfo=self.zone).astimezone(UTC)


def _time(text: str, form: str) -> time:
    try:
        at = time.fromisoformat(text.strip())
    except ValueError as exc:
        msg = f"{form}; got {text!r}"
        raise ConfigurationError(msg) from exc
    if at.tzinfo is not None:
        msg = f"{form}, without an offset: zone says whose time it is; got {text!r}"
        raise ConfigurationError(msg)
    return at
