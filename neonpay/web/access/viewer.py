"""Who looks at a page."""

from __future__ import annotations

from aiohttp import web

from neonpay.web.access.roles import Role
from neonpay.web.access.visit import Viewer, visit


def viewer(request: web.Request) -> Viewer:
    """Whoever asks; raises aiohttp's HTTPForbidden on the few pages that are there before anybody has signed in."""
    found = viewer_or_none(request)
    if found is None:
        raise web.HTTPForbidden
    return found


def viewer_or_none(request: web.Request) -> Viewer | None:
    """The same; None before anybody has signed in."""
    return visit(request).viewer


def let_in(request: web.Request, somebody: Viewer) -> None:
    """Say who asks, for whatever handles this request."""
    visit(request).viewer = somebody


def require(request: web.Request, role: Role) -> Viewer:
    """Whoever asks, if they may do what this role may.

    Raises:
        aiohttp.web.HTTPForbidden: they may not; nothing was done.
    """
    somebody = viewer(request)
    if somebody.role < role:
        raise web.HTTPForbidden
    return somebody
