"""Messages to owners, buyers and programs: by six channels, once each, through restarts."""

from __future__ import annotations

from neonpay.notifications.buyers import BuyerMessages
from neonpay.notifications.config import NotificationConfig, SmtpTls
from neonpay.notifications.endpoints import EndpointBook
from neonpay.notifications.extension import Notifications
from neonpay.notifications.host_words import Fluent
from neonpay.notifications.kinds import NotificationPriority, NotificationType
from neonpay.notifications.manager import NotificationManager, Sent
from neonpay.notifications.manners import Manners, QuietHours
from neonpay.notifications.note import NotificationMessage
from neonpay.notifications.rules import Rule
from neonpay.notifications.settings import config_from_settings
from neonpay.notifications.templates import NotificationTemplate

__all__ = [
    "BuyerMessages",
    "EndpointBook",
    "Fluent",
    "Manners",
    "NotificationConfig",
    "NotificationManager",
    "NotificationMessage",
    "NotificationPriority",
    "NotificationTemplate",
    "NotificationType",
    "Notifications",
    "QuietHours",
    "Rule",
    "Sent",
    "SmtpTls",
    "config_from_settings",
]
