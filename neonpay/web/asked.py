"""What an address asks for, made harmless: whatever a reader or a stranger writes into it finds something, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neonpay.web.scope import scope_of

if TYPE_CHECKING:
    from aiohttp import web

_UNITS_US: Final = {"h": 3_600_000_000, "d": 86_400_000_000}


def words_in(request: web.Request, name: str, *, most: int = 200) -> str:
    """What stands under a name in the query, on one line and fit for a database; empty when it is left out."""
    return fit_line(request.query.get(name, ""), most=most)


def fit_line(text: str, *, most: int) -> str:
    """A text on one line, without what no database takes, cut where it is longer than ``most``."""
    told = text.encode("utf-8", "ignore").decode()
    return " ".join("".join(c if c.isprintable() or c == "\N{ZERO WIDTH JOINER}" else " " for c in told).split())[:most]


def period_us(request: web.Request) -> int:
    """How long the period is that the address names, in microseconds."""
    period = scope_of(request).period
    return int(period[:-1]) * _UNITS_US[period[-1]]
