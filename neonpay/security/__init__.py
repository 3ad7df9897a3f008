"""Limits that act before checkout: who gets an invoice, and whose checkout goes through."""

from __future__ import annotations

from neonpay.security.facts import (
    ActionType,
    Rank,
    RateCheck,
    RiskAssessment,
    SecurityEvent,
    Standing,
    ThreatLevel,
    UserSecurityProfile,
)
from neonpay.security.limits import Limits, Rate
from neonpay.security.manager import SecurityManager
from neonpay.security.rate_limiter import RateLimiter

__all__ = [
    "ActionType",
    "Limits",
    "Rank",
    "Rate",
    "RateCheck",
    "RateLimiter",
    "RiskAssessment",
    "SecurityEvent",
    "SecurityManager",
    "Standing",
    "ThreatLevel",
    "UserSecurityProfile",
]
