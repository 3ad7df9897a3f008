"""What reports give about people who pay: subscribers and how they move, customers and when they came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from neonpay.analytics.periods import Bucket, Period, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """How 30-day MRR has changed in a bucket; all are positive, and the sum holds.

    ``mrr_stars`` at the end = at the start + new + returned + expansion − contraction − the three churns.
    """

    span: Span
    mrr_stars: int
    active: int
    new_stars: int = 0
    returned_stars: int = 0
    expansion_stars: int = 0
    contraction_stars: int = 0
    voluntary_churn_stars: int = 0
    involuntary_churn_stars: int = 0
    untold_churn_stars: int = 0
    new: int = 0
    returned: int = 0
    voluntary_churn: int = 0
    involuntary_churn: int = 0
    untold_churn: int = 0

    @property
    def churn_stars(self) -> int:
        """What is gone, for whatever reason."""
        return self.voluntary_churn_stars + self.involuntary_churn_stars + self.untold_churn_stars

    @property
    def churned(self) -> int:
        """How many subscribers are gone."""
        return self.voluntary_churn + self.involuntary_churn + self.untold_churn


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A stage that is sold as a subscription, at the end of the period."""

    stage_id: str
    title: str
    active: int
    mrr_stars: int
    renewing: int


@dataclass(frozen=True, slots=True)
class Renewals:
    """What is to renew on a day, as far as nobody cancels."""

    day: date
    count: int
    stars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribers:
    """Subscriptions in a period.

    Attributes:
        active, mrr_stars: at the end of it.
        active_before, mrr_before_stars: at its beginning.
        renewing: active ones that are set to renew.
        movements: by bucket, all plans together.
        plans: largest first.
        forecast: renewals of the next 30 days, by day of the zone; today first.
    """

    period: Period
    by: Bucket
    active: int
    mrr_stars: int
    active_before: int
    mrr_before_stars: int
    renewing: int
    movements: tuple[Movement, ...]
    plans: tuple[Plan, ...]
    forecast: tuple[Renewals, ...]

    @property
    def auto_renew_share(self) -> float | None:
        """The share of active subscriptions that are set to renew; None without any."""
        return self.renewing / self.active if self.active else None

    @property
    def churn_rate(self) -> float | None:
        """Subscribers who left, over those at the beginning; None when there were none."""
        return sum(one.churned for one in self.movements) / self.active_before if self.active_before else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """People whose first payment was in one month.

    Attributes:
        size: how many.
        buyers: of these, who paid in their first, second, … 30 days.
        net_stars: what they paid in these, less what went back of it.
        complete: of how many ages all of them have come to the end; what comes after is incomplete.
    """

    span: Span
    size: int
    buyers: tuple[int, ...]
    net_stars: tuple[int, ...]
    complete: int

    @property
    def ltv_stars(self) -> float | None:
        """What one of them has brought so far; None for an empty cohort."""
        return sum(self.net_stars) / self.size if self.size else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customers:
    """Who bought in a period.

    Attributes:
        paying: people who paid in it, each once.
        new: of these, who had never paid before.
        ever: people who have paid until its end.
        seen: people who were seen until its end, buyers or not.
        arpu_stars, arppu_stars: net of the period for each person seen, and for each who paid.
        ltv_stars: what a buyer has brought over all time, on average.
        conversion: the share of people first seen in the period who have paid by its end.
        cohorts: by month of the first payment, newest last.
    """

    period: Period
    paying: int
    new: int
    ever: int
    seen: int
    arpu_stars: float | None
    arppu_stars: float | None
    ltv_stars: float | None
    conversion: float | None
    cohorts: tuple[Cohort, ...]
