"""``/live``: what is written to the ledger, as it is written."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from neonpay.web.pages.live import page


def routes() -> Iterable[web.AbstractRouteDef]:
    """The list, and the stream that goes on with it."""
    return [web.get("/live", page.show), web.get("/live/events", page.stream)]
