"""Revenue, orders and products: what was paid, and what of it went back."""

from __future__ import annotations

from neonpay.analytics.counting import counted, distribution, median, sums
from neonpay.analytics.customers import new_customers, paying
from neonpay.analytics.figures import Orders, Revenue, RevenuePoint, RevenueShare, Takings
from neonpay.analytics.measures import Measure
from neonpay.analytics.periods import Bucket, Period
from neonpay.analytics.scope import Scope, Split
from neonpay.analytics.takings import Key, takings_by, takings_in
from neonpay.ledger import Transaction


def revenue(
    transaction: Transaction, scope: Scope, period: Period, by: Bucket, split: Split | None, *, compare: bool
) -> Revenue:
    """What was paid in each bucket, by the day of payment, and what was refunded in it, by the day of the refund.

    Gross: Stars of all payments in Stars, whatever has become of them, by their time of payment. Returned: of these very
    payments, what was refunded, whenever. Net: gross less returned, so that a late refund lowers the bucket of its payment.
    Refunded, apart: Stars that went back in the bucket, by the time of the refund.
    """
    spans = period.buckets(by)
    found = takings_by(transaction, scope, spans, split)
    refunded = {
        int(key[0]): (number, stars)
        for key, number, stars in sums(transaction, counted(transaction, Measure.REFUNDED, scope, spans), "place")
    }
    one_off: list[Takings] = [Takings()] * len(spans)
    repeated: list[Takings] = [Takings()] * len(spans)
    for (place, _, is_one_off), takings in found.items():
        side = one_off if is_one_off else repeated
        side[place] += takings
    points = [
        RevenuePoint(
            span=span,
            one_off=one_off[place],
            subscriptions=repeated[place],
            refunds=refunded.get(place, (0, 0))[0],
            refunded_stars=refunded.get(place, (0, 0))[1],
        )
        for place, span in enumerate(spans)
    ]
    return Revenue(
        period=period,
        by=by,
        points=tuple(points),
        one_off=Takings.sum(one_off),
        subscriptions=Takings.sum(repeated),
        refunds=sum(point.refunds for point in points),
        refunded_stars=sum(point.refunded_stars for point in points),
        shares=_shares(found, len(spans), split),
        before=takings_in(transaction, scope, period.before().span) if compare else None,
    )


def _shares(found: dict[Key, Takings], buckets: int, split: Split | None) -> tuple[RevenueShare, ...]:
    if split is None:
        return ()
    points: dict[str, list[Takings]] = {}
    for (place, part, _), takings in found.items():
        points.setdefault(part, [Takings()] * buckets)[place] += takings
    shares = [RevenueShare(key=part, takings=Takings.sum(each), points=tuple(each)) for part, each in points.items()]
    return tuple(sorted(shares, key=lambda share: (-share.takings.net_stars, share.key)))


def orders(transaction: Transaction, scope: Scope, period: Period) -> Orders:
    """How many payments there were and what they were worth.

    An order is a payment in Stars, renewals among them, by its time of payment. Average and median are of their gross Stars.
    Customers are people, each once; a new one has never paid any of these bots before. ARPPU: net for each customer.
    """
    takings = takings_in(transaction, scope, period.span)
    customers = paying(transaction, scope, period.span)
    return Orders(
        takings=takings,
        average_stars=takings.gross_stars / takings.orders if takings.orders else None,
        median_stars=median(distribution(transaction, Measure.PAID, scope, period.span)),
        customers=customers,
        new_customers=new_customers(transaction, scope, period.span),
        arppu_stars=takings.net_stars / customers if customers else None,
    )
