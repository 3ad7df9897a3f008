"""``/products``: what each product has brought, and how many of those who were offered it bought it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from neonpay.analytics import METRICS
from neonpay.web.charts import stroke
from neonpay.web.drawn.numbers import decimal
from neonpay.web.rendering import render
from neonpay.web.reporting import Asked, asked, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from neonpay.analytics.figures import Product
    from neonpay.web.speech import Speech


@dataclass(frozen=True, slots=True)
class Row:
    """A product of the table; ``taper`` is None where nobody was offered it."""

    stage_id: str
    title: str
    net: str
    orders: str
    orders_words: str
    refund_rate: str
    taper: Markup | None
    bought: str
    declined: str
    delivered: str


def routes() -> Iterable[web.AbstractRouteDef]:
    """The page."""
    return [web.get("/products", show)]


async def show(request: web.Request) -> web.Response:
    """The products of the period, largest net first."""
    about = await asked(request)
    found = await told(lambda: about.reports.products(about.period, bots=about.bots))
    return render(
        request,
        "products.html",
        sentence=_sentence(about, found),
        lead=about.w.count("products.lead", len(found)) if found else "",
        rows=[_row(about.w, product) for product in found],
        definition=METRICS["products"].said(about.w.language),
    )


def name_of(w: Speech, product: Product) -> str:
    """What a product is called."""
    return product.title or product.stage_id or w("products.unknown")


def _sentence(about: Asked, found: Sequence[Product]) -> str:
    w, period = about.w, about.w(f"overview.in_{about.name}")
    if not found or found[0].takings.net_stars <= 0:
        return w("products.nothing", period=period)
    best = found[0]
    return w.count("products.best", best.takings.net_stars, title=name_of(w, best), period=period)


def _row(w: Speech, product: Product) -> Row:
    takings = product.takings
    rate = takings.refund_rate
    share = takings.orders / product.invoiced if product.invoiced else None
    if share is None:
        bought = w("products.no_invoices")
    elif share > 1:  # a link that many have paid, or renewals
        bought = w("products.per_invoice", n=decimal(w, share))
    else:
        bought = w.percent(share, 0)
    return Row(
        stage_id=product.stage_id,
        title=name_of(w, product),
        net=w.number(takings.net_stars),
        orders=w.number(takings.orders),
        orders_words=w.count("products.orders_only_sm", takings.orders),
        refund_rate="" if rate is None else w.percent(rate),
        taper=None if share is None else stroke(share),
        bought=bought,
        declined=w.number(product.declined),
        delivered=w.number(product.delivered),
    )
