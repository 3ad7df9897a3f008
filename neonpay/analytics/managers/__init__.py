"""The managers of the guide: how one shop does, and how several bots do together. All figures are those of reports.

Payments of a ledger count as ``neonpay.reports`` counts them. What a program tells counts where no ledger knows it.
"""

from __future__ import annotations

from neonpay.analytics.managers.asked import AnalyticsPeriod
from neonpay.analytics.managers.events import EventType, MultiBotEvent
from neonpay.analytics.managers.manager import AnalyticsDashboard, AnalyticsManager
from neonpay.analytics.managers.network import MultiBotAnalyticsManager
from neonpay.analytics.managers.shapes import (
    BotAnalytics,
    ConversionData,
    NetworkAnalytics,
    ProductPerformance,
    RevenueData,
)

__all__ = [
    "AnalyticsDashboard",
    "AnalyticsManager",
    "AnalyticsPeriod",
    "BotAnalytics",
    "ConversionData",
    "EventType",
    "MultiBotAnalyticsManager",
    "MultiBotEvent",
    "NetworkAnalytics",
    "ProductPerformance",
    "RevenueData",
]
