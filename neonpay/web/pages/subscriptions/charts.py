"""The charts of subscriptions: who came and left, how many there are, what is to renew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neonpay.analytics import METRICS
from neonpay.web.charts import Bar, Figure, Key, Step, Table, bars, steps
from neonpay.web.drawn.times import below, is_open, spoken

if TYPE_CHECKING:
    from neonpay.analytics.people_figures import Movement, Subscribers
    from neonpay.web.speech import Speech

_LOSSES: Final = ("b3", "b5", "b8")


def moves_chart(w: Speech, found: Subscribers, period: str) -> Figure:
    """New and returned subscribers above zero, those who left below it by why."""
    spans = [one.span for one in found.movements]
    each, rows = [], []
    for place, one in enumerate(found.movements):
        unfinished = is_open(spans, place)
        change = one.new + one.returned - one.churned
        when = spoken(w, one.span, found.by)
        parts = _parts(w, one)
        words = w("subscriptions.read_move", when=when, parts=parts) if parts else when
        each.append(
            Bar(
                above=(one.new, one.returned),
                below=(one.voluntary_churn, one.involuntary_churn, one.untold_churn),
                figure=change,
                words=w("overview.so_far", words=words) if unfinished else words,
                label=below(w, one.span, found.by, unfinished=unfinished),
                is_open=unfinished,
            )
        )
        numbers = (one.new, one.returned, -one.voluntary_churn, -one.involuntary_churn, -one.untold_churn, change)
        rows.append((when, *map(w.number, numbers)))
    came = sum(one.new + one.returned for one in found.movements)
    left = sum(one.churned for one in found.movements)
    title = w(f"subscriptions.moves_{found.by.value}")
    names = ["new", "returned", "voluntary", "involuntary", "untold"]
    has_untold = any(one.untold_churn for one in found.movements)
    keys = [
        Key(kind, w(f"subscriptions.{name}")) for kind, name in zip(("k1", "k2", "k3", "k5", "k8"), names, strict=True)
    ]
    return Figure(
        name="moves",
        title=title,
        plot=bars(
            each,
            label=w("charts.keys", title=title),
            number=w.number,
            empty=w("subscriptions.nothing_moved"),
            is_signed=True,
            below=_LOSSES,
        ),
        figure=came - left,
        words=w("subscriptions.came_left", period=w(f"overview.in_{period}"), came=w.number(came), left=w.number(left)),
        definition=METRICS["churn"].said(w.language),
        table=Table(
            [w("overview.time"), *(w(f"subscriptions.{name}") for name in names), w("subscriptions.change")], rows
        ),
        key=keys if has_untold else keys[:-1],
        is_signed=True,
    )


def active_chart(w: Speech, found: Subscribers) -> Figure:
    """How many subscriptions were active at the end of each bucket."""
    spans = [one.span for one in found.movements]
    each = [
        Step(
            value=one.active,
            words=f"{spoken(w, one.span, found.by)}, {w('subscriptions.active_label')}",
            label=below(w, one.span, found.by, unfinished=is_open(spans, place)),
            is_open=is_open(spans, place),
        )
        for place, one in enumerate(found.movements)
    ]
    title = w("subscriptions.active")
    return Figure(
        name="active",
        title=title,
        plot=steps(each, label=w("charts.keys", title=title), number=w.number, empty=w("subscriptions.nobody")),
        figure=found.active,
        words=w("subscriptions.active_now"),
        definition=METRICS["active_subscriptions"].said(w.language),
        table=Table(
            [w("overview.time"), title],
            [(spoken(w, one.span, found.by), w.number(one.active)) for one in found.movements],
        ),
    )


def forecast_chart(w: Speech, found: Subscribers) -> Figure:
    """What is to renew on each of the next days."""
    each = [
        Bar(
            above=(day.stars,),
            figure=day.stars,
            words=w.count(
                "subscriptions.read_forecast",
                day.count,
                when=w(f"charts.day_{day.day.weekday()}", date=w.date(day.day)),
            ),
            label=w.date(day.day),
            unit=w.count("frame.stars_word", day.stars),
        )
        for day in found.forecast
    ]
    title = w("subscriptions.forecast")
    count = sum(day.count for day in found.forecast)
    return Figure(
        name="forecast",
        title=title,
        plot=bars(each, label=w("charts.keys", title=title), number=w.number, empty=w("subscriptions.nothing_renews")),
        figure=sum(day.stars for day in found.forecast),
        words=w.count("subscriptions.forecast_sum", count),
        definition=METRICS["renewal_forecast"].said(w.language),
        table=Table(
            [w("overview.time"), w("subscriptions.renewals"), w("subscriptions.stars")],
            [
                (w(f"charts.day_{day.day.weekday()}", date=w.date(day.day)), w.number(day.count), w.number(day.stars))
                for day in found.forecast
            ],
        ),
        is_stars=True,
    )


def _parts(w: Speech, one: Movement) -> str:
    numbers = {
        "new": one.new,
        "returned": one.returned,
        "voluntary": -one.voluntary_churn,
        "involuntary": -one.involuntary_churn,
        "untold": -one.untold_churn,
    }
    return ", ".join(
        w("subscriptions.part", name=w(f"subscriptions.{name}"), n=f"+{w.number(n)}" if n > 0 else w.number(n))
        for name, n in numbers.items()
        if n
    )
