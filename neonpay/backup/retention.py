"""Which backups are kept: the newest, one for each day, week and month, and none that is too old."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from neonpay.errors import ValidationError


class Dated(NamedTuple):
    """A backup and the moment that it is of."""

    backup_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How long backups are kept. The newest one is kept whatever they say.

    Attributes:
        newest: so many of the newest; None for all.
        days, weeks, months: beside these the last one of each of so many days, weeks and months that have one.
        age_days: none that is older, unless it is one of a day, week or month; None for no bound.

    Raises:
        ValidationError: a number is out of its range.
    """

    newest: int | None = None
    days: int = 0
    weeks: int = 0
    months: int = 0
    age_days: float | None = None

    def __post_init__(self) -> None:
        if self.newest is not None and self.newest < 1:
            raise ValidationError("max_backups", self.newest, "1 or more; None for no bound")
        for name in ("days", "weeks", "months"):
            if getattr(self, name) < 0:
                raise ValidationError(f"keep_{name}", getattr(self, name), "0 or more")
        if self.age_days is not None and self.age_days <= 0:
            raise ValidationError("max_age_days", self.age_days, "more than 0 days")


def to_remove(backups: Sequence[Dated], rules: Rules, now: datetime) -> list[str]:
    """The backups that need not be kept, oldest first."""
    newest_first = sorted(backups, key=lambda one: one.created_at, reverse=True)
    chosen = {
        one.backup_id
        for count, period in ((rules.days, _day), (rules.weeks, _week), (rules.months, _month))
        for one in _last_of_each(newest_first, count, period)
    }
    recent = newest_first if rules.newest is None else newest_first[: rules.newest]
    if rules.age_days is not None:
        oldest = now - timedelta(days=rules.age_days)
        recent = [one for one in recent if one.created_at >= oldest]
    kept = chosen | {one.backup_id for one in [*recent, *newest_first[:1]]}
    return [one.backup_id for one in reversed(newest_first) if one.backup_id not in kept]


def _last_of_each(newest_first: Sequence[Dated], count: int, period: Callable[[datetime], object]) -> list[Dated]:
    found: dict[object, Dated] = {}
    for one in newest_first:
        if len(found) >= count and period(one.created_at) not in found:
            break
        found.setdefault(period(one.created_at), one)
    return list(found.values()) if count else []


def _day(at: datetime) -> object:
    return at.date()


def _week(at: datetime) -> object:
    return at.isocalendar()[:2]


def _month(at: datetime) -> object:
    return at.year, at.month
