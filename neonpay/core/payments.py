"""The facts of a payment: what was offered, asked, charged, recorded and refunded."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from neonpay.core.clock import moment
from neonpay.core.jsontext import JsonObject, JsonValue
from neonpay.core.limits import CURRENCY
from neonpay.core.people import Sender
from neonpay.core.quickly_made import quickly_made
from neonpay.core.stages import PaymentStage

NO_SEAT = "every seat was taken when the Stars arrived; they go back"
"""Why a payment goes back whose invoice has been paid as often as its stage allows, or is being paid by others."""


class PaymentStatus(enum.StrEnum):
    """Where a payment stands, as a buyer or an owner would say it."""

    PENDING = "pending"
    """Paid, and waiting for a decision or for its refund to go through."""
    COMPLETED = "completed"
    """The Stars are with the bot."""
    CANCELLED = "cancelled"
    """The checkout was declined; no Stars moved."""
    FAILED = "failed"
    EXPIRED = "expired"
    """Paid, and it needs the owner's attention."""
    REFUNDED = "refunded"
    """The Stars are back with the buyer."""


class PaymentState(enum.StrEnum):
    """Where a payment stands in the ledger."""

    ACCEPTED = "accepted"
    """Recorded; its handlers have run or will run."""
    NEEDS_ATTENTION = "needs_attention"
    """Recorded, and a person has to decide: ``Payment.attention`` says why. Nothing is delivered until then."""
    REFUND_DUE = "refund_due"
    """Recorded, and its Stars go back: a handler rejected it, the stage's policy says so, or no seat was left."""
    REFUNDED = "refunded"
    """The Stars went back."""


class Attention(enum.StrEnum):
    """Why a payment needs a person."""

    FOREIGN_PAYLOAD = "foreign_payload"
    """Its invoice was not made by neonpay, in a bot that says that it sells nothing else."""
    FORGED_PAYLOAD = "forged_payload"
    """An update tells of it, and the signature of its invoice does not verify."""
    OTHER_LEDGER = "other_ledger"
    """Telegram has it, and another ledger than this one has sold it, and delivered it most likely."""
    UNKNOWN_INVOICE = "unknown_invoice"
    """The signature verifies; the ledger has no such invoice (a lost database, or another one)."""
    WRONG_AMOUNT = "wrong_amount"
    """Another amount or currency than the invoice says."""
    WRONG_PAYER = "wrong_payer"
    """Paid by another user than the invoice was made for."""
    NO_HANDLER = "no_handler"
    """For ten minutes no program of the shop had a handler for this stage, so nobody would deliver."""
    RESTORED = "restored"
    """It was paid before the ledger was restored from a backup, which does not have it: it may have been delivered already."""
    REFUND_REFUSED = "refund_refused"
    """It was due for a refund, and Telegram refuses that for good."""


class InvoiceState(enum.StrEnum):
    """How far an invoice is on its way to the buyer.

    Attributes:
        CREATED: written; it is being sent, or its link is being made, or a process died doing that.
        QUEUED: written; it is sent when the chat has a turn left.
        SENT: where it was to go.
        FAILED: not sent; it can be asked for again.
        EXPIRED: its time is over; nobody can pay it any more.
    """

    CREATED = "created"
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"


class Source(enum.StrEnum):
    """How the ledger learned of a fact."""

    UPDATE = "update"
    """Telegram's update."""
    CALL = "call"
    """The answer to a call of ours."""
    RECONCILE = "reconcile"
    """Telegram's list of transactions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One signed offer of a stage.

    Attributes:
        user_id: the only user who may pay, or None when anyone may.
        price_stars: the price that was quoted; a later change of the stage does not change it.
        payload: the signed text that travels through Telegram; left out of ``repr``.
        metadata: the stage's payload and the invoice's own, merged.
        message_id: the message that carries it, once sent.
        link: its link, when it was made as one.
        payments_count: how often it has been paid.
        is_off_sale: whether its stage was taken off sale since it was made, as far as its reader has looked.
        is_over: whether its time was found to be over, by whichever program; what was held for it may be sold to others.
        is_queued: whether it waits for its chat's turn; its message comes by itself, and ``message_id`` is None.
        seats_taken: how many of those payments count towards the stage's ``max_payments``: all but the renewals of
            subscriptions and what went back because no seat was free.
        terms: what extensions based its price on.
        message_thread_id: the topic of the chat that it was sent to; None for none.
        own_title: its title, where that is not its stage's.
    """

    bot_id: int
    invoice_id: str
    stage_id: str
    stage_version: int
    stage: PaymentStage
    user_id: int | None
    price_stars: int
    payload: str = field(repr=False)
    metadata: JsonObject = field(default_factory=dict)
    created_at: datetime
    expires_at: datetime | None = None
    chat_id: int | None = None
    message_id: int | None = None
    link: str | None = None
    payments_count: int = 0
    is_off_sale: bool = False
    is_over: bool = False
    is_queued: bool = False
    seats_taken: int = 0
    terms: JsonObject = field(default_factory=dict)
    message_thread_id: int | None = None
    own_title: str | None = None

    @property
    def title(self) -> str:
        """What its buyer reads as its title."""
        return self.own_title or self.stage.title


