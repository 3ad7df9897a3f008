"""What the two classes of bots of pyTelegramBotAPI have in common: their updates, their parser, their errors."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from telebot import types

from neonpay.adapters._common.facts import Update
from neonpay.adapters._common.kinds import MESSAGE, PRE_CHECKOUT, SUBSCRIPTION, with_ours
from neonpay.core.jsontext import JsonValue
from neonpay.errors import TelegramError

TELLS_OF_SUBSCRIPTIONS = hasattr(types, "BotSubscriptionUpdated")
"""Older versions drop what they do not know from an update."""
_OURS = (MESSAGE, PRE_CHECKOUT, *((SUBSCRIPTION,) if TELLS_OF_SUBSCRIPTIONS else ()))


class Refusal(Protocol):
    """``ApiTelegramException``, of which the library has one for each class of bots."""

    error_code: int
    description: str
    result_json: Mapping[str, Any]


def plain(update: types.Update) -> Update:
    """An update as Telegram wrote it, as far as payments, commands and pressed buttons are concerned."""
    query, message, press = update.pre_checkout_query, update.message, update.callback_query
    if query is not None:
        payer = query.from_user
        return {
            "pre_checkout_query": {
                "id": query.id,
                "from": {"id": payer.id, "language_code": payer.language_code},
                "currency": query.currency,
                "total_amount": query.total_amount,
                "invoice_payload": query.invoice_payload,
            }
        }
    # Both keep what they were made of. That is more than the library's objects say: older versions leave out what was
    # recurring, and none of them calls a refunded payment by a content type.
    if message is not None:
        return {"message": _object(message.json)}
    change = getattr(update, "subscription", None)
    if change is not None:
        told = {"user": {"id": change.user.id}, "invoice_payload": change.invoice_payload, "state": change.state}
        return {"subscription": told}
    return {} if press is None else {"callback_query": _object(press.json)}


def repair_parser() -> None:
    """Let the library read who bought paid media.

    Up to 4.37.1 it looks for ``from_user`` where Telegram writes ``from``, and fails inside getUpdates before the offset
    moves: such an update then comes again for a day and nothing else does, payments included. A version that can read it is
    left as it is.
    """
    kind = getattr(types, "PaidMediaPurchased", None)
    if kind is None or _reads_purchases(kind):
        return
    theirs = kind.de_json

    def de_json(_kind: type, json_string: object) -> object:
        given = json.loads(json_string) if isinstance(json_string, str | bytes) else json_string
        if isinstance(given, dict) and "from" in given and "from_user" not in given:
            given = {"from_user" if name == "from" else name: value for name, value in given.items()}
        return theirs(given)

    kind.de_json = classmethod(de_json)


def _reads_purchases(kind: Any) -> bool:
    buyer = {"id": 1, "is_bot": False, "first_name": "A"}
    try:
        return bool(kind.de_json({"from": buyer, "paid_media_payload": ""}).from_user.id == 1)
    except (AttributeError, KeyError, TypeError):
        return False


def as_fields(params: Mapping[str, JsonValue]) -> dict[str, str]:
    """Parameters of a method as fields of a form."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in params.items()
        if value is not None
    }


def refused(method: str, refusal: Refusal) -> TelegramError:
    """Telegram's refusal as an error of ours."""
    retry_after_s = (refusal.result_json.get("parameters") or {}).get("retry_after")
    return TelegramError(
        method, error_code=refusal.error_code, description=refusal.description, retry_after_s=retry_after_s
    )


def asking_for_ours(
    method: Callable[..., object], args: tuple[Any, ...], kwargs: Mapping[str, Any], *, presses: bool
) -> inspect.BoundArguments:
    """The arguments of a call of getUpdates or setWebhook, whose kinds of updates get ours beside them."""
    asked = inspect.signature(method).bind(*args, **kwargs)
    kinds = with_ours(asked.arguments.get("allowed_updates"), _OURS, presses=presses)
    if kinds is not None:
        asked.arguments["allowed_updates"] = kinds
    return asked


def _object(json_type: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(json_type) if isinstance(json_type, str | bytes) else json_type
    return found
