"""How the shop does: figures that are derived from the ledger, each defined once."""

from __future__ import annotations

from neonpay.analytics.experiments import ExperimentResult, variant_of
from neonpay.analytics.extension import Analytics
from neonpay.analytics.managers import (
    AnalyticsDashboard,
    AnalyticsManager,
    AnalyticsPeriod,
    ConversionData,
    ProductPerformance,
    RevenueData,
)
from neonpay.analytics.metrics import ADVICE, METRICS, Advice, Metric
from neonpay.analytics.namespace import Reports, reports_of
from neonpay.analytics.periods import Bucket, Period, Span, zone_of
from neonpay.analytics.scope import Scope, Split

__all__ = [
    "ADVICE",
    "METRICS",
    "Advice",
    "Analytics",
    "AnalyticsDashboard",
    "AnalyticsManager",
    "AnalyticsPeriod",
    "Bucket",
    "ConversionData",
    "ExperimentResult",
    "Metric",
    "Period",
    "ProductPerformance",
    "Reports",
    "RevenueData",
    "Scope",
    "Span",
    "Split",
    "reports_of",
    "variant_of",
    "zone_of",
]
