"""What happened, in the past tense: frozen, with a stable id, written in the transaction that made it true.

``store.entries`` writes them, by ``publish`` and ``publish_rows``, and says who else touches their table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import ClassVar, cast

from neonpay.core.jsontext import JsonObject, JsonValue
from neonpay.errors import ValidationError

_KINDS: dict[str, type[Event]] = {}
"""Every kind of event by name; a class enters itself when it is made, those of other people's packages too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact. A subclass with a ``name`` is a kind of its own.

    What a kind has beside these attributes are fields of its dataclass that JSON can carry, each with a default; the
    ledger keeps them as the event's ``data``.

    Attributes:
        event_id: uuid7 as 32 hexadecimal digits; the same in the ledger and for every listener.
        at: when it became true, aware UTC.
        amount_stars: whole Stars that the fact is about.
        reason: why, in words for the owner, where the fact has a why.
        handler: name of the payment handler that the fact is about.
    """

    name: ClassVar[str] = ""

    bot_id: int
    event_id: str
    at: datetime
    user_id: int | None = None
    stage_id: str | None = None
    invoice_id: str | None = None
    charge_id: str | None = None
    amount_stars: int | None = None
    reason: str | None = None
    handler: str | None = None

    def __init_subclass__(cls) -> None:
        if not cls.__dict__.get("name"):
            return  # no kind of its own: what several kinds have in common, or a variant of one
        known = _KINDS.get(cls.name)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            msg = f"two kinds of events are called {cls.name!r}: {known.__qualname__} and {cls.__qualname__}"
            raise TypeError(msg)
        _KINDS[cls.name] = cls

    @property
    def data(self) -> dict[str, JsonValue]:
        """What this kind of event has beside what all have."""
        return {name: cast("JsonValue", getattr(self, name)) for name in _own_names(type(self))}


_COMMON = len(fields(Event))


def _own_names(kind: type[Event]) -> tuple[str, ...]:
    if kind.__dataclass_fields__ is Event.__dataclass_fields__:
        return ()  # most kinds, without a look at each field: one is published for every payment
    return tuple(field.name for field in fields(kind)[_COMMON:])


class InvoiceCreated(Event):
    """An invoice was written to the ledger; it is about to be sent, or its link to be made."""

    __slots__ = ()
    name = "invoice_created"


class InvoiceFailed(Event):
    """Telegram refused to send an invoice or to make its link, or a queued one was not sent; ``reason`` says why."""

    __slots__ = ()
    name = "invoice_failed"


class OfferRefused(Event):
    """No invoice was made for this user, by a rule of the seller's or for the pace of the chat; ``reason`` names it."""

    __slots__ = ()
    name = "offer_refused"


class CheckoutApproved(Event):
    """A checkout was checked and found in order; Telegram may take the Stars now."""

    __slots__ = ()
    name = "checkout_approved"


class CheckoutDeclined(Event):
    """A checkout was declined; no Stars moved. ``reason`` says why."""

    __slots__ = ()
    name = "checkout_declined"


class PaymentCompleted(Event):
    """A payment was recorded and will be fulfilled."""

    __slots__ = ()
    name = "payment_completed"


class PaymentNeedsAttention(Event):
    """A payment was recorded that nobody can fulfil without a decision; ``reason`` says why."""

    __slots__ = ()
    name = "payment_needs_attention"


class PaymentRejected(Event):
    """A handler rejected a payment: its delivery has ended and the Stars go back. ``reason`` has the handler's words."""

    __slots__ = ()
    name = "payment_rejected"


class RefundRequested(Event):
    """A refund was asked for, by the program or by the policy of a stage; ``reason`` says why. It is about to be made.

    For a payment that had gone back before it was recorded, this is the event of its recording.
    """

    __slots__ = ()
    name = "refund_requested"


class PaymentRefunded(Event):
    """The Stars of a payment went back to the buyer."""

    __slots__ = ()
    name = "payment_refunded"


class RefundFailed(Event):
    """Telegram refused a refund for good; ``reason`` has its words."""

    __slots__ = ()
    name = "refund_failed"


class RefundReviewRequested(Event):
    """A buyer wants their Stars back and a person has to decide; ``reason`` has the buyer's words."""

    __slots__ = ()
    name = "refund_review_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequestDecided(Event):
    """What the two answers to a buyer's request have in common.

    Attributes:
        by: who decided; ``policy`` when the stage or a hook did.
        answer: what the buyer is told beside the decision.
    """

    by: str | None = None
    answer: str | None = None


class RefundRequestApproved(RefundRequestDecided):
    """A buyer's request for a refund was granted."""

    __slots__ = ()
    name = "refund_request_approved"


class RefundRequestRefused(RefundRequestDecided):
    """A buyer's request for a refund was refused."""

    __slots__ = ()
    name = "refund_request_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement(Event):
    """What is told of a row of Telegram's list that is no payment of ours; ``charge_id`` is its id there.

    Attributes:
        account: the account of the books, such as ``withdrawals`` or ``foreign``.
        nanostars: what has moved, in billionths of a Star, of which ``amount_stars`` are the whole ones; below zero for what
            went out.
    """

    account: str = ""
    nanostars: int = 0


