"""``/bots``: whether each bot is at work, and what it needs."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from neonpay.web.overview import OVERVIEW


def routes() -> Iterable[web.AbstractRouteDef]:
    """The page."""
    return [web.get("/bots", show)]


async def show(request: web.Request) -> web.Response:
    """The bots, the loops of this program, and what extensions show."""
    return await request.config_dict[OVERVIEW].show(request)
