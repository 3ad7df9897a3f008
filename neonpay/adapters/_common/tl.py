"""Updates of MTProto as the Bot API would write them, so that what carries a payment is read in one place.

Objects are looked at by the names of their classes and fields, which the schema has and every library keeps
(https://core.telegram.org/schema, read 2026-11-21); no library is imported for it, and what a layer does not have is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from neonpay.adapters._common.facts import Update

TlObject: TypeAlias = Any
"""An object of the host's library."""
Users: TypeAlias = Mapping[int, TlObject]
"""``User`` objects that came with an update, by id."""

_CHANNEL_OFFSET: Final = -1_000_000_000_000
"""Where the Bot API puts the ids of channels and supergroups (https://core.telegram.org/api/bots/ids, read 2026-11-21)."""

_NAMES: Final = {"username": "username", "first_name": "first_name", "language_code": "lang_code"}
"""What a user is called in the Bot API, and in the schema."""


def update_of(update: TlObject, users: Users) -> Update | None:
    """The update in the Bot API's JSON; None when it cannot be ours."""
    name = type(update).__name__
    if name == "UpdateBotPrecheckoutQuery":
        payload = _text(update.payload)
        if payload is None:
            return None
        query = {
            "id": str(update.query_id),
            "from": _user(update.user_id, users),
            "currency": update.currency,
            "total_amount": update.total_amount,
            "invoice_payload": payload,
        }
        return {"pre_checkout_query": query}
    if name in {"UpdateNewMessage", "UpdateNewChannelMessage"}:
        message = _message(update.message, users)
        return None if message is None else {"message": message}
    if name == "UpdateBotStarsSubscription":
        payload = _text(update.payload)
        if payload is None:
            return None
        states = (("canceled", update.canceled), ("failed", update.payment_failed), ("active", update.restored))
        state = next((state for state, is_so in states if is_so), "")
        return {"subscription": {"user": _user(update.user_id, users), "invoice_payload": payload, "state": state}}
    if name == "UpdateBotCallbackQuery":
        data = _text(update.data)
        if data is None:
            return None
        press = {
            "id": str(update.query_id),
            "from": _user(update.user_id, users),
            "data": data,
            "message": {"message_id": update.msg_id, "chat": _chat(update.peer)},
        }
        return {"callback_query": press}
    return None


def _message(message: TlObject, users: Users) -> dict[str, Any] | None:
    peer = getattr(message, "peer_id", None)
    if peer is None:
        return None
    sender = getattr(message, "from_id", None)
    # In private chats the sender is left out where it is the other side.
    sender_id = getattr(peer if sender is None else sender, "user_id", None)
    common: dict[str, Any] = {"message_id": message.id, "chat": _chat(peer), "date": _seconds(message.date)}
    if sender_id is not None:
        common["from"] = _user(sender_id, users)
    action = getattr(message, "action", None)
    if action is not None:
        return _payment(common, action)
    text = getattr(message, "message", None)
    return None if not text or message.out else {**common, "text": text}


def _payment(message: dict[str, Any], action: TlObject) -> dict[str, Any] | None:
    name = type(action).__name__
    if name not in {"MessageActionPaymentSentMe", "MessageActionPaymentRefunded"}:
        return None
    payload = _text(action.payload)
    if payload is None:
        return None
    money = {
        "currency": action.currency,
        "total_amount": action.total_amount,
        "invoice_payload": payload,
        "telegram_payment_charge_id": action.charge.id,
        "provider_payment_charge_id": action.charge.provider_charge_id,
    }
    if name == "MessageActionPaymentRefunded":
        return {**message, "refunded_payment": money}
    until = getattr(action, "subscription_until_date", None)
    if until is not None:
        money["subscription_expiration_date"] = _seconds(until)
    money["is_recurring"] = bool(getattr(action, "recurring_used", None))
    money["is_first_recurring"] = bool(getattr(action, "recurring_init", None))
    return {**message, "successful_payment": money}


def _user(user_id: int, users: Users) -> dict[str, Any]:
    user = users.get(user_id)
    told = {name: getattr(user, field, None) for name, field in _NAMES.items()}
    return {"id": user_id} | {name: value for name, value in told.items() if value}


def _chat(peer: TlObject) -> dict[str, Any]:
    if hasattr(peer, "user_id"):
        return {"id": peer.user_id, "type": "private"}
    if hasattr(peer, "chat_id"):
        return {"id": -peer.chat_id, "type": "group"}
    return {"id": _CHANNEL_OFFSET - peer.channel_id, "type": "supergroup"}


def _text(data: bytes | str | None) -> str | None:
    """What a payload says; None for one that is no text, as none of ours is."""
    if not isinstance(data, bytes):
        return data
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _seconds(date: Any) -> int:
    """Unix time of a date, which some libraries give as a datetime."""
    return int(date.timestamp()) if hasattr(date, "timestamp") else int(date)
