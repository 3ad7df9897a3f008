"""``/revenue``: what was paid and what went back, by the hour to the month, taken apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aiohttp import web

from neonpay.analytics import Scope, Split
from neonpay.analytics.titles import titles
from neonpay.ledger import Transaction
from neonpay.web.charts import fits
from neonpay.web.drawn.net import marks_in
from neonpay.web.pages.revenue.choice import BYS, DAYS, SPLITS, choice_of
from neonpay.web.pages.revenue.view import view_of
from neonpay.web.reading import read
from neonpay.web.rendering import render
from neonpay.web.reporting import asked, told

if TYPE_CHECKING:
    from neonpay.analytics.figures import Revenue
    from neonpay.web.pages.revenue.choice import Choice
    from neonpay.web.reporting import Asked


def routes() -> Iterable[web.AbstractRouteDef]:
    """The page."""
    return [web.get("/revenue", show)]


async def show(request: web.Request) -> web.Response:
    """Revenue as the address asks for it."""
    about = await asked(request)
    chosen = choice_of(request, about.name)
    reports, period, bots = about.reports, about.period, about.bots
    found = await _revenue(about, chosen)
    if chosen.split is None and not fits(marks_in(found)):
        chosen = chosen.coarser()
        found = await _revenue(about, chosen)
    orders = await told(lambda: reports.orders(period, bots=bots))
    estimate = await told(lambda: reports.proceeds(period, bots=bots))
    names = await read(request, _titles, bots) if chosen.split in {Split.STAGE, Split.PLAN} else {}
    page = view_of(about, chosen, found, orders, estimate, names)
    return render(request, "revenue.html", r=page, chosen=chosen, bys=BYS, splits=SPLITS, days=DAYS)


async def _revenue(about: Asked, chosen: Choice) -> Revenue:
    ask = about.reports.revenue
    return await told(lambda: ask(about.period, by=chosen.by, split=chosen.split, compare=True, bots=about.bots))


def _titles(transaction: Transaction, bots: list[int]) -> dict[str, str]:
    return titles(transaction, Scope.of(bots))
