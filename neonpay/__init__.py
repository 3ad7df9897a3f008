"""neonpay: sell for Telegram Stars from any Python bot, exactly once, provably.

Importing this package loads no bot library and no database code; each name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from neonpay._version import __version__

if TYPE_CHECKING:
    from neonpay.analytics.managers import (
        AnalyticsDashboard,
        AnalyticsManager,
        AnalyticsPeriod,
        BotAnalytics,
        ConversionData,
        EventType,
        MultiBotAnalyticsManager,
        MultiBotEvent,
        NetworkAnalytics,
        ProductPerformance,
        RevenueData,
    )
    from neonpay.app import NeonPayCore
    from neonpay.backup.config import BackupConfig
    from neonpay.backup.info import BackupInfo
    from neonpay.backup.kinds import BackupStatus, BackupType
    from neonpay.backup.manager import BackupManager
    from neonpay.collection.collectors import CentralEventCollector, MultiBotEventCollector, RealTimeEventCollector
    from neonpay.collection.config import EventCollectorConfig
    from neonpay.collection.server import run_analytics_server
    from neonpay.core.checkout import CheckoutRefused
    from neonpay.core.payments import Invoice, Payment, PaymentResult, PaymentStatus
    from neonpay.core.retrying import RetryPolicy
    from neonpay.core.secrecy import SecretFilter
    from neonpay.core.stages import PaymentStage, RefundPolicy
    from neonpay.errors import (
        AdapterError,
        ConfigurationError,
        NeonPayError,
        PaymentError,
        RefundError,
        RefundRefused,
        RejectPayment,
        SaleRefused,
        StageNotFoundError,
        TelegramError,
        ValidationError,
    )
    from neonpay.factory import create_neonpay
    from neonpay.notifications.config import NotificationConfig
    from neonpay.notifications.kinds import NotificationPriority, NotificationType
    from neonpay.notifications.manager import NotificationManager
    from neonpay.notifications.note import NotificationMessage
    from neonpay.payments.handlers.context import PaymentContext
    from neonpay.payments.handlers.middleware import PaymentMiddleware
    from neonpay.security import (
        ActionType,
        Limits,
        Rate,
        SecurityEvent,
        ThreatLevel,
        UserSecurityProfile,
    )
    from neonpay.security.manager import SecurityManager
    from neonpay.security.rate_limiter import RateLimiter

__all__ = [
    "ActionType",
    "AdapterError",
    "AnalyticsDashboard",
    "AnalyticsManager",
    "AnalyticsPeriod",
    "BackupConfig",
    "BackupInfo",
    "BackupManager",
    "BackupStatus",
    "BackupType",
    "BotAnalytics",
    "CentralEventCollector",
    "CheckoutRefused",
    "ConfigurationError",
    "ConversionData",
    "EventCollectorConfig",
    "EventType",
    "Invoice",
    "Limits",
    "MultiBotAnalyticsManager",
    "MultiBotEvent",
    "MultiBotEventCollector",
    "NeonPayCore",
    "NeonPayError",
    "NetworkAnalytics",
    "NotificationConfig",
    "NotificationManager",
    "NotificationMessage",
    "NotificationPriority",
    "NotificationType",
    "Payment",
    "PaymentContext",
    "PaymentError",
    "PaymentMiddleware",
    "PaymentResult",
    "PaymentStage",
    "PaymentStatus",
    "ProductPerformance",
    "Rate",
    "RateLimiter",
    "RealTimeEventCollector",
    "RefundError",
    "RefundPolicy",
    "RefundRefused",
    "RejectPayment",
    "RetryPolicy",
    "RevenueData",
    "SaleRefused",
    "SecretFilter",
    "SecurityEvent",
    "SecurityManager",
    "StageNotFoundError",
    "TelegramError",
    "ThreatLevel",
    "UserSecurityProfile",
    "ValidationError",
    "__version__",
    "create_neonpay",
    "run_analytics_server",
]

_HOMES = {
    "ActionType": "neonpay.security",
    "AdapterError": "neonpay.errors",
    "AnalyticsDashboard": "neonpay.analytics.managers",
    "AnalyticsManager": "neonpay.analytics.managers",
    "AnalyticsPeriod": "neonpay.analytics.managers",
    "BackupConfig": "neonpay.backup.config",
    "BackupInfo": "neonpay.backup.info",
    "BackupManager": "neonpay.backup.manager",
    "BackupStatus": "neonpay.backup.kinds",
    "BackupType": "neonpay.backup.kinds",
    "BotAnalytics": "neonpay.analytics.managers",
    "CentralEventCollector": "neonpay.collection.collectors",
    "CheckoutRefused": "neonpay.core.checkout",
    "ConfigurationError": "neonpay.errors",
    "ConversionData": "neonpay.analytics.managers",
    "EventCollectorConfig": "neonpay.collection.config",
    "EventType": "neonpay.analytics.managers",
    "Invoice": "neonpay.core.payments",
    "Limits": "neonpay.security",
    "MultiBotAnalyticsManager": "neonpay.analytics.managers",
    "MultiBotEvent": "neonpay.analytics.managers",
    "MultiBotEventCollector": "neonpay.collection.collectors",
    "NeonPayCore": "neonpay.app",
    "NeonPayError": "neonpay.errors",
    "NetworkAnalytics": "neonpay.analytics.managers",
    "NotificationConfig": "neonpay.notifications.config",
    "NotificationManager": "neonpay.notifications.manager",
    "NotificationMessage": "neonpay.notifications.note",
    "NotificationPriority": "neonpay.notifications.kinds",
    "NotificationType": "neonpay.notifications.kinds",
    "Payment": "neonpay.core.payments",
    "PaymentContext": "neonpay.payments.handlers.context",
    "PaymentError": "neonpay.errors",
    "PaymentMiddleware": "neonpay.payments.handlers.middleware",
    "PaymentResult": "neonpay.core.payments",
    "PaymentStage": "neonpay.core.stages",
    "PaymentStatus": "neonpay.core.payments",
    "ProductPerformance": "neonpay.analytics.managers",
    "Rate": "neonpay.security",
    "RateLimiter": "neonpay.security.rate_limiter",
    "RealTimeEventCollector": "neonpay.collection.collectors",
    "RefundError": "neonpay.errors",
    "RefundPolicy": "neonpay.core.stages",
    "RefundRefused": "neonpay.errors",
    "RejectPayment": "neonpay.errors",
    "RetryPolicy": "neonpay.core.retrying",
    "RevenueData": "neonpay.analytics.managers",
    "SaleRefused": "neonpay.errors",
    "SecretFilter": "neonpay.core.secrecy",
    "SecurityEvent": "neonpay.security",
    "SecurityManager": "neonpay.security.manager",
    "StageNotFoundError": "neonpay.errors",
    "TelegramError": "neonpay.errors",
    "ThreatLevel": "neonpay.security",
    "UserSecurityProfile": "neonpay.security",
    "ValidationError": "neonpay.errors",
    "create_neonpay": "neonpay.factory",
    "run_analytics_server": "neonpay.collection.server",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
