"""By what a message goes out, and how much it matters."""

from __future__ import annotations

import enum


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
