"""What Telegram pays for a Star, by the day on which that was read: for estimates beside figures, which decide nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True)
class RewardRate:
    """A rate as it was read.

    Attributes:
        read_on: when.
        mills_per_star: in thousandths of a US dollar.
    """

    read_on: date
    mills_per_star: int

    def usd(self, stars: int) -> float:
        """What so many Stars would bring, in US dollars to the mill."""
        return stars * self.mills_per_star / 1000

    @property
    def usd_per_star(self) -> float:
        """The rate in US dollars."""
        return self.mills_per_star / 1000


RATES: Final = (RewardRate(date(2026, 11, 20), 13),)
"""Oldest first (https://telegram.org/tos/bot-developers §6.2, read on each of these days)."""


def rate_on(day: date) -> RewardRate:
    """The rate that was read last by a day; for days before the first reading, the first, since no other is known."""
    known = [rate for rate in RATES if rate.read_on <= day]
    return known[-1] if known else RATES[0]
