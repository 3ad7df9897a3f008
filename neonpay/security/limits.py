"""The limits that a seller sets; none is set unless the program sets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from neonpay.errors import ValidationError
from neonpay.security.facts import ActionType

_WINDOW_MOST_S = 366 * 86_400
_SCORE_MOST = 100


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``most`` in any ``window_s`` seconds.

    Raises:
        ValidationError: a number is out of its bounds.
    """

    most: int
    window_s: float

    def __post_init__(self) -> None:
        """Check the bounds."""
        _whole("most", self.most)
        if isinstance(self.window_s, bool) or not 0 < self.window_s <= _WINDOW_MOST_S:
            raise ValidationError("window_s", self.window_s, "more than 0 and at most a year of seconds")

    @property
    def window_us(self) -> int:
        """The window in microseconds."""
        return int(self.window_s * 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What each user may do; None where nothing is limited.

    Attributes:
        actions: how often each action may happen.
        spending: Stars in a window: payments that were not refunded, and checkouts that are being paid.
        declines: suspicious declined checkouts in a window, before no more are approved: altered invoices, invoices of
            other people, invoices that were paid already.
        refunds: refunds in a window that the buyer asked for, or that were made without your program.
        link_payments: how often one invoice that anyone may pay is paid.
        risk_score: the score from which nothing is sold; see ``get_user_risk_assessment``.

    Raises:
        ValidationError: a number is out of its bounds.
    """

    actions: Mapping[ActionType, Rate] = field(default_factory=dict)
    spending: Rate | None = None
    declines: Rate | None = None
    refunds: Rate | None = None
    link_payments: int | None = None
    risk_score: int | None = None

    def __post_init__(self) -> None:
        """Check the bounds, and keep a copy of the actions that nobody changes."""
        object.__setattr__(self, "actions", MappingProxyType({ActionType(a): r for a, r in self.actions.items()}))
        if self.link_payments is not None:
            _whole("link_payments", self.link_payments)
        if self.risk_score is not None:
            _whole("risk_score", self.risk_score)
            if self.risk_score > _SCORE_MOST:
                raise ValidationError("risk_score", self.risk_score, "a whole number from 1 to 100")


def _whole(field: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValidationError(field, value, "a whole number, 1 or more")
