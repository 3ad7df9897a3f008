"""``[security]``: the limits of a shop that its program does not set itself."""

from __future__ import annotations

from typing import Annotated

import msgspec

from neonpay.security.facts import ActionType
from neonpay.security.limits import Limits, Rate
from neonpay.settings import Section


class RateSettings(Section, frozen=True, kw_only=True):
    """At most ``most`` in any ``window_s`` seconds."""

    most: Annotated[int, msgspec.Meta(ge=1)]
    window_s: Annotated[float, msgspec.Meta(gt=0, le=366 * 86_400)]

    def rate(self) -> Rate:
        """The same as a limit."""
        return Rate(self.most, self.window_s)


class SecuritySettings(Section, frozen=True, kw_only=True):
    """What each user may do; ``Limits`` tells what each of them limits."""

    actions: dict[ActionType, RateSettings] = msgspec.field(default_factory=dict)
    spending: RateSettings | None = None
    declines: RateSettings | None = None
    refunds: RateSettings | None = None
    link_payments: Annotated[int, msgspec.Meta(ge=1)] | None = None
    risk_score: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None

    def limits(self) -> Limits:
        """The same as limits."""
        return Limits(
            actions={action: one.rate() for action, one in self.actions.items()},
            spending=_rate(self.spending),
            declines=_rate(self.declines),
            refunds=_rate(self.refunds),
            link_payments=self.link_payments,
            risk_score=self.risk_score,
        )


def _rate(given: RateSettings | None) -> Rate | None:
    return None if given is None else given.rate()
