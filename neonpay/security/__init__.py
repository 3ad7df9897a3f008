"""Limits that act before checkout: who gets an invoice, and whose checkout goes through.

The facts are here and load no database code; ``neonpay.security.manager`` is where they are decided.
"""

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

__all__ = [
    "ActionType",
    "Limits",
    "Rank",
    "Rate",
    "RateCheck",
    "RiskAssessment",
    "SecurityEvent",
    "Standing",
    "ThreatLevel",
    "UserSecurityProfile",
]
