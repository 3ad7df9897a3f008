"""The figures of the report to owners, from the reports of the shop."""

from __future__ import annotations

from datetime import date, tzinfo
from typing import TYPE_CHECKING

from neonpay.analytics.figures import Takings
from neonpay.analytics.periods import Bucket, Period
from neonpay.notifications.report import Figures, Sums

if TYPE_CHECKING:
    from neonpay.analytics.namespace import Reports
    from neonpay.core.namespaces import Awaiting


async def figures(reports: Reports[Awaiting], first: date, last: date, zone: tzinfo) -> Figures:
    """The figures of whole days of a zone, the last one among them, beside as many days before."""
    revenue = await reports.revenue(Period.between(first, last, zone=zone), by=Bucket.WEEK, compare=True)
    waits = await reports.attention()
    return Figures(
        now=_sums(revenue.takings),
        before=_sums(revenue.before or Takings()),
        waiting=waits.payments,
        requests=waits.requests,
    )


def _sums(takings: Takings) -> Sums:
    return Sums(orders=takings.orders, gross_stars=takings.gross_stars, returned_stars=takings.returned_stars)
