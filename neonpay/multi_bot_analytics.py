"""How several bots do together, by the names that the guide has."""

from __future__ import annotations

from neonpay.analytics.managers import (
    AnalyticsPeriod,
    BotAnalytics,
    EventType,
    MultiBotAnalyticsManager,
    MultiBotEvent,
    NetworkAnalytics,
)

__all__ = [
    "AnalyticsPeriod",
    "BotAnalytics",
    "EventType",
    "MultiBotAnalyticsManager",
    "MultiBotEvent",
    "NetworkAnalytics",
]
