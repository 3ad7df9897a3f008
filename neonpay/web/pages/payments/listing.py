"""``GET /payments``: the list, its tabs, its search."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from neonpay.web.asked import period_us, words_in
from neonpay.web.drawn.flow import reason_words
from neonpay.web.pages.payments.query import TABS, Asked, Tab, read_list
from neonpay.web.pages.payments.search import MOST_CHARS
from neonpay.web.paging import place_of
from neonpay.web.reading import read
from neonpay.web.rendering import render
from neonpay.web.shops import bots_in_scope, shops

_MOST_STAGE_CHARS: Final = 200


def routes() -> Iterable[web.AbstractRouteDef]:
    """The list."""
    return [web.get("/payments", show)]


async def show(request: web.Request) -> web.Response:
    """The payments that the address asks for; what makes no sense in it counts as left out."""
    asked = Asked(
        bots=bots_in_scope(request),
        days_us=period_us(request),
        tab=_tab(request.query.get("tab", "")),
        words=words_in(request, "q", most=MOST_CHARS),
        stage_id=words_in(request, "product", most=_MOST_STAGE_CHARS),
        descending=request.query.get("order") != "oldest",
        place=place_of(request.query.get("after", "")),
    )
    found = await read(request, read_list, asked)
    kept = {
        "tab": None if asked.tab == "all" else asked.tab,
        "q": asked.words or None,
        "product": asked.stage_id or None,
        "order": None if asked.descending else "oldest",
    }
    return render(
        request,
        "payments.html",
        asked=asked,
        found=found,
        kept=kept,
        tabs=TABS,
        has_bots=len(shops(request).each) > 1,
        reason_words=reason_words,
    )


def _tab(text: str) -> Tab:
    return next((tab for tab in TABS if tab == text), "all")
