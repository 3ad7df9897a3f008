"""What Stars may be worth as a reward: an estimate that decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from neonpay.analytics.figures import Proceeds
from neonpay.analytics.periods import Period, Span
from neonpay.analytics.scope import Scope
from neonpay.analytics.takings import takings_in
from neonpay.ledger import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardRate:
    """What Telegram pays for a Star from a day on.

    Attributes:
        since: the first day, UTC.
        source: where that stands.
        read_on: when somebody has read it there.
    """

    since: date
    usd_per_star: float
    source: str
    read_on: date


REWARD_RATES: Final[tuple[RewardRate, ...]] = (
    RewardRate(
        since=date(1970, 1, 1),
        usd_per_star=0.013,
        source="https://telegram.org/tos/bot-developers",
        read_on=date(2026, 11, 20),
    ),
)
"""Oldest first. A day before the first row is one whose rate nobody knows; Telegram has published one rate so far."""


def proceeds(
    transaction: Transaction, scope: Scope, period: Period, rates: Sequence[RewardRate] = REWARD_RATES
) -> Proceeds:
    """Net of a period, by the day of payment, times the reward for a Star that held on that day, in US dollars.

    Telegram pays rewards from 1,000 Stars on, not before 21 days are over, and by the rate of the day on which they are paid
    out. So it is an estimate, and nothing depends on it.
    """
    net = takings_in(transaction, scope, period.span).net_stars
    usd, priced = 0.0, 0
    for rate, until in zip(rates, [*[later.since for later in rates[1:]], None], strict=True):
        since_at = max(period.since, datetime.combine(rate.since, time(), tzinfo=UTC))
        until_at = period.until if until is None else min(period.until, datetime.combine(until, time(), tzinfo=UTC))
        if since_at < until_at:
            stars = takings_in(transaction, scope, Span(since_at, until_at)).net_stars
            usd, priced = usd + stars * rate.usd_per_star, priced + stars
    return Proceeds(net_stars=net, usd=round(usd, 2) if priced == net else None)
