"""Payments made of thin air, for unit tests of what handles them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from neonpay.core.limits import CURRENCY
from neonpay.core.payments import (
    Attention,
    Payment,
    PaymentResult,
    PaymentState,
    Refund,
    RefundState,
    Source,
)
from neonpay.core.stages import PaymentStage

if TYPE_CHECKING:
    from neonpay.core.jsontext import JsonObject

PAID_AT: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
"""When a made payment was paid, unless said otherwise."""
_BOT_ID: Final = 1_000_000
_USER_ID: Final = 2_000_000


class PaymentFields(TypedDict, total=False):
    """What may be said of a made payment; each has a value of its own when left out."""

    bot_id: int
    charge_id: str
    user_id: int
    amount_stars: int
    state: PaymentState
    attention: Attention | None
    invoice_id: str | None
    stage_id: str | None
    stage_version: int | None
    stage: PaymentStage | None
    number: int
    metadata: JsonObject
    paid_at: datetime
    source: Source
    is_recurring: bool
    is_first_recurring: bool
    subscription_expires_at: datetime | None
    own_title: str | None


def make_stage(
    *, title: str = "Tea", description: str = "A cup of tea", price: int = 5, payload: JsonObject | None = None
) -> PaymentStage:
    """A stage that may be sold."""
    return PaymentStage(title=title, description=description, price=price, payload=payload or {})


def make_payment(**fields: Unpack[PaymentFields]) -> Payment:
    """A recorded payment; amount and metadata are those of its stage unless said otherwise.

    The same fields make an equal payment, charge id included: give two payments of one test two charge ids.
    """
    stage = fields.get("stage", make_stage())
    charge_id = fields.get("charge_id", "stxMADE0000000000000000000000001")
    paid_at = fields.get("paid_at", PAID_AT)
    return Payment(
        bot_id=fields.get("bot_id", _BOT_ID),
        charge_id=charge_id,
        user_id=fields.get("user_id", _USER_ID),
        amount_stars=fields.get("amount_stars", 5 if stage is None else stage.price),
        currency=CURRENCY,
        state=fields.get("state", PaymentState.ACCEPTED),
        attention=fields.get("attention"),
        invoice_id=fields.get("invoice_id", "01900000-0000-7000-8000-000000000001"),
        stage_id=fields.get("stage_id", "tea"),
        stage_version=fields.get("stage_version", 1),
        stage=stage,
        number=fields.get("number", 1),
        metadata=fields.get("metadata", {} if stage is None else stage.payload),
        payload="made",
        paid_at=paid_at,
        recorded_at=paid_at,
        source=fields.get("source", Source.UPDATE),
        is_recurring=fields.get("is_recurring", False),
        is_first_recurring=fields.get("is_first_recurring", False),
        subscription_expires_at=fields.get("subscription_expires_at"),
        own_title=fields.get("own_title"),
    )


def make_result(**fields: Unpack[PaymentFields]) -> PaymentResult:
    """What a payment handler is called with, for calling one directly: ``await deliver(make_result(user_id=7))``."""
    return PaymentResult.of(make_payment(**fields))


def make_refund(
    payment: Payment | None = None, *, state: RefundState = RefundState.REFUNDED, reason: str | None = None
) -> Refund:
    """The way back of a payment, for calling a function of ``on_refund`` directly."""
    paid = payment or make_payment()
    return Refund(
        bot_id=paid.bot_id,
        charge_id=paid.charge_id,
        user_id=paid.user_id,
        amount_stars=paid.amount_stars,
        state=state,
        reason=reason,
        source=Source.CALL,
        requested_at=paid.paid_at,
        finished_at=paid.paid_at if state is RefundState.REFUNDED else None,
    )
