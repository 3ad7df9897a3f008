"""The bar above every page: a search, and the choice of bot and period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.web.access.visit import visit
from neonpay.web.scope import PERIODS
from neonpay.web.shops import shops

if TYPE_CHECKING:
    from aiohttp import web

_CHOSEN_HERE: Final = frozenset({"bot", "period"})
_OF_A_LIST: Final = frozenset({"after", "before", "page", "from", "until"})
"""Where in a list a reader is, which says nothing about another list."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What can be chosen.

    Attributes:
        bots: id and name of each bot.
        periods: what a period may be.
        rest: what else the address says, which a choice keeps.
        query: what is searched for.
    """

    bots: Sequence[tuple[int, str]]
    periods: Sequence[str]
    rest: Sequence[tuple[str, str]]
    query: str


def bar_of(request: web.Request) -> Bar:
    """The bar of a page."""
    names = visit(request).waiting.names
    bots = [(bot_id, f"@{names[bot_id]}" if bot_id in names else str(bot_id)) for bot_id in shops(request).bot_ids]
    rest = [item for item in request.query.items() if item[0] not in _CHOSEN_HERE | _OF_A_LIST]
    return Bar(bots, PERIODS, rest, request.query.get("q", ""))
