"""Before every page: who asks?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from neonpay.web.access.door import door
from neonpay.web.access.peer import sits_here
from neonpay.web.access.roles import Role
from neonpay.web.access.viewer import let_in
from neonpay.web.access.visit import LOCAL, Viewer
from neonpay.web.mount import HEALTH, place

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_FOR_ANYBODY = (HEALTH, "/_/")


@web.middleware
async def entrance(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets a request in as whoever it comes from, and refuses it with 403 when nobody knows."""
    if door(request).is_open_here and sits_here(request):
        let_in(request, Viewer(LOCAL, Role.VIEWER if door(request).only_looks else Role.OWNER))
    elif not place(request).startswith(_FOR_ANYBODY):
        raise web.HTTPForbidden
    return await handler(request)
