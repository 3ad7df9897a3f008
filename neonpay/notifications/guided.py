"""The six templates that programs know by name, with the values that each shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from neonpay.core.words import Words
from neonpay.notifications.kinds import NotificationPriority, NotificationType


@dataclass(frozen=True, slots=True, kw_only=True)
class Guided:
    """One of them; its words are translated."""

    name: str
    notification_type: NotificationType
    subject: Words
    body: Words
    variables: tuple[str, ...]
    priority: NotificationPriority = NotificationPriority.NORMAL


GUIDED: Final[tuple[Guided, ...]] = (
    Guided(
        name="payment_completed",
        notification_type=NotificationType.TELEGRAM,
        subject=Words("💰 Payment completed"),
        body=Words(
            "User {user_id} has paid {amount} Star for {product_name}",
            "User {user_id} has paid {amount} Stars for {product_name}",
            counted="amount",
        ),
        variables=("user_id", "amount", "product_name"),
    ),
    Guided(
        name="payment_failed",
        notification_type=NotificationType.TELEGRAM,
        subject=Words("❌ Payment failed"),
        body=Words(
            "A payment of user {user_id} failed. Amount: {amount} Star. Reason: {reason}",
            "A payment of user {user_id} failed. Amount: {amount} Stars. Reason: {reason}",
            counted="amount",
        ),
        variables=("user_id", "amount", "reason"),
        priority=NotificationPriority.HIGH,
    ),
    Guided(
        name="new_subscription",
        notification_type=NotificationType.EMAIL,
        subject=Words("🎉 New subscription"),
        body=Words(
            "User {user_id} subscribed to {plan_name} for {duration} day",
            "User {user_id} subscribed to {plan_name} for {duration} days",
            counted="duration",
        ),
        variables=("user_id", "plan_name", "duration"),
    ),
    Guided(
        name="subscription_expired",
        notification_type=NotificationType.EMAIL,
        subject=Words("⚠️ Subscription expired"),
        body=Words("The subscription of user {user_id} has ended. Plan: {plan_name}"),
        variables=("user_id", "plan_name"),
        priority=NotificationPriority.HIGH,
    ),
    Guided(
        name="security_alert",
        notification_type=NotificationType.TELEGRAM,
        subject=Words("🚨 Security alert"),
        body=Words("Security alert: {alert_type} for user {user_id}. Details: {details}"),
        variables=("alert_type", "user_id", "details"),
        priority=NotificationPriority.CRITICAL,
    ),
    Guided(
        name="system_error",
        notification_type=NotificationType.WEBHOOK,
        subject=Words("🔧 System error"),
        body=Words("A system error occurred: {error_type}. Message: {error_message}"),
        variables=("error_type", "error_message"),
        priority=NotificationPriority.HIGH,
    ),
)
