"""What stands around a page is looked up before it, for whoever may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.web.access.viewer import viewer_or_none
from neonpay.web.access.visit import visit
from neonpay.web.shops import shops
from neonpay.web.waiting import Counted

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

COUNTED: Final = web.AppKey("COUNTED", Counted)


@web.middleware
async def margin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Puts what waits for a person beside the navigation of a page."""
    if viewer_or_none(request) is not None:
        ours = shops(request)
        visit(request).waiting = await request.config_dict[COUNTED].now(ours.ledger, ours.bot_ids)
    return await handler(request)
