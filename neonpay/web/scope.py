"""What a page is about: which bots, and which time. Both stand in the address, so that a page can be kept and sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from neonpay.web.mount import prefix

if TYPE_CHECKING:
    from aiohttp import web

PERIODS: Final = ("24h", "7d", "30d", "90d", "365d")
"""What the reader may choose; each is *until now*."""
DEFAULT_PERIOD: Final = "30d"
_BOT: Final = "bot"
_PERIOD: Final = "period"


@dataclass(frozen=True, slots=True)
class Scope:
    """What the reader has chosen.

    Attributes:
        bot_id: one bot; None for all of the shop.
        period: one of ``PERIODS``.
        prefix: where the dashboard is mounted; see ``mount``.
    """

    bot_id: int | None
    period: str
    prefix: str = ""

    def link(self, path: str, **values: object) -> str:
        """The address of a path, with this scope and further values in its query; what is the default is left out."""
        query: dict[str, object] = {}
        if self.bot_id is not None:
            query[_BOT] = self.bot_id
        if self.period != DEFAULT_PERIOD:
            query[_PERIOD] = self.period
        query.update({name: value for name, value in values.items() if value is not None})
        address = f"{self.prefix}{path}"
        return f"{address}?{urlencode(query)}" if query else address


def scope_of(request: web.Request) -> Scope:
    """What the address says; what makes no sense in it counts as left out."""
    bot, period = request.query.get(_BOT, ""), request.query.get(_PERIOD, "")
    is_bot = bot.isascii() and bot.isdecimal() and len(bot) <= 18  # noqa: PLR2004  # fits the database's numbers
    return Scope(int(bot) if is_bot else None, period if period in PERIODS else DEFAULT_PERIOD, prefix(request))
