"""The short account of a period, the products, and how long deliveries took."""

from __future__ import annotations

from datetime import datetime

from neonpay.analytics.accounts import balance, gap_stars
from neonpay.analytics.counting import counted, distribution, median, percentile, sums
from neonpay.analytics.customers import paying
from neonpay.analytics.figures import DeliveryTimes, Product, Statement, Takings
from neonpay.analytics.measures import Measure
from neonpay.analytics.periods import Period
from neonpay.analytics.scope import Scope, Split
from neonpay.analytics.subscriptions import active_count
from neonpay.analytics.takings import takings_by, takings_in
from neonpay.analytics.titles import titles
from neonpay.ledger import Transaction


def statement(transaction: Transaction, scope: Scope, period: Period, now: datetime, *, compare: bool) -> Statement:
    """The figures of ``revenue``, ``orders``, ``subscriptions`` and ``account`` that an owner reads first."""
    found = takings_by(transaction, scope, [period.span], None)
    return Statement(
        period=period,
        one_off=Takings.sum(takings for (_, _, is_one_off), takings in found.items() if is_one_off),
        subscriptions=Takings.sum(takings for (_, _, is_one_off), takings in found.items() if not is_one_off),
        median_stars=median(distribution(transaction, Measure.PAID, scope, period.span)),
        customers=paying(transaction, scope, period.span),
        active_subscriptions=active_count(transaction, scope, period.until),
        balance=balance(transaction, scope, now),
        gap_stars=gap_stars(transaction, scope),
        before=takings_in(transaction, scope, period.before().span) if compare else None,
    )


def products(transaction: Transaction, scope: Scope, period: Period) -> tuple[Product, ...]:
    """What each stage has brought in a period, the figures of ``revenue``, with the invoices and declines of ``funnel``.

    Largest net first. A stage is in the list when anything of it was paid, invoiced or declined in the period; what was paid
    without a stage that is known stands under "".
    """
    span = period.span
    takings: dict[str, Takings] = {}
    for (_, stage_id, _), found in takings_by(transaction, scope, [span], Split.STAGE).items():
        takings[stage_id] = takings.get(stage_id, Takings()) + found
    counts = {
        measure: {str(key): number for (key,), number, _ in sums(transaction, rows, "stage_id")}
        for measure in (Measure.INVOICED, Measure.DECLINED, Measure.DELIVERED)
        for rows in [counted(transaction, measure, scope, [span])]
    }
    names = titles(transaction, scope)
    stage_ids = {*takings, *counts[Measure.INVOICED], *counts[Measure.DECLINED]}
    listed = [
        Product(
            stage_id=stage_id,
            title=names.get(stage_id, ""),
            takings=takings.get(stage_id, Takings()),
            invoiced=counts[Measure.INVOICED].get(stage_id, 0),
            declined=counts[Measure.DECLINED].get(stage_id, 0),
            delivered=counts[Measure.DELIVERED].get(stage_id, 0),
        )
        for stage_id in stage_ids
    ]
    return tuple(sorted(listed, key=lambda one: (-one.takings.net_stars, one.stage_id)))


def delivery_times(transaction: Transaction, scope: Scope, period: Period) -> DeliveryTimes:
    """How long the deliveries of payments of a period took, renewals among them.

    From the time of payment, which Telegram tells in whole seconds, to the end of the last handler. What was not delivered is
    not among them.
    """
    waits = distribution(transaction, Measure.WAITED, scope, period.span)
    p50, p95, p99 = (percentile(waits, percent) for percent in (50, 95, 99))
    return DeliveryTimes(
        delivered=sum(number for _, number in waits), p50_s=_seconds(p50), p95_s=_seconds(p95), p99_s=_seconds(p99)
    )


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
