"""By what a message goes out, and how much it matters."""

from __future__ import annotations

import enum

from neonpay.errors import ValidationError


class NotificationType(enum.StrEnum):
    """The channels."""

    EMAIL = "email"
    TELEGRAM = "telegram"
    SMS = "sms"
    WEBHOOK = "webhook"
    SLACK = "slack"
    DISCORD = "discord"


class NotificationPriority(enum.StrEnum):
    """How much a message matters: low ones are gathered, critical ones disturb the night."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


def as_type(value: str) -> NotificationType:
    """The channel of this name; raises ValidationError with those that there are."""
    if value not in list(NotificationType):
        raise ValidationError("notification_type", value, f"one of {', '.join(NotificationType)}")
    return NotificationType(value)


def as_priority(value: str) -> NotificationPriority:
    """The priority of this name; raises ValidationError with those that there are."""
    if value not in list(NotificationPriority):
        raise ValidationError("priority", value, f"one of {', '.join(NotificationPriority)}")
    return NotificationPriority(value)
