"""What the page of the funnel says, made from figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.analytics import ADVICE, METRICS
from neonpay.web.charts import Dot, dots
from neonpay.web.drawn.flow import Flow, flow, reason_words
from neonpay.web.drawn.numbers import decimal
from neonpay.web.pages.products import name_of

if TYPE_CHECKING:
    from markupsafe import Markup

    from neonpay.analytics.figures import Attention, DeliveryTimes, Finding, Funnel, Product
    from neonpay.web.pages.funnel.query import Delivery
    from neonpay.web.reporting import Asked
    from neonpay.web.speech import Speech

STUCK_S: Final = 600
_MINUTE_S: Final = 60
_ABOUT_OTHERS: Final = frozenset({"shared_link", "refund_abuser"})
"""Findings whose subject is no product."""

Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """The page."""

    sentence: str
    lead: str
    flow: Flow
    findings: Sequence[str]
    declines: Sequence[Row]
    declines_definition: str
    abandoned: Sequence[Row]
    abandoned_definition: str
    times: Sequence[Row]
    times_definition: str
    dots: Markup


def view_of(
    about: Asked,
    funnel: Funnel,
    attention: Attention,
    times: DeliveryTimes,
    products: Sequence[Product],
    stands_out: Sequence[Finding],
    deliveries: Sequence[Delivery],
) -> Page:
    """The page as this reader sees it."""
    w, period = about.w, about.w(f"overview.in_{about.name}")
    return Page(
        sentence=_sentence(w, funnel, period),
        lead=_lead(w, funnel),
        flow=flow(w, funnel, needs_person=attention.payments > 0),
        findings=findings(w, stands_out, products),
        declines=[
            (reason_words(w, one.reason), w.number(one.count), w.percent(one.count / max(1, funnel.checkouts)))
            for one in funnel.declines
        ],
        declines_definition=METRICS["declines"].said(w.language),
        abandoned=_abandoned(w, funnel),
        abandoned_definition=METRICS["abandonment"].said(w.language),
        times=[
            (w("funnel.delivered"), w.number(times.delivered), ""),
            (w("funnel.half"), took(w, times.p50_s), ""),
            (w("funnel.nearly"), took(w, times.p99_s), ""),
        ],
        times_definition=METRICS["time_to_deliver"].said(w.language),
        dots=_dots(w, deliveries),
    )


def _sentence(w: Speech, funnel: Funnel, period: str) -> str:
    if not funnel.invoiced:
        return w("funnel.nothing", period=period)
    if funnel.paid > funnel.invoiced:  # one invoice may be paid several times
        return w("funnel.often", paid=w.number(funnel.paid), invoices=w.number(funnel.invoiced), period=period)
    return w("funnel.of_invoices", share=w.percent(funnel.paid / funnel.invoiced), period=period)


def findings(w: Speech, stands_out: Sequence[Finding], products: Sequence[Product]) -> list[str]:
    """What stands out, and what there is to do about it."""
    names = {product.stage_id: name_of(w, product) for product in products}
    return [
        ADVICE[one.id]
        .said(w.language)
        .format(
            count=w.number(one.count),
            subject=one.subject if one.id in _ABOUT_OTHERS else names.get(one.subject, one.subject),
            stars=w.number(one.stars or 0),
        )
        for one in stands_out
    ]


def took(w: Speech, seconds: float | None) -> str:
    """How long something took, in the unit that fits."""
    if seconds is None:
        return w("funnel.unknown")
    if seconds < 1:
        return w("funnel.milliseconds", n=w.number(round(seconds * 1000)))
    if seconds < _MINUTE_S:
        return w("funnel.seconds", n=decimal(w, seconds))
    return w("funnel.minutes", n=w.number(round(seconds / _MINUTE_S)))


def _lead(w: Speech, funnel: Funnel) -> str:
    if not funnel.declines:
        return w("funnel.lost_none")
    first = funnel.declines[0]
    return w("funnel.lost_most", reason=reason_words(w, first.reason), n=w.number(first.count))


def _abandoned(w: Speech, funnel: Funnel) -> list[Row]:
    rate = funnel.abandonment_rate
    return [
        (w("funnel.ripe"), w.number(funnel.ripe), ""),
        (w("funnel.unpaid"), w.number(funnel.abandoned), ""),
        (w("funnel.abandonment"), w("funnel.unknown") if rate is None else w.percent(rate), "sum"),
    ]


def _dots(w: Speech, deliveries: Sequence[Delivery]) -> Markup:
    last = max(1, len(deliveries) - 1)
    each = [
        Dot(place / last, one.seconds, w("funnel.dot", time=w.moment(one.at), took=took(w, one.seconds)))
        for place, one in enumerate(deliveries)
    ]
    return dots(
        each,
        limit_s=STUCK_S,
        limit=w("funnel.limit"),
        label=w("funnel.dots_label"),
        number=w.number,
        empty=w("funnel.dots_none"),
    )
