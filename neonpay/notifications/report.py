"""The report to owners: what was earned on days that are over, beside the days before them, and what waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from typing import Final

from neonpay.core.words import Words
from neonpay.notifications.pages import Says
from neonpay.notifications.schedules import Schedule

_DAY: Final = Words("📊 {day}")
_DAYS: Final = Words("📊 {first} – {last}")
_ORDERS: Final = Words("{count} order, before that {before}", "{count} orders, before that {before}", counted="count")
_GROSS: Final = Words("Paid: {stars} Star, before that {before}", "Paid: {stars} Stars, before that {before}")
_RETURNED: Final = Words(
    "Given back of it: {stars} Star, before that {before}", "Given back of it: {stars} Stars, before that {before}"
)
_NET: Final = Words("Left: {stars} Star, before that {before}", "Left: {stars} Stars, before that {before}")
_NET_CHANGED: Final = Words(
    "Left: {stars} Star, before that {before} ({change})", "Left: {stars} Stars, before that {before} ({change})"
)
_WAITING: Final = Words("🖐 {count} payment waits for you", "🖐 {count} payments wait for you", counted="count")
_REQUESTS: Final = Words(
    "🖐 {count} request for a refund waits for you", "🖐 {count} requests for refunds wait for you", counted="count"
)
_NOTHING: Final = Words("Nothing waits for you.")
DAYS: Final = ("first", "last")
VARIABLES: Final = (
    *DAYS,
    "orders",
    "gross_stars",
    "returned_stars",
    "net_stars",
    "orders_before",
    "gross_stars_before",
    "returned_stars_before",
    "net_stars_before",
    "waiting",
    "requests",
)
"""What a text of the program's own may show: the days as texts, and numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What was paid in a period, and what of it went back."""

    orders: int
    gross_stars: int
    returned_stars: int

    @property
    def net_stars(self) -> int:
        """What is left."""
        return self.gross_stars - self.returned_stars


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a report says.

    Attributes:
        before: the same number of days before.
        waiting: payments that wait for a person now.
        requests: buyers' requests for refunds that nobody has decided.
    """

    now: Sums
    before: Sums
    waiting: int
    requests: int


FiguresOf = Callable[[date, date, tzinfo], Awaitable[Figures]]
"""The figures of whole days of a zone, the last one among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """The reports that owners get.

    Attributes:
        schedules: by name, ``daily`` and ``weekly``.
    """

    schedules: dict[str, Schedule]
    figures_of: FiguresOf


def days_of(schedule: Schedule, due: date) -> tuple[date, date]:
    """The first and the last day that a report is about which is due on a day."""
    return due - timedelta(days=schedule.days), due - timedelta(days=1)


def variables(figures: Figures, first: date, last: date) -> dict[str, str | int]:
    """What a text of the program's own may show."""
    found: dict[str, str | int] = {"first": first.isoformat(), "last": last.isoformat()}
    for suffix, sums in (("", figures.now), ("_before", figures.before)):
        found[f"orders{suffix}"] = sums.orders
        found[f"gross_stars{suffix}"] = sums.gross_stars
        found[f"returned_stars{suffix}"] = sums.returned_stars
        found[f"net_stars{suffix}"] = sums.net_stars
    return {**found, "waiting": figures.waiting, "requests": figures.requests}


def written(figures: Figures, first: date, last: date, says: Says) -> tuple[str, str]:
    """Subject and body."""
    now, before = figures.now, figures.before
    if first == last:
        subject = says("report.day", _DAY, day=first.isoformat())
    else:
        subject = says("report.days", _DAYS, first=first.isoformat(), last=last.isoformat())
    lines = [
        says("report.orders", _ORDERS, count=now.orders, before=before.orders),
        says("report.gross", _GROSS, stars=now.gross_stars, before=before.gross_stars),
        says("report.returned", _RETURNED, stars=now.returned_stars, before=before.returned_stars),
    ]
    net = {"stars": now.net_stars, "before": before.net_stars}
    if before.net_stars > 0:
        change = _change(now.net_stars, before.net_stars)
        lines.append(says("report.net_changed", _NET_CHANGED, **net, change=change))
    else:
        lines.append(says("report.net", _NET, **net))
    lines.append("")
    if figures.waiting:
        lines.append(says("report.waiting", _WAITING, count=figures.waiting))
    if figures.requests:
        lines.append(says("report.requests", _REQUESTS, count=figures.requests))
    if not figures.waiting and not figures.requests:
        lines.append(says("report.nothing", _NOTHING))
    return subject, "\n".join(lines)


def _change(now: int, before: int) -> str:
    percent = round(100 * (now - before) / before)
    return f"{'−' if percent < 0 else '+'}{abs(percent)} %"  # a minus, and no hyphen
