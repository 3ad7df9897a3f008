"""``GET /refunds``: who waits for an answer, and which Stars go back."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from neonpay.web.access import Role, viewer
from neonpay.web.acting import DONE
from neonpay.web.asked import period_us
from neonpay.web.durations import duration
from neonpay.web.pages.refunds.query import TABS, Sought, Tab, read_desk
from neonpay.web.paging import place_of
from neonpay.web.reading import read
from neonpay.web.rendering import render, speech
from neonpay.web.shops import bots_in_scope


def routes() -> Iterable[web.AbstractRouteDef]:
    """The page."""
    return [web.get("/refunds", show)]


async def show(request: web.Request) -> web.Response:
    """Requests and refunds of the bots and the period that the address names."""
    w = speech(request)
    tab = _tab(request.query.get("tab", ""))
    sought = Sought(bots_in_scope(request), period_us(request), tab, place_of(request.query.get("after", "")))
    desk = await read(request, read_desk, sought)
    waited = {
        one.request.request_id: w("time.waits", length=duration(w, desk.now - one.request.requested_at))
        for one in desk.waiting
    }
    return render(
        request,
        "refunds.html",
        desk=desk,
        tab=tab,
        tabs=TABS,
        waited=waited,
        place=sought.place,
        may_act=viewer(request).role >= Role.OPERATOR,
        done=request.query.get(DONE, ""),
    )


def _tab(text: str) -> Tab:
    return next((tab for tab in TABS if tab == text), "all")
