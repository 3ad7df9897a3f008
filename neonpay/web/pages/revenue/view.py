"""What the page of revenue says, made from figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from neonpay.analytics import METRICS, Split
from neonpay.analytics.figures import RevenueShare, Takings
from neonpay.core.reward_rates import RATES
from neonpay.web.charts import Bar, Figure, Key, Table, bars
from neonpay.web.drawn.net import compared, net_chart
from neonpay.web.drawn.numbers import amount, decimal
from neonpay.web.drawn.times import below, is_open, spoken
from neonpay.web.marks import stars

if TYPE_CHECKING:
    from markupsafe import Markup

    from neonpay.analytics.figures import Orders, Proceeds, Revenue
    from neonpay.web.pages.revenue.choice import Choice
    from neonpay.web.reporting import Asked
    from neonpay.web.speech import Speech

_NAMED: Final = 3
"""How many parts have a colour of their own; more than four series nobody can tell apart."""
_KEYS: Final = ("k1", "k2", "k6", "k7")


@dataclass(frozen=True, slots=True)
class Page:
    """The page.

    Attributes:
        estimate: what the net may be worth, as a note; empty when nothing was earned.
        parts: what revenue is taken apart into; empty when it is not.
    """

    sentence: str
    lead: str
    chart: Figure
    statement: Sequence[tuple[str, Markup | str, str]]
    figures: Sequence[tuple[str, Markup | str, str]]
    estimate: str
    parts: Table | None
    parts_title: str


def view_of(
    about: Asked, chosen: Choice, revenue: Revenue, orders: Orders, estimate: Proceeds, names: Mapping[str, str]
) -> Page:
    """The page as this reader sees it."""
    w = about.w
    takings = revenue.takings if revenue.shares == () or chosen.split is not Split.PLAN else _sum(revenue.shares)
    notes = [w(f"charts.coarser_{chosen.by.value}")] if chosen.is_coarser else []
    if chosen.split is None:
        chart = net_chart(w, _by_refund(revenue) if chosen.on == "refund" else revenue, about.name, notes=notes)
        if chosen.on == "refund":
            chart = replace(chart, definition=w("revenue.by_refund_day"))
    else:
        chart = _apart(w, chosen, revenue, names, notes)
    net = takings.net_stars
    words = compared(w, takings, None if chosen.split is Split.PLAN else revenue.before, about.name)
    return Page(
        sentence=w.count("revenue.earned", net, compared=words)
        if net
        else w("revenue.nothing", period=w(f"overview.in_{about.name}")),
        lead=w.count(
            "revenue.lead",
            takings.orders,
            time=f"{w.time(about.now)} {w.zone_name}",
            day=w(f"revenue.day_of_{chosen.on}"),
        ),
        chart=chart,
        statement=_statement(w, revenue, takings),
        figures=_figures(w, orders),
        estimate=_estimate(w, estimate),
        parts=None if chosen.split is None else _table(w, chosen.split, revenue.shares, names),
        parts_title="" if chosen.split is None else w(f"revenue.apart_{chosen.split.value}"),
    )


def _estimate(w: Speech, estimate: Proceeds) -> str:
    """What the net would be worth; never shown as revenue, and with the day on which its rate was read."""
    if estimate.net_stars <= 0:
        return ""
    rate = RATES[-1]
    rate_words = decimal(w, rate.usd_per_star, digits=3)
    return w(
        "revenue.estimate", usd=decimal(w, estimate.usd, digits=2), rate=rate_words, day=w.date(rate.read_on, year=True)
    )


def _by_refund(revenue: Revenue) -> Revenue:
    """The same with what went back in each bucket, and not of each bucket."""
    points = tuple(
        replace(
            point,
            one_off=Takings(point.takings.orders, point.one_off.gross_stars, point.refunds, point.refunded_stars),
            subscriptions=Takings(0, point.subscriptions.gross_stars),
        )
        for point in revenue.points
    )
    return replace(
        revenue,
        points=points,
        one_off=Takings.sum(point.one_off for point in points),
        subscriptions=Takings.sum(point.subscriptions for point in points),
        before=None,
    )


def _apart(w: Speech, chosen: Choice, revenue: Revenue, names: Mapping[str, str], notes: Sequence[str]) -> Figure:
    assert chosen.split is not None, "it is taken apart by something"
    spans = [point.span for point in revenue.points]
    series = [(part_name(w, chosen.split, share.key, names), share.points) for share in revenue.shares[:_NAMED]]
    rest = revenue.shares[_NAMED:]
    if rest:
        series.append(
            (w("revenue.other"), tuple(Takings.sum(share.points[n] for share in rest) for n in range(len(spans))))
        )
    each, rows = [], []
    for place, span in enumerate(spans):
        values = [points[place].net_stars for _, points in series]
        unfinished = is_open(spans, place)
        when = spoken(w, span, revenue.by)
        parts = ", ".join(
            w("revenue.one_part", part=name, n=w.number(value))
            for (name, _), value in zip(series, values, strict=True)
            if value
        )
        words = w("revenue.read_part", when=when, parts=parts) if parts else when
        each.append(
            Bar(
                above=tuple(values),
                figure=sum(values),
                words=w("overview.so_far", words=words) if unfinished else words,
                label=below(w, span, revenue.by, unfinished=unfinished),
                unit=w.count("frame.stars_word", sum(values)),
                is_open=unfinished,
            )
        )
        rows.append((when, *map(w.number, values), w.number(sum(values))))
    title = w(f"overview.net_by_{revenue.by.value}")
    total = _sum(revenue.shares)
    return Figure(
        name="net",
        title=title,
        plot=bars(each, label=w("charts.keys", title=title), number=w.number, empty=w("overview.nothing_sold")),
        figure=total.net_stars,
        words=w(f"revenue.apart_{chosen.split.value}"),
        definition=METRICS["net"].said(w.language),
        table=Table([w("overview.time"), *(name for name, _ in series), w("revenue.net")], rows),
        key=[Key(kind, name) for kind, (name, _) in zip(_KEYS, series, strict=False)],
        is_stars=True,
        notes=notes,
    )


def part_name(w: Speech, split: Split, key: str, names: Mapping[str, str]) -> str:
    """How a part is called; what came from outside is as it is."""
    if split in {Split.STAGE, Split.PLAN}:
        return names.get(key) or key or w("revenue.unknown_stage")
    return key or w("revenue.unknown_source" if split is Split.SOURCE else "revenue.unknown_language")


def _sum(shares: Sequence[RevenueShare]) -> Takings:
    return Takings.sum(share.takings for share in shares)


def _table(w: Speech, split: Split, shares: Sequence[RevenueShare], names: Mapping[str, str]) -> Table:
    total = _sum(shares).net_stars
    rows = []
    for share in shares:
        one = share.takings
        rate = one.refund_rate
        rows.append(
            (
                part_name(w, split, share.key, names),
                w.number(one.orders),
                w.number(one.gross_stars),
                w.number(-one.returned_stars),
                w.number(one.net_stars),
                w.percent(one.net_stars / total) if total else "",
                "" if rate is None else w.percent(rate),
            )
        )
    heads = [w(f"revenue.{name}") for name in ("part", "orders", "gross", "refunded", "net", "share", "refund_rate")]
    return Table(heads, rows)


def _statement(w: Speech, revenue: Revenue, takings: Takings) -> list[tuple[str, Markup | str, str]]:
    return [
        (w("revenue.gross"), stars(w, takings.gross_stars), ""),
        (w("revenue.refunded"), w.number(-takings.returned_stars), ""),
        (w("revenue.net"), stars(w, takings.net_stars), "sum"),
        (w.count("revenue.refunded_now", revenue.refunds), w.number(-revenue.refunded_stars), ""),
    ]


def _figures(w: Speech, orders: Orders) -> list[tuple[str, Markup | str, str]]:
    rate = orders.takings.refund_rate
    return [
        (w("revenue.orders"), w.number(orders.takings.orders), ""),
        (w("revenue.average"), amount(w, orders.average_stars), ""),
        (w("revenue.median"), amount(w, orders.median_stars), ""),
        (w("revenue.refund_rate"), w("overview.unknown") if rate is None else w.percent(rate), ""),
        (w("revenue.customers"), w.number(orders.customers), ""),
        (w("revenue.new_customers"), w.number(orders.new_customers), ""),
        (w("revenue.per_customer"), amount(w, orders.arppu_stars), ""),
    ]
