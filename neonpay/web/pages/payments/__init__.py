"""``/payments``: find a payment, see what has become of it, and act."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from neonpay.web.pages.payments import acts, detail, listing


def routes() -> Iterable[web.AbstractRouteDef]:
    """What answers below ``/payments``."""
    return [*listing.routes(), *acts.routes(), *detail.routes()]
