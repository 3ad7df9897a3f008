"""``/funnel``: from an invoice to the goods, why people are lost, how fast goods come, and what stands out."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from neonpay.web.pages.funnel.query import read_deliveries
from neonpay.web.pages.funnel.view import view_of
from neonpay.web.reading import read
from neonpay.web.rendering import render
from neonpay.web.reporting import asked, told


def routes() -> Iterable[web.AbstractRouteDef]:
    """The page."""
    return [web.get("/funnel", show)]


async def show(request: web.Request) -> web.Response:
    """The funnel of the period."""
    about = await asked(request)
    reports, period, bots = about.reports, about.period, about.bots
    found = await told(lambda: reports.funnel(period, bots=bots))
    waiting = await told(lambda: reports.attention(bots=bots))
    times = await told(lambda: reports.delivery_times(period, bots=bots))
    products = await told(lambda: reports.products(period, bots=bots))
    stands_out = await told(lambda: reports.findings(period, bots=bots))
    deliveries = await read(request, read_deliveries, bots)
    return render(request, "funnel.html", f=view_of(about, found, waiting, times, products, stands_out, deliveries))
