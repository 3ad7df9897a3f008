"""Which backups are kept: the newest, one for each day, week and month, and none that is too old."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from neonpay.errors import ValidationError


class Dated(NamedTuple):
    """A backup, the moment that it is of, and the bots and how many payments it has."""

    backup_id: str
    created_at: datetime
    bots: frozenset[int] = frozenset()
    payments: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How long backups of a ledger are kept. The newest one of each is kept whatever they say.

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
    """The backups that need not be kept, oldest first.

    The rules are those of each ledger alone: whoever has lost a disk and starts with an empty one goes on making backups,
    which must not take the place of those that have the payments; nor must those of another shop.
    """
    gone = {
        backup_id
        for shop in _shops(backups)
        for ledger in _ledgers(shop)
        for backup_id in _of_one_ledger(ledger, rules, now)
    }
    return [one.backup_id for one in sorted(backups, key=lambda one: one.created_at) if one.backup_id in gone]


def _shops(backups: Sequence[Dated]) -> Iterator[list[Dated]]:
    """The backups of each shop, newest first; two that have a bot in common are of one, and those without a bot are of none."""
    rest = sorted(backups, key=lambda one: one.created_at, reverse=True)
    while rest:
        bots, size = rest[0].bots, 0
        while len(bots) != size:
            size = len(bots)
            bots = bots.union(*(one.bots for one in rest if one.bots & bots))
        yield [one for one in rest if one.bots & bots or not (one.bots or bots)]
        rest = [one for one in rest if not one.bots & bots and (one.bots or bots)]


def _ledgers(newest_first: Sequence[Dated]) -> Iterator[list[Dated]]:
    """The backups of each ledger that a shop has had, newest first: one with fewer payments than before is another one."""
    of_one: list[Dated] = []
    for one in newest_first:
        if of_one and one.payments > of_one[-1].payments:
            yield of_one
            of_one = []
        of_one.append(one)
    yield of_one


def _of_one_ledger(newest_first: Sequence[Dated], rules: Rules, now: datetime) -> list[str]:
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
    return [one.backup_id for one in newest_first if one.backup_id not in kept]


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
