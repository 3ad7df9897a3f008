"""What the page of subscriptions says, made from figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.analytics import METRICS, Bucket
from neonpay.web.charts import tint
from neonpay.web.drawn.times import spoken
from neonpay.web.marks import stars
from neonpay.web.pages.subscriptions.charts import active_chart, forecast_chart, moves_chart

if TYPE_CHECKING:
    from markupsafe import Markup

    from neonpay.analytics.people_figures import Customers, Subscribers
    from neonpay.web.charts import Figure
    from neonpay.web.reporting import Asked
    from neonpay.web.speech import Speech

Row = tuple[str, "Markup | str", str]
_WEEK: Final = 7
_AGE_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the retention table: what stands in it, and the class of its tint."""

    words: str
    kind: str


@dataclass(frozen=True, slots=True)
class Cohorts:
    """The retention table: the heads of its ages, and for each month its name, its size and its cells."""

    heads: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[Cell]]]
    definition: str


@dataclass(frozen=True, slots=True)
class Page:
    """The page; without any subscription only its sentence is shown."""

    sentence: str
    lead: str
    has_any: bool
    moves: Figure
    movement: Sequence[Row]
    figures: Sequence[Row]
    active: Figure
    mrr: Sequence[Row]
    mrr_definition: str
    plans: Sequence[tuple[str, ...]]
    forecast: Figure
    cohorts: Cohorts


def view_of(about: Asked, moves: Subscribers, levels: Subscribers, customers: Customers) -> Page:
    """The page as this reader sees it.

    Args:
        moves: cut as movement is drawn.
        levels: the same subscriptions, cut as the line of the active ones is drawn.
    """
    w = about.w
    has_any = bool(moves.active or moves.active_before or any(one.new or one.churned for one in moves.movements))
    return Page(
        sentence=_sentence(w, about.name, moves) if has_any else w("subscriptions.none"),
        lead=_lead(w, moves) if has_any else w("subscriptions.none_lead"),
        has_any=has_any,
        moves=moves_chart(w, moves, about.name),
        movement=_movement(w, moves),
        figures=_figures(w, moves),
        active=active_chart(w, levels),
        mrr=_mrr(w, moves),
        mrr_definition=METRICS["mrr_movement"].said(w.language),
        plans=[
            (
                plan.title or plan.stage_id or w("subscriptions.unknown_plan"),
                w.number(plan.active),
                w.number(plan.mrr_stars),
                w.number(plan.renewing),
            )
            for plan in moves.plans
        ],
        forecast=forecast_chart(w, moves),
        cohorts=_cohorts(w, customers),
    )


def _sentence(w: Speech, period: str, found: Subscribers) -> str:
    change = found.active - found.active_before
    before = w(f"subscriptions.ago_{period}")
    if not change:
        return w.count("subscriptions.same", found.active, before=before)
    key = "subscriptions.more" if change > 0 else "subscriptions.fewer"
    return w.count(key, found.active, change=w.number(abs(change)), before=before)


def _lead(w: Speech, found: Subscribers) -> str:
    too_low = sum(one.involuntary_churn for one in found.movements)
    if too_low:
        return w.count("subscriptions.too_low", too_low)
    said = f"{w.number(found.mrr_stars)} {w.count('frame.stars_word', found.mrr_stars)}"
    return w("subscriptions.lead", stars=said)


def _movement(w: Speech, found: Subscribers) -> list[Row]:
    each = found.movements
    rows = [
        (w("subscriptions.at_start"), w.number(found.active_before), ""),
        (w("subscriptions.new"), _signed(w, sum(one.new for one in each)), ""),
        (w("subscriptions.returned"), _signed(w, sum(one.returned for one in each)), ""),
        (w("subscriptions.voluntary"), _signed(w, -sum(one.voluntary_churn for one in each)), ""),
        (w("subscriptions.involuntary"), _signed(w, -sum(one.involuntary_churn for one in each)), ""),
    ]
    untold = sum(one.untold_churn for one in each)
    if untold:
        rows.append((w("subscriptions.untold"), _signed(w, -untold), ""))
    # People come and leave; what is active are plans, of which somebody may have several.
    plans = found.active - found.active_before - sum(one.new + one.returned - one.churned for one in each)
    if plans:
        rows.append((w(f"subscriptions.{'more' if plans > 0 else 'fewer'}_plans"), _signed(w, plans), ""))
    return [*rows, (w("subscriptions.active_now"), w.number(found.active), "sum")]


def _figures(w: Speech, found: Subscribers) -> list[Row]:
    each, before = found.movements, found.active_before

    def share(count: int) -> str:
        return w.percent(count / before) if before else w("overview.unknown")

    renew = found.auto_renew_share
    soon = sum(day.count for day in found.forecast[:_WEEK])
    return [
        (w("subscriptions.voluntary_churn"), share(sum(one.voluntary_churn for one in each)), ""),
        (w("subscriptions.involuntary_churn"), share(sum(one.involuntary_churn for one in each)), ""),
        (w("subscriptions.renewing"), w("overview.unknown") if renew is None else w.percent(renew), ""),
        (w("subscriptions.in_7_days"), w.number(soon), ""),
        (w("subscriptions.mrr"), stars(w, found.mrr_stars), ""),
    ]


def _mrr(w: Speech, found: Subscribers) -> list[Row]:
    each = found.movements
    moved = [
        ("new", sum(one.new_stars for one in each)),
        ("returned", sum(one.returned_stars for one in each)),
        ("expansion", sum(one.expansion_stars for one in each)),
        ("contraction", -sum(one.contraction_stars for one in each)),
        ("voluntary", -sum(one.voluntary_churn_stars for one in each)),
        ("involuntary", -sum(one.involuntary_churn_stars for one in each)),
        ("untold", -sum(one.untold_churn_stars for one in each)),
    ]
    return [
        (w("subscriptions.mrr_start"), stars(w, found.mrr_before_stars), ""),
        *((w(f"subscriptions.{name}"), _signed(w, value), "") for name, value in moved if value or name == "new"),
        (w("subscriptions.mrr_now"), stars(w, found.mrr_stars), "sum"),
    ]


def _cohorts(w: Speech, customers: Customers) -> Cohorts:
    shown = [cohort for cohort in customers.cohorts if cohort.size]
    ages = max((len(cohort.buyers) for cohort in shown), default=0)
    rows = []
    for cohort in shown:
        cells = []
        for age in range(1, ages):
            if age < min(cohort.complete, len(cohort.buyers)):
                share = cohort.buyers[age] / cohort.size
                cells.append(Cell(w.percent(share, 0), tint(share)))
            else:
                is_next = age == max(1, cohort.complete)
                cells.append(Cell(w("subscriptions.running") if is_next else "", "t0 quiet"))
        rows.append((spoken(w, cohort.span, Bucket.MONTH), w.number(cohort.size), cells))
    heads = [w("subscriptions.age", first=age * _AGE_DAYS + 1, last=(age + 1) * _AGE_DAYS) for age in range(1, ages)]
    return Cohorts(heads, rows, METRICS["cohorts"].said(w.language))


def _signed(w: Speech, value: int) -> str:
    return f"+{w.number(value)}" if value > 0 else w.number(value)