@dataclass(frozen=True, slots=True, kw_only=True)
class PreCheckout:
    """A buyer pressed Pay; Telegram waits ten seconds for a yes or a no.

    Attributes:
        amount: in the currency's smallest unit; whole Stars for XTR.
        payload: the invoice's payload; left out of ``repr``.
        language_code: the buyer's language as Telegram names it, where known.
        sender: the buyer's names, where they are told; nothing is decided by them, and no handler gets them.
    """

    bot_id: int
    query_id: str
    user_id: int
    currency: str
    amount: int
    payload: str = field(repr=False)
    language_code: str | None = None
    sender: Sender | None = field(default=None, repr=False, compare=False)


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Stars that Telegram took from a buyer, as the update or the list of transactions tells it.

    Attributes:
        charge_id: Telegram's id of the charge, opaque text without a length limit, or its ``charge_key``.
        full_charge_id: Telegram's id when ``charge_id`` only stands for it.
        amount: in the currency's smallest unit; whole Stars for XTR.
        paid_at_us: microseconds since the epoch.
        subscription_expires_at_us: end of the paid period of a subscription, microseconds since the epoch.
        sender: the payer's names, where an update tells them.
    """

    bot_id: int
    charge_id: str
    user_id: int
    amount: int
    currency: str
    payload: str = field(repr=False)
    paid_at_us: int
    provider_charge_id: str | None = None
    is_recurring: bool = False
    is_first_recurring: bool = False
    subscription_expires_at_us: int | None = None
    source: Source = Source.UPDATE
    full_charge_id: str | None = None
    sender: Sender | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundNotice:
    """Telegram says that a charge went back to the buyer."""

    bot_id: int
    charge_id: str
    user_id: int
    amount: int
    payload: str = field(repr=False)
    source: Source = Source.UPDATE


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A charge that the ledger holds.

    Attributes:
        number: 1 for the first payment of its invoice, 2 for the second, …; 0 when the invoice is not known.
        attention: why a person has to look, when ``state`` is needs_attention.
        stage: the version of the stage that was sold, when it is known.
        charge_id: Telegram's id of the charge; ``sha256:`` and a digest of it when it is longer than 1,024 bytes.
        full_charge_id: Telegram's id in that case.
        own_title: the title of its invoice, where that is not its stage's.
    """

    bot_id: int
    charge_id: str
    user_id: int
    amount_stars: int
    currency: str
    state: PaymentState
    attention: Attention | None
    invoice_id: str | None
    stage_id: str | None
    stage_version: int | None
    stage: PaymentStage | None
    number: int
    metadata: JsonObject
    payload: str = field(repr=False)
    paid_at: datetime
    recorded_at: datetime
    source: Source
    provider_charge_id: str | None = None
    is_recurring: bool = False
    is_first_recurring: bool = False
    subscription_expires_at: datetime | None = None
    full_charge_id: str | None = None
    own_title: str | None = None

    @property
    def title(self) -> str | None:
        """What was sold, as its buyer read it on the invoice; the stage's id when no more is known, None when nothing is."""
        return self.own_title or (self.stage_id if self.stage is None else self.stage.title)

    @property
    def telegram_charge_id(self) -> str:
        """The id by which Telegram knows the charge."""
        return self.charge_id if self.full_charge_id is None else self.full_charge_id

    @property
    def status(self) -> PaymentStatus:
        """The state in the words of the public status."""
        return _STATUS[self.state]


