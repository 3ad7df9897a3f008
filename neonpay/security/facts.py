"""What is known about a user: standing, conduct, and what the two add up to."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, TypedDict

from neonpay.core.jsontext import JsonObject


class ActionType(enum.StrEnum):
    """What can be limited for each user."""

    PAYMENT_REQUEST = "payment_request"
    """An invoice was asked for: ``send_payment``, or ``create_payment_link`` with a ``user_id``."""
    PAYMENT_COMPLETION = "payment_completion"
    """A checkout was approved. A payment that arrives is never counted against anybody, nor held up."""
    PROMO_CODE_USE = "promo_code_use"
    """Counted by your code, with ``check_rate_limit``."""
    SUBSCRIPTION_CREATE = "subscription_create"
    """Counted by your code, with ``check_rate_limit``."""
    API_CALL = "api_call"
    """Counted by your code, with ``check_rate_limit``."""


class ThreatLevel(enum.StrEnum):
    """How bad something is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Rank(enum.StrEnum):
    """What the seller has decided about a user."""

    NONE = "none"
    """Nothing: the limits apply."""
    BLOCKED = "blocked"
    """Gets no invoice, and no checkout goes through. What was paid already is delivered."""
    TRUSTED = "trusted"
    """No limit applies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The seller's decision about a user.

    Attributes:
        until: when a block ends by itself, aware UTC; None when it does not.
        since: when it was decided; None when nothing was.
    """

    user_id: int
    rank: Rank = Rank.NONE
    until: datetime | None = None
    reason: str | None = None
    since: datetime | None = None


class RateCheck(NamedTuple):
    """Whether one more is allowed, and when not, after how many seconds it is."""

    allowed: bool
    retry_after_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEvent:
    """Something suspicious that your code has reported.

    Attributes:
        event_type: your own word for its kind.
        timestamp: when it was reported, seconds since the epoch.
        metadata: your own JSON data.
    """

    user_id: int
    event_type: str
    threat_level: ThreatLevel
    description: str
    timestamp: float
    metadata: JsonObject = field(default_factory=dict)


class RiskAssessment(TypedDict):
    """What a user's standing and conduct of the last 30 days add up to.

    ``risk_score`` is from 0 to 100; ``failed_attempts`` counts suspicious declined checkouts; times are seconds since the
    epoch, or None.
    """

    user_id: int
    risk_score: float
    threat_level: str
    is_blocked: bool
    blocked_until: float | None
    is_trusted: bool
    failed_attempts: int
    refunds: int
    suspicious_activities_count: int
    last_activity: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSecurityProfile:
    """All that is known about a user; the counts are of the last 30 days."""

    user_id: int
    standing: Standing
    failed_attempts: int = 0
    refunds: int = 0
    suspicious_activities: tuple[SecurityEvent, ...] = ()
    last_activity: datetime | None = None

    @property
    def is_blocked(self) -> bool:
        """Whether the user is blocked now."""
        return self.standing.rank is Rank.BLOCKED

    @property
    def trusted(self) -> bool:
        """Whether limits do not apply."""
        return self.standing.rank is Rank.TRUSTED

    @property
    def risk_score(self) -> int:
        """0 to 100; see ``risk_score`` in this module."""
        threats = [activity.threat_level for activity in self.suspicious_activities]
        counts = {level: threats.count(level) for level in ThreatLevel}
        return risk_score(failed_attempts=self.failed_attempts, refunds=self.refunds, threats=counts)


_THREAT_POINTS: Mapping[ThreatLevel, int] = MappingProxyType(
    {ThreatLevel.LOW: 5, ThreatLevel.MEDIUM: 15, ThreatLevel.HIGH: 40, ThreatLevel.CRITICAL: 80}
)
_FAILED_POINTS = 5
_REFUND_POINTS = 15
_MOST_POINTS = 100


def risk_score(*, failed_attempts: int, refunds: int, threats: Mapping[ThreatLevel, int]) -> int:
    """0 to 100: 5 for each suspicious checkout, 15 for each refund, 5, 15, 40 or 80 for each report by its level."""
    reported = sum(_THREAT_POINTS[level] * count for level, count in threats.items())
    return min(_MOST_POINTS, _FAILED_POINTS * failed_attempts + _REFUND_POINTS * refunds + reported)


def threat_level(score: float) -> ThreatLevel:
    """The level of a risk score: critical from 80, high from 50, medium from 20."""
    bounds = ((80, ThreatLevel.CRITICAL), (50, ThreatLevel.HIGH), (20, ThreatLevel.MEDIUM))
    return next((level for bound, level in bounds if score >= bound), ThreatLevel.LOW)
