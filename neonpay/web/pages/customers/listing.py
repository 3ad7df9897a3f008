"""``GET /customers``: the list."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from neonpay.web.asked import period_us, words_in
from neonpay.web.pages.customers.query import Wanted, read_customers
from neonpay.web.paging import place_of
from neonpay.web.reading import read
from neonpay.web.rendering import render
from neonpay.web.shops import bots_in_scope, shops


def routes() -> Iterable[web.AbstractRouteDef]:
    """The list."""
    return [web.get("/customers", show)]


async def show(request: web.Request) -> web.Response:
    """The customers that the address asks for."""
    wanted = Wanted(
        bots=bots_in_scope(request),
        days_us=period_us(request),
        order="most" if request.query.get("order") == "most" else "newest",
        words=words_in(request, "q"),
        place=place_of(request.query.get("after", "")),
    )
    found = await read(request, read_customers, wanted)
    return render(request, "customers.html", wanted=wanted, found=found, has_bots=len(shops(request).each) > 1)
