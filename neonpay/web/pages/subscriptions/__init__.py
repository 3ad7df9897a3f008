"""``/subscriptions``: who subscribes, who leaves and why, and what is to renew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from neonpay.analytics import Bucket
from neonpay.analytics.cohort_rollup import COHORTS
from neonpay.analytics.marks import ROLLUP
from neonpay.web.pages.subscriptions.view import view_of
from neonpay.web.rendering import render
from neonpay.web.reporting import asked, told

_MOVES: Final = {"24h": Bucket.HOUR, "7d": Bucket.DAY}
_MONTHS: Final = 6
EXAMPLE: Final = """from neonpay import PaymentStage

club = PaymentStage(
    title="Club",
    description="A month in the club",
    price=100,
)
neonpay.create_payment_stage("club", club)
invoice = await neonpay.create_payment_link(
    "club",
    user_id=user_id,
    options={"subscription_period": 2_592_000},
)"""
"""What sells a subscription, for whoever has sold none."""


def routes() -> Iterable[web.AbstractRouteDef]:
    """The page."""
    return [web.get("/subscriptions", show)]


async def show(request: web.Request) -> web.Response:
    """Subscriptions in the period of the address."""
    about = await asked(request, ROLLUP, COHORTS)
    reports, period, bots = about.reports, about.period, about.bots
    moves_by = _MOVES.get(about.name, Bucket.WEEK)
    moves = await told(lambda: reports.subscriptions(period, by=moves_by, bots=bots))
    if moves.by is about.by:
        levels = moves
    else:
        levels = await told(lambda: reports.subscriptions(period, by=about.by, bots=bots))
    customers = await told(lambda: reports.customers(period, months=_MONTHS, bots=bots))
    return render(request, "subscriptions.html", s=view_of(about, moves, levels, customers), code=EXAMPLE)
