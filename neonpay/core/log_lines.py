"""What the logs say of a payment's life: each step has one line, with its level, its words and the names of its fields.

A line's fields are attributes of the record (``extra``), so that a formatter of JSON has them by name. They are ids, numbers
and codes: no user's name or words, no payload and no secret. Words have the beginning of a charge id, whose length would fill
the line, and fields have all of it. Their names do not change; ``docs/reference/logs.md`` lists them.

Nothing is put together for a line whose level is off, so a payment pays one look at the level for each of its steps.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from logging import DEBUG, ERROR, INFO, WARNING
from types import MappingProxyType
from typing import Final, TypeAlias

from neonpay.core import events
from neonpay.core.charge_ids import shortened
from neonpay.core.clock import stopwatch_s
from neonpay.core.payments import Invoice

Field: TypeAlias = str | int | float | bool | None
"""What JSON can carry as it is."""

PAYMENTS: Final = logging.getLogger("neonpay.payments")
LEDGER: Final = logging.getLogger("neonpay.ledger")

_SALE: Final = ("stage_id", "invoice_id", "charge_id", "amount_stars")
_UNKNOWN: Final = "-"
"""What a message shows where a field is None."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One kind of line.

    Attributes:
        event_name: what has happened; the name of the event that the ledger has of it, where there is one. The field is not
            called ``event``, which is where structlog keeps the message.
        level: as in ``logging``.
        words: the message, with the fields by name.
        fields: names of what it has beside ``event_name`` and ``bot_id``; a field that is not known is None.
        logger: says it.
    """

    event_name: str
    level: int
    words: str
    fields: tuple[str, ...] = ()
    logger: logging.Logger = PAYMENTS

    @property
    def is_on(self) -> bool:
        """Whether anybody wants to read it; ``tell`` looks, too, but what comes with every payment asks before it gathers."""
        return self.logger.isEnabledFor(self.level)

    def tell(
        self,
        subject: object = None,
        *,
        began_s: float | None = None,
        error: BaseException | None = None,
        **given: Field,
    ) -> None:
        """Say it, unless its level is off.

        Args:
            subject: has what is not given: an invoice, a payment, an event, a job.
            began_s: what ``stopwatch_s`` said at the beginning, for ``duration_s``.
            error: told with its traceback; the field has the name of its type.
        """
        if not self.logger.isEnabledFor(self.level):
            return
        extra: dict[str, Field] = {"event_name": self.event_name or _of(subject, "name")}
        for name in ("bot_id", *self.fields):
            extra[name] = given[name] if name in given else _of(subject, name)
        if began_s is not None:
            extra["duration_s"] = round(stopwatch_s() - began_s, 3)
        if error is not None:
            extra["error"] = type(error).__name__
        shown = {name: _UNKNOWN if value is None else value for name, value in extra.items()}
        if isinstance(charge_id := extra.get("charge_id"), str):
            shown["charge_id"] = shortened(charge_id)
        try:
            self._say(shown, extra, error)
        except Exception:  # noqa: BLE001  # a filter, factory or handler of the host stops no payment; it is told as logging tells
            if logging.raiseExceptions and sys.stderr is not None:
                traceback.print_exc()

    def _say(self, shown: Mapping[str, Field], extra: Mapping[str, Field], error: BaseException | None) -> None:
        file, line, function, _ = self.logger.findCaller(stacklevel=3)
        exc_info = None if error is None else (type(error), error, error.__traceback__)
        record = self.logger.makeRecord(
            self.logger.name, self.level, file, line, self.words, (shown,), exc_info, function
        )
        for name, value in extra.items():
            if name not in record.__dict__:  # a host's record factory may have one of that name, which is the host's
                record.__dict__[name] = value
        self.logger.handle(record)

    def at(self, level: int) -> LogLine:
        """The same line, louder or quieter."""
        return replace(self, level=level)


def tell_of(event: events.Event) -> None:
    """Say that an event is durable; of those that have a line where they happen, with its duration, nothing."""
    line = OF_EVENTS.get(type(event), _EVENT)
    if line is not None:
        line.tell(event)


def _of(subject: object, name: str) -> Field:
    if name == "amount_stars" and isinstance(subject, Invoice):
        return subject.price_stars
    value: Field = getattr(subject, name, None)
    return value


def _sale(event_name: str, level: int, words: str, *more: str) -> LogLine:
    return LogLine(event_name, level, words, (*_SALE, *more))


# Offering

_INVOICE = "invoice %(invoice_id)s of stage %(stage_id)s for %(amount_stars)s Stars "
INVOICE_CREATED = _sale("invoice_created", DEBUG, _INVOICE + "is written")
INVOICE_OFFERED = _sale("invoice_offered", INFO, _INVOICE + "is offered, after %(duration_s)s s", "duration_s")
INVOICE_QUEUED = _sale("invoice_queued", INFO, _INVOICE + "waits for its chat's turn")
INVOICE_FAILED = _sale("invoice_failed", WARNING, _INVOICE + "was not sent (%(reason)s)", "reason")
INVOICE_EXPIRED = _sale("invoice_expired", DEBUG, _INVOICE + "has expired unpaid")
INVOICE_ABANDONED = _sale("invoice_abandoned", DEBUG, _INVOICE + "was not paid so far")
OFFER_REFUSED = _sale("offer_refused", INFO, "stage %(stage_id)s is not offered (%(reason)s)", "reason")

# Checkout

_CHECKOUT = "checkout of invoice %(invoice_id)s, stage %(stage_id)s, %(amount_stars)s Stars, "
CHECKOUT_APPROVED = _sale(
    "checkout_approved", INFO, _CHECKOUT + "is approved, after %(duration_s)s s", "query_id", "duration_s"
)
CHECKOUT_DECLINED = _sale(
    "checkout_declined",
    INFO,
    _CHECKOUT + "is declined (%(reason)s), after %(duration_s)s s",
    *("query_id", "reason", "duration_s"),
)
CHECKOUT_FAILED = CHECKOUT_DECLINED.at(WARNING)
"""Declined because the shop could not look at it, or not in time."""
CHECKOUT_UNANSWERED = _sale(
    "checkout_unanswered",
    WARNING,
    _CHECKOUT + "could not be answered (%(reason)s)",
    *("query_id", "reason", "duration_s"),
)

# Recording

_PAYMENT = "charge %(charge_id)s of stage %(stage_id)s, %(amount_stars)s Stars, "
PAYMENT_RECORDED = _sale(
    "payment_recorded",
    INFO,
    _PAYMENT + "is recorded as %(state)s from %(source)s, after %(duration_s)s s",
    *("state", "source", "duration_s"),
)
PAYMENT_NEEDS_ATTENTION = _sale("payment_needs_attention", ERROR, _PAYMENT + "needs attention (%(reason)s)", "reason")
PAYMENT_UNCLAIMED = _sale(
    "payment_unclaimed",
    WARNING,
    "no program of this shop takes payments of stage %(stage_id)s; charge %(charge_id)s waits ten minutes for one that does",
)

# Delivering

_HANDLER = "%(handler)s for charge %(charge_id)s "
HANDLER_STARTED = _sale("handler_started", INFO, _HANDLER + "is started (attempt %(attempt)s)", "handler", "attempt")
HANDLER_TAKEN_OVER = _sale(
    "handler_taken_over",
    INFO,
    _HANDLER + "is taken over as attempt %(attempt)s: the attempt before has not ended, and its lease has lapsed",
    *("handler", "event_id", "attempt"),
)
HANDLER_DONE = _sale(
    "handler_done", INFO, _HANDLER + "is done, after %(duration_s)s s", "handler", "attempt", "duration_s"
)
MESSAGE_REFUSED = _sale(
    "message_refused", WARNING, _HANDLER + "cannot tell the buyer, and needs no retry: %(reason)s", "handler", "reason"
)
HANDLER_ENDED_ELSEWHERE = _sale(
    "handler_ended_elsewhere",
    WARNING,
    _HANDLER + "was ended elsewhere, by another worker or a refund; this attempt does not count",
    *("handler", "attempt"),
)
HANDLER_UNDONE = _sale(
    "handler_undone",
    WARNING,
    _HANDLER + "raised %(error)s inside the recording transaction; it will run again",
    *("handler", "attempt", "error", "duration_s"),
)
_FAILURE = ("handler", "event_id", "attempt", "max_attempts", "retry_in_s", "error", "duration_s")
FULFILMENT_FAILED = _sale(
    "fulfilment_failed",
    ERROR,
    _HANDLER + "raised %(error)s (attempt %(attempt)s of %(max_attempts)s); it runs again in %(retry_in_s)s s",
    *_FAILURE,
)
FULFILMENT_ABANDONED = _sale(
    "fulfilment_abandoned",
    ERROR,
    _HANDLER + "raised %(error)s (attempt %(attempt)s of %(max_attempts)s); it is a dead letter now",
    *_FAILURE,
)
_SUBSCRIBER = "%(handler)s for event %(event_id)s "
SUBSCRIBER_FAILED = _sale(
    "fulfilment_failed",
    WARNING,
    _SUBSCRIBER + "raised %(error)s (attempt %(attempt)s of %(max_attempts)s); it runs again in %(retry_in_s)s s",
    *_FAILURE,
)
SUBSCRIBER_ABANDONED = _sale(
    "fulfilment_abandoned",
    ERROR,
    _SUBSCRIBER + "raised %(error)s (attempt %(attempt)s of %(max_attempts)s); it is a dead letter now",
    *_FAILURE,
)
JOB_WORN_OUT = _sale(
    "fulfilment_abandoned", ERROR, _SUBSCRIBER + "is a dead letter now, it has begun as often as it may", *_FAILURE
)
PAYMENT_DELIVERED = _sale("payment_delivered", INFO, _PAYMENT + "is delivered")
PAYMENT_REJECTED = _sale("payment_rejected", INFO, _PAYMENT + "was rejected by %(handler)s", "handler")

# Giving back

REFUND_REQUESTED = _sale("refund_requested", INFO, _PAYMENT + "is to go back")
REFUND_PUT_OFF = _sale(
    "refund_put_off",
    WARNING,
    "charge %(charge_id)s is not refunded yet (%(reason)s); asking again in %(retry_in_s)s s",
    *("reason", "retry_in_s", "duration_s"),
)
REFUND_NOTED_EARLY = _sale(
    "refund_noted_early",
    WARNING,
    "charge %(charge_id)s was refunded and is not recorded yet; it will not be delivered",
)
PAYMENT_REFUNDED = _sale("payment_refunded", INFO, _PAYMENT + "is refunded, after %(duration_s)s s", "duration_s")
REFUND_FAILED = _sale("refund_failed", ERROR, "Telegram refuses to refund charge %(charge_id)s (%(reason)s)", "reason")
REFUND_REVIEW_REQUESTED = _sale(
    "refund_review_requested", INFO, _PAYMENT + "is asked back by its buyer; a person decides"
)
REFUND_REQUEST_APPROVED = _sale("refund_request_approved", INFO, _PAYMENT + "is asked back, and that is granted")
REFUND_REQUEST_REFUSED = _sale("refund_request_refused", INFO, _PAYMENT + "is asked back, and that is refused")

# Subscriptions

_SUBSCRIPTION = "the subscription of charge %(charge_id)s, stage %(stage_id)s, "
SUBSCRIPTION_CANCELED = _sale("subscription_canceled", INFO, _SUBSCRIPTION + "ends with its paid period")
SUBSCRIPTION_RESTORED = _sale("subscription_restored", INFO, _SUBSCRIPTION + "goes on")
SUBSCRIPTION_FAILED = _sale("subscription_failed", INFO, _SUBSCRIPTION + "was not renewed")
SUBSCRIPTION_ENDED = _sale("subscription_ended", INFO, _SUBSCRIPTION + "has ended")

# Comparing with Telegram

RECONCILED = LogLine(
    "reconciled",
    INFO,
    "compared with Telegram's list: %(checked)s rows, %(recovered)s payments recovered, %(refunded)s refunds noted, "
    "%(waiting)s waiting, %(failed)s failed, %(unexplained)s unexplained, drift %(drift_stars)s Stars, "
    "after %(duration_s)s s",
    (
        *("checked", "recovered", "needs_attention", "refunded", "foreign", "moved", "waiting", "unreadable", "failed"),
        *("unexplained", "drift_stars", "is_complete", "duration_s"),
    ),
)
RECONCILED_IDLY = RECONCILED.at(DEBUG)
"""There was nothing to tell."""
BALANCE_DRIFTED = LogLine("balance_drifted", ERROR, "bot %(bot_id)s: %(reason)s", ("amount_stars", "reason"))
PAYMENT_UNEXPLAINED = _sale(
    "payment_unexplained", ERROR, "Telegram's list of transactions does not have charge %(charge_id)s"
)

# The program

TASK_DONE = LogLine(
    "task_done",
    DEBUG,
    "periodic task %(task)s is done, after %(duration_s)s s; its next turn is in %(next_in_s)s s",
    ("task", "next_in_s", "duration_s"),
)
TASK_STOPPED_EARLY = LogLine(
    "task_stopped_early",
    WARNING,
    "%(task)s stopped early and goes on in %(next_in_s)s s (%(reason)s)",
    ("task", "next_in_s", "reason", "duration_s"),
)
TASK_FAILED = LogLine(
    "task_failed",
    ERROR,
    "%(task)s failed (%(error)s); its next turn is in %(next_in_s)s s",
    ("task", "next_in_s", "error", "duration_s"),
)
PROGRAM_STARTED = LogLine(
    "program_started",
    INFO,
    "neonpay %(version)s is started: %(library)s, bot %(bot_id)s (%(bot_username)s), level %(library_level)s, "
    "database %(database)s, schema %(schema)s, role %(role)s, stages %(stages)s, handlers %(handlers)s, "
    "extensions %(extensions)s",
    (
        *("version", "library", "bot_username", "library_level", "database", "schema", "role"),
        *("stages", "handlers", "extensions", "duration_s"),
    ),
)
JOBS_BEGUN_BEFORE = LogLine(
    "jobs_begun_before",
    INFO,
    "jobs that were begun before this start and have not ended: %(jobs)s (%(handler)s); those of a program that has died are "
    "taken over within %(next_in_s)s s",
    ("jobs", "handler", "next_in_s"),
)
PROGRAM_STOPPED = LogLine(
    "program_stopped", INFO, "neonpay is stopped for bot %(bot_id)s, after %(duration_s)s s", ("duration_s",)
)
LEDGER_UPGRADED = LogLine(
    "ledger_upgraded",
    INFO,
    "the tables of %(version_table)s are at schema %(schema)s now, after %(duration_s)s s",
    ("version_table", "schema", "duration_s"),
    LEDGER,
)

_EVENT = _sale("", DEBUG, "event %(event_name)s")
"""Of every other event: those of extensions, and what is no step of a payment."""
OF_EVENTS: Final[Mapping[type[events.Event], LogLine | None]] = MappingProxyType(
    {
        events.InvoiceCreated: INVOICE_CREATED,
        events.InvoiceFailed: INVOICE_FAILED,
        events.InvoiceExpired: INVOICE_EXPIRED,
        events.InvoiceAbandoned: INVOICE_ABANDONED,
        events.OfferRefused: OFFER_REFUSED,
        events.CheckoutApproved: None,
        events.CheckoutDeclined: None,
        events.PaymentCompleted: None,
        events.PaymentNeedsAttention: PAYMENT_NEEDS_ATTENTION,
        events.PaymentDelivered: PAYMENT_DELIVERED,
        events.PaymentRejected: PAYMENT_REJECTED,
        events.FulfilmentFailed: None,
        events.FulfilmentAbandoned: None,
        events.RefundRequested: REFUND_REQUESTED,
        events.PaymentRefunded: None,
        events.RefundFailed: REFUND_FAILED,
        events.RefundReviewRequested: REFUND_REVIEW_REQUESTED,
        events.RefundRequestApproved: REFUND_REQUEST_APPROVED,
        events.RefundRequestRefused: REFUND_REQUEST_REFUSED,
        events.SubscriptionCanceled: SUBSCRIPTION_CANCELED,
        events.SubscriptionRestored: SUBSCRIPTION_RESTORED,
        events.SubscriptionFailed: SUBSCRIPTION_FAILED,
        events.SubscriptionEnded: SUBSCRIPTION_ENDED,
        events.BalanceDrifted: None,
        events.PaymentUnexplained: None,
    }
)
