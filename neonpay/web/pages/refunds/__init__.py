"""``/refunds``: buyers who want their Stars back, and Stars on their way back."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from neonpay.web.pages.refunds import deciding, listing


def routes() -> Iterable[web.AbstractRouteDef]:
    """What answers below ``/refunds``."""
    return [*listing.routes(), *deciding.routes()]
