"""What happened, in the past tense: frozen, with a stable id, written in the transaction that made it true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from neonpay.errors import ValidationError

_KINDS: dict[str, type[Event]] = {}
"""Every kind of event by name; a class enters itself when it is made, those of other people's packages too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact. A subclass with a ``name`` is a kind of its own.

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


class RefundRequestApproved(Event):
    """A buyer's request for a refund was granted; ``reason`` says by whom."""

    __slots__ = ()
    name = "refund_request_approved"


class RefundRequestRefused(Event):
    """A buyer's request for a refund was refused; ``reason`` says by whom and why."""

    __slots__ = ()
    name = "refund_request_refused"


class StarsMoved(Event):
    """Stars came or went otherwise than by a payment of ours.

    ``reason`` names the account, such as ``withdrawals`` or ``foreign``, ``charge_id`` is the id in Telegram's list, and
    ``amount_stars`` is negative for what went out.
    """

    __slots__ = ()
    name = "stars_moved"


class WithdrawalSucceeded(Event):
    """A withdrawal has come to its end; its Stars, told of by ``stars_moved`` before, will not be back."""

    __slots__ = ()
    name = "withdrawal_succeeded"


class WithdrawalFailed(Event):
    """A withdrawal that was pending has failed; its Stars are back with the bot."""

    __slots__ = ()
    name = "withdrawal_failed"


class BalanceDrifted(Event):
    """The balance of the bot is no longer what Telegram's list of transactions adds up to, or it is again.

    ``reason`` has the numbers, and ``amount_stars`` how much the balance is above the list.
    """

    __slots__ = ()
    name = "balance_drifted"


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
