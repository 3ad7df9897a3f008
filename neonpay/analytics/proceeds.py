"""What Stars may be worth as a reward: an estimate that decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time

from neonpay.analytics.figures import Proceeds
from neonpay.analytics.periods import Period, Span
from neonpay.analytics.scope import Scope
from neonpay.analytics.takings import takings_in
from neonpay.core.reward_rates import RATES, RewardRate
from neonpay.ledger import Transaction


def proceeds(transaction: Transaction, scope: Scope, period: Period, rates: Sequence[RewardRate] = RATES) -> Proceeds:
    """Net of a period, by the day of payment, times the reward for a Star that was read last by that day, in US dollars.

    Telegram pays rewards from 1,000 Stars on, not before 21 days are over, and by the rate of the day on which they are paid
    out. So it is an estimate, and nothing depends on it.
    """
    net, usd = takings_in(transaction, scope, period.span).net_stars, 0.0
    ends = [datetime.combine(later.read_on, time(), tzinfo=UTC) for later in rates[1:]]
    since = period.since
    for rate, end in zip(rates, [*ends, period.until], strict=True):
        until = min(period.until, end)
        if since < until:
            usd += rate.usd(takings_in(transaction, scope, Span(since, until)).net_stars)
            since = until
    return Proceeds(net_stars=net, usd=round(usd, 2))
