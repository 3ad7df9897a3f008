"""The way from an offer to what was bought."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from neonpay.analytics.counting import counted, sums, total, whole_quarters
from neonpay.analytics.figures import Declined, Funnel
from neonpay.analytics.looks import views
from neonpay.analytics.measures import RENEWAL, Measure
from neonpay.analytics.periods import Period, Span
from neonpay.analytics.scope import Scope
from neonpay.ledger import Transaction

RIPE_AFTER: Final = timedelta(days=1)
"""An invoice that is older has had its chance."""


def funnel(transaction: Transaction, scope: Scope, period: Period, now: datetime) -> Funnel:
    """How many invoices were written, checkouts answered, orders paid and delivered in a period.

    Invoices and checkouts count at their own time, orders and deliveries at the time of payment. A renewal has neither
    invoice nor checkout and is left out. An invoice is abandoned when it is a day old and nobody has paid it; one that
    several people pay counts once. Views are the looks that the bot has told of as ``product_view``. All of it in whole
    quarters of an hour.
    """
    span = whole_quarters(period.span)
    invoiced, _ = total(transaction, Measure.INVOICED, scope, span)
    approved, _ = total(transaction, Measure.APPROVED, scope, span)
    rows = counted(transaction, Measure.DECLINED, scope, [span])
    declines = [Declined(str(reason), number) for (reason,), number, _ in sums(transaction, rows, "detail")]
    declined = sum(one.count for one in declines)
    ripe, settled = _ripe(transaction, scope, span, now)
    return Funnel(
        period=period,
        viewed=views(transaction, scope, span),
        invoiced=invoiced,
        checkouts=approved + declined,
        declined=declined,
        declines=tuple(sorted(declines, key=lambda one: (-one.count, one.reason))),
        paid=_bought(transaction, Measure.PAID, scope, span),
        delivered=_bought(transaction, Measure.DELIVERED, scope, span),
        ripe=ripe,
        abandoned=ripe - settled,
    )


def _bought(transaction: Transaction, measure: Measure, scope: Scope, span: Span) -> int:
    kinds = sums(transaction, counted(transaction, measure, scope, [span]), "kind")
    return sum(number for (kind,), number, _ in kinds if kind != RENEWAL)


def _ripe(transaction: Transaction, scope: Scope, span: Span, now: datetime) -> tuple[int, int]:
    """Invoices of the span that are old enough, and how many of them were paid."""
    until = min(span.ends_at, now - RIPE_AFTER)
    if until <= span.starts_at:
        return 0, 0
    old = whole_quarters(Span(span.starts_at, until))
    return total(transaction, Measure.INVOICED, scope, old)[0], total(transaction, Measure.SETTLED, scope, old)[0]