_STATUS: Mapping[PaymentState, PaymentStatus] = MappingProxyType(
    {
        PaymentState.ACCEPTED: PaymentStatus.COMPLETED,
        PaymentState.NEEDS_ATTENTION: PaymentStatus.FAILED,
        PaymentState.REFUND_DUE: PaymentStatus.PENDING,
        PaymentState.REFUNDED: PaymentStatus.REFUNDED,
    }
)


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentResult:
    """What a payment handler receives.

    Attributes:
        user_id: who paid.
        amount: whole Stars.
        currency: ``XTR``.
        status: ``COMPLETED`` whenever a payment handler runs.
        stage: the version of the stage that was sold.
        transaction_id: the payment's ``charge_id``; refunds take it, and it is unique per bot.
        timestamp: when it was paid, seconds since the epoch.
        metadata: the stage's payload and the invoice's own, merged.
        is_recurring: a payment of a subscription.
        is_extension: a repeated payment of an invoice whose stage says ``extend``.
        raw: Telegram's ``successful_payment`` object, the same live and after a restart; left out of ``repr``.
        payment: the whole fact.
    """

    user_id: int
    amount: int
    currency: str = CURRENCY
    status: PaymentStatus = PaymentStatus.COMPLETED
    stage: PaymentStage | None = None
    stage_id: str | None = None
    invoice_id: str | None = None
    transaction_id: str | None = None
    timestamp: float | None = None
    metadata: JsonObject = field(default_factory=dict)
    is_recurring: bool = False
    is_extension: bool = False
    payment: Payment

    @classmethod
    def of(cls, payment: Payment) -> PaymentResult:
        """The result that tells of a payment."""
        extends = payment.number > 1 and payment.stage is not None and payment.stage.repeat == "extend"
        return cls(
            user_id=payment.user_id,
            amount=payment.amount_stars,
            currency=payment.currency,
            status=payment.status,
            stage=payment.stage,
            stage_id=payment.stage_id,
            invoice_id=payment.invoice_id,
            transaction_id=payment.charge_id,
            timestamp=payment.paid_at.timestamp(),
            metadata=payment.metadata,
            is_recurring=payment.is_recurring,
            is_extension=extends,
            payment=payment,
        )

    @property
    def subscription_expires_at(self) -> datetime | None:
        """When the paid period of a subscription ends, aware UTC; None for what is no subscription."""
        return self.payment.subscription_expires_at

    @property
    def raw(self) -> dict[str, JsonValue]:
        """Telegram's ``successful_payment`` object."""
        paid = self.payment
        raw: dict[str, JsonValue] = {
            "currency": paid.currency,
            "total_amount": paid.amount_stars,
            "invoice_payload": paid.payload,
            "telegram_payment_charge_id": paid.telegram_charge_id,
            "provider_payment_charge_id": paid.provider_charge_id or "",
        }
        if paid.subscription_expires_at is not None:
            raw["subscription_expiration_date"] = int(paid.subscription_expires_at.timestamp())
        if paid.is_recurring:
            raw["is_recurring"] = True
        if paid.is_first_recurring:
            raw["is_first_recurring"] = True
        return raw


class RefundState(enum.StrEnum):
    """How far a refund has come."""

    INTENDED = "intended"
    """Asked for, and Telegram has not done it yet; its job goes on until Telegram says yes or no."""
    UNKNOWN = "unknown"
    """Telegram was asked and its answer was lost; its job asks again, which is safe, and thereby finds out."""
    REFUNDED = "refunded"
    """The Stars are back with the buyer."""
    FAILED = "failed"
    """Telegram refuses; the Stars stay with the bot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """The way back of one charge; Telegram refunds a charge whole or not at all.

    Attributes:
        source: how the ledger first learned of it: ``call`` when it was asked for here, whoever told of its end.
        error: why Telegram has not done it, or will not.
        requested_by: who asked for it, in the words of the program: an admin, a handler, a policy.
    """

    bot_id: int
    charge_id: str
    user_id: int
    amount_stars: int
    state: RefundState
    reason: str | None
    source: Source
    requested_at: datetime
    finished_at: datetime | None = None
    error: str | None = None
    requested_by: str | None = None


def moment_or_none(at_us: int | None) -> datetime | None:
    """Aware UTC time of an optional count of microseconds."""
    return None if at_us is None else moment(at_us)
