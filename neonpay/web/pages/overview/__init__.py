"""``/``: whether all is well, what was earned, who waits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from neonpay.web.access import Role, viewer
from neonpay.web.charts import blank_stream
from neonpay.web.marks import stars
from neonpay.web.pages.overview.rows import read_lines
from neonpay.web.pages.overview.view import view_of
from neonpay.web.reading import read
from neonpay.web.rendering import render
from neonpay.web.reporting import asked, told

EXAMPLE: Final = """from neonpay import PaymentStage

lesson = PaymentStage(
    title="A lesson",
    description="Half an hour",
    price=250,
)
neonpay.create_payment_stage("lesson", lesson)
await neonpay.send_payment(chat_id, "lesson")"""
"""What sells one thing, for whoever has sold nothing yet."""


def routes() -> Iterable[web.AbstractRouteDef]:
    """The first page."""
    return [web.get("/", show)]


async def show(request: web.Request) -> web.Response:
    """The state of the shop at a glance."""
    about = await asked(request)
    lines = await read(request, read_lines, about.bots)
    if not lines.newest:
        return await _empty(request)
    reports, period, bots = about.reports, about.period, about.bots
    revenue = await told(lambda: reports.revenue(period, by=about.by, compare=True, bots=bots))
    statement = await told(lambda: reports.statement(period, compare=True, bots=bots))
    funnel = await told(lambda: reports.funnel(period, bots=bots))
    waiting = await told(lambda: reports.attention(bots=bots))
    overview = view_of(about, revenue=revenue, statement=statement, funnel=funnel, attention=waiting, lines=lines)
    may_act = viewer(request).role >= Role.OPERATOR
    return render(request, "overview.html", o=overview, now=about.now, may_act=may_act)


async def _empty(request: web.Request) -> web.Response:
    about = await asked(request)
    found = await told(lambda: about.reports.statement(about.period, bots=about.bots))
    w, is_proved = about.w, found.gap_stars == 0
    rows = [
        (w("overview.paid_sum"), stars(w, 0), ""),
        (w("overview.refunded"), w.number(0), ""),
        (w("overview.net"), stars(w, 0), "sum proved" if is_proved else "sum"),
    ]
    stops = ("invoiced", "checkout", "paid", "delivered")
    return render(
        request,
        "overview_empty.html",
        blank=blank_stream(len(stops)),
        stops=stops,
        statement=rows,
        is_proved=is_proved,
        code=EXAMPLE,
    )
