"""An update as Telegram's HTTP interface writes it: which payment fact of ours it carries, if any."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from neonpay.core.payments import Charge, PreCheckout, RefundNotice
from neonpay.core.people import Sender
from neonpay.core.ports import Command, Press, UpdateSink
from neonpay.core.subscriptions import SubscriptionChange

Update: TypeAlias = Mapping[str, Any]
"""An Update object of the Bot API as plain JSON."""
Delivery: TypeAlias = Callable[[], Awaitable[None]]
"""Hands a fact to the sink; returns when the sink is done with it, and raises what the sink raises."""


def delivery_of(sink: UpdateSink, bot_id: int, update: Update, *, converses: bool = False) -> Delivery | None:
    """How to hand the fact in an update to the sink, or None when the update is not ours and belongs to the host.

    Nothing has happened when this returns: a host that works in threads may decide here and deliver elsewhere.

    Args:
        converses: whether commands and pressed buttons that the sink wants are ours, too.
    """
    query = update.get("pre_checkout_query")
    if query is not None:
        if not sink.owns(bot_id, query["invoice_payload"]):
            return None
        return lambda: sink.pre_checkout(_pre_checkout(bot_id, query))
    message = update.get("message")
    if message is not None:
        return _delivery_of_message(sink, bot_id, message, converses=converses)
    subscription = update.get("subscription")
    if subscription is not None:
        if not sink.owns(bot_id, subscription.get("invoice_payload")):
            return None
        return lambda: sink.subscription_changed(_subscription(bot_id, subscription))
    press = update.get("callback_query")
    if converses and press is not None and press.get("data") is not None and sink.wants_press(bot_id, press["data"]):
        return lambda: sink.press(_press(bot_id, press))
    return None


def must_be_recorded(update: Update) -> bool:
    """Whether the update tells of Stars that have moved or will move, which has to be written before Telegram forgets it."""
    message = update.get("message") or {}
    return "successful_payment" in message or "refunded_payment" in message or "subscription" in update


def _delivery_of_message(
    sink: UpdateSink, bot_id: int, message: Mapping[str, Any], *, converses: bool
) -> Delivery | None:
    paid = message.get("successful_payment")
    if paid is not None:
        return (lambda: sink.charged(_charge(bot_id, message))) if sink.owns(bot_id, paid["invoice_payload"]) else None
    refunded = message.get("refunded_payment")
    if refunded is not None:
        if not sink.owns(bot_id, refunded["invoice_payload"]):
            return None
        return lambda: sink.refunded(_refund(bot_id, message))
    if not converses or "text" not in message or "from" not in message or message["chat"]["type"] != "private":
        return None
    if not sink.wants_command(bot_id, message["text"], message["from"]["id"]):
        return None
    return lambda: sink.command(_command(bot_id, message))


def _pre_checkout(bot_id: int, query: Mapping[str, Any]) -> PreCheckout:
    return PreCheckout(
        bot_id=bot_id,
        query_id=query["id"],
        user_id=query["from"]["id"],
        currency=query["currency"],
        amount=query["total_amount"],
        payload=query["invoice_payload"],
        language_code=query["from"].get("language_code"),
        sender=_sender(query["from"]),
    )


def _charge(bot_id: int, message: Mapping[str, Any]) -> Charge:
    paid = message["successful_payment"]
    expires = paid.get("subscription_expiration_date")
    return Charge(
        bot_id=bot_id,
        charge_id=paid["telegram_payment_charge_id"],
        user_id=message["from"]["id"] if "from" in message else message["chat"]["id"],
        amount=paid["total_amount"],
        currency=paid["currency"],
        payload=paid["invoice_payload"],
        paid_at_us=message["date"] * 1_000_000,
        provider_charge_id=paid.get("provider_payment_charge_id") or None,
        is_recurring=bool(paid.get("is_recurring")),
        is_first_recurring=bool(paid.get("is_first_recurring")),
        subscription_expires_at_us=None if expires is None else expires * 1_000_000,
        sender=_sender(message["from"]) if "from" in message else None,
    )


def _sender(user: Mapping[str, Any]) -> Sender:
    return Sender(user.get("username"), user.get("first_name"), user.get("language_code"))


def _refund(bot_id: int, message: Mapping[str, Any]) -> RefundNotice:
    refunded = message["refunded_payment"]
    return RefundNotice(
        bot_id=bot_id,
        charge_id=refunded["telegram_payment_charge_id"],
        user_id=message["chat"]["id"],
        amount=refunded["total_amount"],
        payload=refunded["invoice_payload"],
    )


def _subscription(bot_id: int, change: Mapping[str, Any]) -> SubscriptionChange:
    return SubscriptionChange(
        bot_id=bot_id, user_id=change["user"]["id"], payload=change["invoice_payload"], state=change["state"]
    )


def _command(bot_id: int, message: Mapping[str, Any]) -> Command:
    return Command(
        bot_id=bot_id,
        user_id=message["from"]["id"],
        chat_id=message["chat"]["id"],
        text=message["text"],
        language_code=message["from"].get("language_code"),
        sender=_sender(message["from"]),
        message_thread_id=_topic(message),
    )


def _press(bot_id: int, press: Mapping[str, Any]) -> Press:
    under = press.get("message") or {}
    return Press(
        bot_id=bot_id,
        user_id=press["from"]["id"],
        query_id=press["id"],
        data=press["data"],
        chat_id=under.get("chat", {}).get("id"),
        message_id=under.get("message_id"),
        message_thread_id=_topic(under),
        message_text=under.get("text"),
        language_code=press["from"].get("language_code"),
    )


def _topic(message: Mapping[str, Any]) -> int | None:
    # A number without the mark is that of a thread of replies, which is no topic.
    return message.get("message_thread_id") if message.get("is_topic_message") else None
