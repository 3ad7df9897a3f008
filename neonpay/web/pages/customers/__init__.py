"""``/customers``: who buys, and everything about one of them."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from neonpay.web.pages.customers import acts, listing


def routes() -> Iterable[web.AbstractRouteDef]:
    """What answers below ``/customers``."""
    return [*listing.routes(), *acts.routes()]
