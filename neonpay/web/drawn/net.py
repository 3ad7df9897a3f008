"""Net revenue as bars: one-off above, subscriptions on it, what went back of them below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neonpay.analytics import METRICS
from neonpay.web.charts import Bar, Figure, Key, Table, bars
from neonpay.web.drawn.times import below, is_open, spoken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neonpay.analytics.figures import Revenue, RevenuePoint, Takings
    from neonpay.web.speech import Speech


def net_chart(w: Speech, revenue: Revenue, period: str, *, notes: Sequence[str] = ()) -> Figure:
    """The chart of net revenue, with its reading and the comparison with the period before."""
    points, by = revenue.points, revenue.by
    spans = [point.span for point in points]
    each, rows = [], []
    for place, point in enumerate(points):
        unfinished = is_open(spans, place)
        each.append(_bar(w, point, below(w, point.span, by, unfinished=unfinished), revenue, unfinished=unfinished))
        one_off, renewed, back, net = _amounts(point)
        when = spoken(w, point.span, by)
        rows.append(
            (
                w("overview.so_far", words=when) if unfinished else when,
                *map(w.number, (one_off, renewed, -back, net)),
            )
        )
    title = w(f"overview.net_by_{by.value}")
    said = w("overview.bars_label", period=w(f"overview.in_{period}"))
    heads = [w(f"overview.{name}") for name in ("time", "one_off", "subscriptions", "refunds", "net")]
    return Figure(
        name="net",
        title=title,
        plot=bars(each, label=said, number=w.number, empty=w("overview.nothing_sold")),
        figure=revenue.takings.net_stars,
        words=compared(w, revenue.takings, revenue.before, period),
        definition=METRICS["net"].said(w.language),
        table=Table(heads, rows),
        key=[
            Key("k1", w("overview.one_off")),
            Key("k2", w("overview.subscriptions")),
            Key("k3", w("overview.refunds")),
            Key("k4", w("overview.unfinished")),
        ],
        is_stars=True,
        notes=notes,
    )


def marks_in(revenue: Revenue) -> int:
    """How many marks the chart of it has, on whichever day refunds count."""
    return sum(
        bool(one_off) + bool(renewed) + bool(back or point.refunded_stars)
        for point in revenue.points
        for one_off, renewed, back, _ in [_amounts(point)]
    )


def compared(w: Speech, now: Takings, before: Takings | None, period: str) -> str:
    """How a period was beside the one before it, which is cut at the same moment."""
    said = {"period": w(f"overview.in_{period}"), "before": w(f"overview.before_{period}")}
    if before is None or before.net_stars <= 0:
        return w("overview.sum_first", **said)
    change = now.net_stars / before.net_stars - 1
    if not round(abs(change), 2):
        return w("overview.sum_same", **said)
    return w("overview.sum_more" if change > 0 else "overview.sum_less", share=w.percent(abs(change), 0), **said)


def _amounts(point: RevenuePoint) -> tuple[int, int, int, int]:
    takings = point.takings
    return point.one_off.gross_stars, point.subscriptions.gross_stars, takings.returned_stars, takings.net_stars


def _bar(w: Speech, point: RevenuePoint, label: str, revenue: Revenue, *, unfinished: bool) -> Bar:
    one_off, renewed, back, net = _amounts(point)
    said = {"when": spoken(w, point.span, revenue.by), "one_off": w.number(one_off), "subscriptions": w.number(renewed)}
    words = (
        w("overview.read_bar_refunded", refunded=w.number(-back), **said) if back else w("overview.read_bar", **said)
    )
    return Bar(
        above=(one_off, renewed),
        below=(back,),
        figure=net,
        words=w("overview.so_far", words=words) if unfinished else words,
        label=label,
        unit=w.count("frame.stars_word", abs(net)),
        is_open=unfinished,
    )
