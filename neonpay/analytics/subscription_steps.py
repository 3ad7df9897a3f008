"""What happens to one subscriber: the moments at which what they pay for changes, and what stands between these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from neonpay.core.subscriptions import SubscriptionState

Subscriber = tuple[int, int]
"""A bot and a user."""
UNTOLD, VOLUNTARY, INVOLUNTARY = range(3)
"""Why somebody left, as far as Telegram has told."""
_CHURN = {SubscriptionState.CANCELED.value: VOLUNTARY, SubscriptionState.FAILED.value: INVOLUNTARY}


class PaidPeriod(NamedTuple):
    """One paid period of a subscription: from its payment to its end, or to its refund.

    Attributes:
        told: what Telegram has told of the subscription since it was paid; None for nothing.
    """

    subscriber: Subscriber
    stage_id: str
    stars: int
    starts_us: int
    ends_us: int
    told: str | None

    @property
    def rank(self) -> tuple[int, int]:
        """Of several periods of a stage the highest one is in force."""
        return self.ends_us, self.starts_us

    @property
    def renews(self) -> bool:
        """Whether Telegram is to take Stars for another period, as far as it has told."""
        return self.told not in _CHURN


class Step(NamedTuple):
    """One stage of one subscriber from a moment on.

    Attributes:
        until_us: when the next step of the stage follows; the same moment where nothing is in force, so that it holds at none.
        stars_before, stars: what is paid for thirty days of the stage before and from then on; 0 for nothing in force.
        active_before, active: how many stages the subscriber has, before and from then on.
        ends_us: when the period that is in force ends by itself.
        churn: why the period that ended last before that moment was not renewed.
    """

    subscriber: Subscriber
    stage_id: str
    at_us: int
    until_us: int
    ends_us: int
    stars_before: int
    stars: int
    active_before: int
    active: int
    renews: bool
    churn: int


def steps(periods: Iterable[PaidPeriod]) -> Iterator[Step]:
    """The steps of each subscriber of these paid periods."""
    of: dict[Subscriber, list[PaidPeriod]] = defaultdict(list)
    for period in periods:
        of[period.subscriber].append(period)
    for theirs in of.values():
        yield from _of_one(theirs)


def _of_one(periods: list[PaidPeriod]) -> Iterator[Step]:
    moments = sorted({at_us for one in periods for at_us in (one.starts_us, one.ends_us)})
    before: dict[str, PaidPeriod] = {}
    open_steps: dict[str, Step] = {}
    for at_us in moments:
        after: dict[str, PaidPeriod] = {}
        for one in periods:
            if one.starts_us <= at_us < one.ends_us:
                known = after.get(one.stage_id)
                if known is None or one.rank > known.rank:
                    after[one.stage_id] = one
        last = max(before.values(), key=lambda one: (*one.rank, one.stage_id), default=None)
        churn = UNTOLD if last is None else _CHURN.get(last.told or "", UNTOLD)
        for stage_id in sorted(before.keys() | after.keys()):
            was, now = before.get(stage_id), after.get(stage_id)
            if was == now:
                continue
            if (standing := open_steps.pop(stage_id, None)) is not None:
                yield standing._replace(until_us=at_us)
            step = Step(
                subscriber=periods[0].subscriber,
                stage_id=stage_id,
                at_us=at_us,
                until_us=at_us,
                ends_us=at_us if now is None else now.ends_us,
                stars_before=0 if was is None else was.stars,
                stars=0 if now is None else now.stars,
                active_before=len(before),
                active=len(after),
                renews=now is not None and now.renews,
                churn=churn,
            )
            if now is None:
                yield step
            else:
                open_steps[stage_id] = step
        before = after
