"""One row of the wire: what is said about a call or an update in a few words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.journal import Call
    from neonpay.simulator.money.checkout import Checkout
    from neonpay.simulator.updates.queue import QueuedUpdate

HopKind: TypeAlias = Literal["update", "call", "silence", "by_hand"]
"""``silence`` is the end of a deadline, ``by_hand`` an answer that a person gave in the bot's place."""

CHECKED: Final = frozenset({"answerPreCheckoutQuery"})
NOTE_MAX_CHARS: Final = 80
_MONEY: Final = frozenset({"successful_payment", "purchased_paid_media"})
_MESSAGE_EVENTS: Final = ("successful_payment", "refunded_payment")
_ASKS: Final = {"answerPreCheckoutQuery": "pre_checkout_query_id", "answerCallbackQuery": "callback_query_id"}


@dataclass(frozen=True, slots=True)
class Hop:
    """What passed, as the page shows it.

    Attributes:
        name: method, or kind of update; of a payment or refund that kind, and not ``message``.
        user_id: the person whom it is about; 0 when it is about nobody.
        payload: of the invoice that it is about.
        title: how a turn that begins with it is called.
        sells: title of the invoice that this call sends.
        query_id: of the query that this update asks.
        answers: of the query that this call answers.
        charge_id: of the payment that this update tells of.
        declines: it is a bot's no to a checkout.
        opens_turn: a new turn begins with it.
        is_money: Stars or money moved.
        body: what was said in full.
    """

    kind: HopKind
    name: str
    user_id: int = 0
    payload: str = ""
    title: str = ""
    sells: str = ""
    query_id: str = ""
    answers: str = ""
    charge_id: str = ""
    note: str = ""
    ok: bool = True
    error_code: int | None = None
    declines: bool = False
    opens_turn: bool = False
    is_money: bool = False
    body: Mapping[str, object] = field(default_factory=dict)
    update: QueuedUpdate | None = None

    @property
    def as_json(self) -> dict[str, object]:
        """What of it the page gets."""
        return {
            "kind": self.kind,
            "name": self.name,
            "note": self.note,
            "ok": self.ok,
            "error_code": self.error_code,
            "declines": self.declines,
            "money": self.is_money,
            "query_id": self.query_id,
            "body": self.body,
        }


def of_update(update: QueuedUpdate) -> Hop:
    """Describe an update."""
    kind, payload = update.kind, update.payload
    name = next((event for event in _MESSAGE_EVENTS if event in payload), kind)
    event = _object(payload, name) or payload
    words = _words(name, event, payload)
    return Hop(
        "update",
        name,
        user_id=_person(payload),
        payload=_text(event, "invoice_payload"),
        title=words or name,
        query_id=_text(payload, "id") if kind.endswith("_query") else "",
        charge_id=_text(event, "telegram_payment_charge_id"),
        note=words,
        opens_turn=name in {"message", "callback_query", "subscription", "my_chat_member"} or (bool(event.get("is_recurring"))
        and not event.get("is_first_recurring")),
        is_money=name in _MONEY,
        body=payload,
        update=update,
    )  # fmt: skip


def of_call(call: Call) -> Hop:
    """Describe a call."""
    params, method = call.params, call.method
    invoice = method in {"sendInvoice", "createInvoiceLink"}
    said: dict[str, object] = {"params": params}
    if call.ok:
        said["result"] = call.result
    else:
        said |= {"error_code": call.error_code, "description": call.description}
    note = _call_note(call)
    return Hop(
        "call",
        method,
        user_id=_number(params, "chat_id") or _number(params, "user_id"),
        payload=_text(params, "payload") if invoice else "",
        title=method,
        sells=_text(params, "title") if invoice and call.ok else "",
        answers=_text(params, _ASKS.get(method, "")),
        note=note[:NOTE_MAX_CHARS],
        ok=call.ok and call.answered,
        error_code=call.error_code,
        declines=method in CHECKED and call.ok and not _yes(params.get("ok")),
        body=said,
    )


def of_checkout(checkout: Checkout) -> Hop:
    """Describe how a checkout ended without the bot: its deadline passed, or a person answered."""
    result = checkout.result
    status, reason = ("", None) if result is None else (result.status, result.reason)
    return Hop(
        "by_hand" if checkout.by_hand else "silence",
        "answerPreCheckoutQuery",
        user_id=checkout.payer.id,
        payload=checkout.invoice.payload,
        title=checkout.invoice.title,
        answers=checkout.query_id or "",
        ok=status == "paid",
        note=reason or "",
        declines=status == "declined",
        body={"status": status, "reason": reason},
    )


def _call_note(call: Call) -> str:
    params, method = call.params, call.method
    if not call.ok:
        return call.description or ""
    if not call.answered:
        return "answer lost"
    if method in {"sendInvoice", "createInvoiceLink"}:
        return f"{_text(params, 'currency')} {_total(params.get('prices'))}"
    if method in CHECKED:
        return "ok" if _yes(params.get("ok")) else "ok: false"
    if method == "sendPaidMedia":
        return f"star_count {params.get('star_count')}"
    return _text(params, "text") or _text(params, "caption") or _text(params, "url")


def _words(name: str, event: Mapping[str, object], payload: Mapping[str, object]) -> str:
    if name in _MESSAGE_EVENTS or name == "pre_checkout_query":
        recurring = " is_recurring" if event.get("is_recurring") else ""
        return f"{_text(event, 'currency')} {event.get('total_amount')}{recurring}"
    if name == "callback_query":
        return _text(payload, "data")[:NOTE_MAX_CHARS]
    if name == "subscription":
        return _text(payload, "state")
    if name == "purchased_paid_media":
        return _text(payload, "paid_media_payload")
    if name in {"my_chat_member", "chat_member"}:
        return _text(_object(payload, "new_chat_member"), "status")
    return (_text(payload, "text") or _text(payload, "caption") or _text(payload, "query"))[:NOTE_MAX_CHARS]


def _person(payload: Mapping[str, object]) -> int:
    """Who did it; of a chat's message, whose private chat it is in."""
    for holder in ("from", "user", "chat"):
        person = _object(payload, holder)
        if person and not person.get("is_bot"):
            return _number(person, "id")
    return 0


def _object(fields: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _number(fields: Mapping[str, object], name: str) -> int:
    value = fields.get(name)
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() and value.isascii() else 0


def _yes(value: object) -> bool:
    return value is True or str(value).lower() in {"true", "1", "t", "y", "yes"}


def _total(prices: object) -> int:
    if isinstance(prices, str):
        try:
            prices = json.loads(prices)
        except ValueError:
            return 0
    if not isinstance(prices, list):
        return 0
    return sum(_number(price, "amount") for price in prices if isinstance(price, dict))