class StarsMoved(Movement):
    """Stars came or went otherwise than by a payment of ours."""

    __slots__ = ()
    name = "stars_moved"


class WithdrawalSucceeded(Movement):
    """A withdrawal has come to its end; its Stars, told of by ``stars_moved`` before, will not be back."""

    __slots__ = ()
    name = "withdrawal_succeeded"


class WithdrawalFailed(Movement):
    """A withdrawal that was pending has failed; its Stars are back with the bot."""

    __slots__ = ()
    name = "withdrawal_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceDrifted(Event):
    """The balance of the bot is no longer what Telegram's list of transactions adds up to, or it is again.

    ``amount_stars`` is how much the balance is above the list, and ``reason`` says it in words.

    Attributes:
        balance_nanostars: the balance, in billionths of a Star.
        listed_nanostars: what the list adds up to.
    """

    name = "balance_drifted"

    balance_nanostars: int = 0
    listed_nanostars: int = 0


class PaymentUnexplained(Event):
    """The ledger has a payment that Telegram's list of transactions does not have; an update may have been forged."""

    __slots__ = ()
    name = "payment_unexplained"


class SubscriptionCanceled(Event):
    """A subscription ends with its paid period; ``reason`` says so when it was the program that cancelled it.

    ``charge_id`` is its first payment, where the ledger has it.
    """

    __slots__ = ()
    name = "subscription_canceled"


class SubscriptionRestored(Event):
    """The buyer has taken up a cancelled subscription again; ``charge_id`` is its first payment."""

    __slots__ = ()
    name = "subscription_restored"


class SubscriptionFailed(Event):
    """A subscription was to renew and its buyer had not enough Stars; ``charge_id`` is its first payment."""

    __slots__ = ()
    name = "subscription_failed"


class SubscriptionEnded(Event):
    """The paid period of a subscription is over, and no later one was paid within an hour; ``charge_id`` is its last payment.

    ``reason`` is what Telegram has told of it, ``canceled`` or ``failed``; None when it told nothing.
    """

    __slots__ = ()
    name = "subscription_ended"


class UserBlocked(Event):
    """The seller sells nothing to this user from now on; ``reason`` has the seller's words."""

    __slots__ = ()
    name = "user_blocked"


class UserTrusted(Event):
    """No limit applies to this user from now on."""

    __slots__ = ()
    name = "user_trusted"


class UserUnblocked(Event):
    """This user is treated like every other from now on: neither blocked nor trusted."""

    __slots__ = ()
    name = "user_unblocked"


class UserReported(Event):
    """The program has reported something suspicious about this user; ``reason`` says what."""

    __slots__ = ()
    name = "user_reported"


class PaymentDelivered(Event):
    """All payment handlers of a payment are done with it, and the buyer has what was paid for; once for each payment.

    A handler that a deploy adds while the only other one is at work on the payment is not waited for.
    """

    __slots__ = ()
    name = "payment_delivered"


class InvoiceExpired(Event):
    """An invoice has come to the end of its time unpaid; nobody can pay it any more."""

    __slots__ = ()
    name = "invoice_expired"


class InvoiceAbandoned(Event):
    """An invoice was not paid for as long as the settings say; it can be paid still. Telegram tells of no cancellation."""

    __slots__ = ()
    name = "invoice_abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageQueued(Event):
    """A handler has succeeded and its message to the buyer is on its way (``ctx.tell``).

    Attributes:
        chat_id: where it goes.
        message: the parameters of Telegram's ``sendMessage``; left out of ``repr``.
    """

    name = "message_queued"
    chat_id: int | None = None
    message: JsonObject = field(default_factory=dict, repr=False)


class FulfilmentFailed(Event):
    """A handler raised; it runs again later. ``reason`` names the error."""

    __slots__ = ()
    name = "fulfilment_failed"


class FulfilmentAbandoned(Event):
    """A handler has had its last attempt, which raised or never ended; it waits as a dead letter for ``neonpay.jobs.retry``."""

    __slots__ = ()
    name = "fulfilment_abandoned"


def event_names() -> list[str]:
    """The names of all kinds of events that are loaded, in order."""
    return sorted(_KINDS)


def event_type(event: str | type[Event]) -> type[Event]:
    """The event class of a name or of itself; raises ValidationError for anything else."""
    if isinstance(event, str) and event in _KINDS:
        return _KINDS[event]
    if isinstance(event, type) and issubclass(event, Event):
        return event
    raise ValidationError("event", event, f"one of {', '.join(event_names())}")


def event_of(name: str, data: Mapping[str, JsonValue], **common: object) -> Event:
    """An event as it was published, from its name, its data and what all events have.

    Data that its kind does not know, which a newer program has written, is left out; of a kind that this program does not know
    there is what all events have, as an ``Event``.
    """
    kind = _KINDS.get(name, Event)
    known = _own_names(kind)
    return kind(**common, **{key: value for key, value in data.items() if key in known})  # type: ignore[arg-type]
