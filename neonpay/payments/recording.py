"""A charge becomes a payment: one transaction writes the payment, its journal entry, its event and its jobs.

Money that arrived is always recorded, whatever is wrong with it; what nobody can deliver needs attention instead. The same
charge recorded again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.clock import Clock, moment
from neonpay.core.events import Event, PaymentCompleted, PaymentNeedsAttention, RefundRequested
from neonpay.core.limits import CURRENCY
from neonpay.core.payload import InvoiceRef
from neonpay.core.payments import Attention, Charge, Payment, PaymentState, moment_or_none
from neonpay.core.stages import PaymentStage, RepeatPolicy
from neonpay.ledger import Insert, Statement, Transaction
from neonpay.ledger.tables import invoices, payments
from neonpay.payments.book import REVENUE, STARS, UNSETTLED, write_entry, write_event
from neonpay.payments.catalogue import Catalogue
from neonpay.payments.handlers import Form, Handler, HandlerRegistry
from neonpay.payments.inline import run_inside
from neonpay.payments.jobs import INSERT_JOB, Job

REFUND = "neonpay:refund"
"""The job that sends Stars back because the stage's policy says so."""
THANK_YOU = "neonpay:thank_you"
"""The job that thanks the buyer."""

_COUNT_PAYMENT = Statement(
    sa.update(invoices)
    .where(invoices.c.bot_id == sa.bindparam("b"), invoices.c.invoice_id == sa.bindparam("i"))
    .values(payments_count=invoices.c.payments_count + 1, held_by=None, held_until=None)
    .returning(
        invoices.c.stage_id,
        invoices.c.stage_version,
        invoices.c.user_id,
        invoices.c.price_stars,
        invoices.c.metadata,
        invoices.c.payments_count,
    ),
    "b",
    "i",
)
_INSERT_PAYMENT = Insert(
    payments,
    "bot_id",
    "charge_id",
    "event_id",
    "user_id",
    "amount_stars",
    "currency",
    "state",
    "attention",
    "invoice_id",
    "stage_id",
    "stage_version",
    "number",
    "payload",
    "paid_at",
    "recorded_at",
    "source",
    "provider_charge_id",
    "is_recurring",
    "is_first_recurring",
    "subscription_expires_at",
)


class AlreadyRecorded(Exception):  # noqa: N818  # a verdict that undoes the unit, not a fault
    """The ledger has this charge; nothing was changed."""


class Recorded(NamedTuple):
    """What recording a charge has made."""

    payment: Payment
    event: Event
    jobs: list[Job]
    """Jobs that are leased to this process."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger knows of the invoice of a charge."""

    stage_id: str | None = None
    stage_version: int | None = None
    stage: PaymentStage | None = None
    user_id: int | None = None
    price_stars: int | None = None
    metadata: Mapping[str, jsontext.JsonValue] | None = None
    number: int = 0


class Recorder:
    """Records the charges of one bot."""

    def __init__(
        self,
        bot_id: int,
        *,
        catalogue: Catalogue,
        handlers: HandlerRegistry,
        clock: Clock,
        new_event_id: Callable[[], str],
        new_token: Callable[[], int],
        lease_us: int,
        thanks: Callable[[], bool],
        host_data: Callable[[], Mapping[str, object]],
    ) -> None:
        self._bot_id = bot_id
        self._catalogue = catalogue
        self._handlers = handlers
        self._clock = clock
        self._new_event_id = new_event_id
        self._new_token = new_token
        self._lease_us = lease_us
        self._thanks = thanks
        self._host_data = host_data

    def record(self, transaction: Transaction, charge: Charge, ref: InvoiceRef | None, *, take: int) -> Recorded:
        """The unit of work that records a charge.

        Args:
            ref: what the verified payload says, or None when it does not verify.
            take: how many of the jobs this process takes at once; the others are left for whoever is free.

        Raises:
            AlreadyRecorded: the ledger has the charge.
        """
        now_us = self._clock.now_us()
        known = self._count(transaction, ref) if ref is not None else _Known()
        handlers = self._handlers.for_stage(known.stage_id)
        state, attention = _verdict(charge, ref, known, handlers)
        event_id = self._new_event_id()
        stage_id = known.stage_id or (ref.stage_id if ref is not None else None)
        invoice_id = ref.invoice_id if ref is not None else None
        inserted = transaction.execute(
            _INSERT_PAYMENT,
            self._bot_id,
            charge.charge_id,
            event_id,
            charge.user_id,
            charge.amount,
            charge.currency,
            state.value,
            None if attention is None else attention.value,
            invoice_id,
            stage_id,
            known.stage_version,
            known.number,
            charge.payload,
            charge.paid_at_us,
            now_us,
            charge.source.value,
            charge.provider_charge_id,
            int(charge.is_recurring),
            int(charge.is_first_recurring),
            charge.subscription_expires_at_us,
        )
        if not inserted:
            raise AlreadyRecorded
        if charge.currency == CURRENCY:
            other = REVENUE if state is PaymentState.ACCEPTED else UNSETTLED
            write_entry(
                transaction,
                {STARS: charge.amount, other: -charge.amount},
                bot_id=self._bot_id,
                entry_id=event_id,
                charge_id=charge.charge_id,
                at_us=now_us,
            )
        event = write_event(
            transaction,
            _EVENTS[state],
            bot_id=self._bot_id,
            event_id=event_id,
            at_us=now_us,
            user_id=charge.user_id,
            stage_id=stage_id,
            invoice_id=invoice_id,
            charge_id=charge.charge_id,
            amount_stars=charge.amount,
            reason=attention.value if attention is not None else _REASONS.get(state),
        )
        payment = Payment(
            bot_id=self._bot_id,
            charge_id=charge.charge_id,
            user_id=charge.user_id,
            amount_stars=charge.amount,
            currency=charge.currency,
            state=state,
            attention=attention,
            invoice_id=invoice_id,
            stage_id=stage_id,
            stage_version=known.stage_version,
            stage=known.stage,
            number=known.number,
            metadata=known.metadata or {},
            payload=charge.payload,
            paid_at=moment(charge.paid_at_us),
            recorded_at=event.at,
            source=charge.source,
            provider_charge_id=charge.provider_charge_id,
            is_recurring=charge.is_recurring,
            is_first_recurring=charge.is_first_recurring,
            subscription_expires_at=moment_or_none(charge.subscription_expires_at_us),
        )
        return Recorded(payment, event, self._plan(transaction, payment, event_id, handlers, take=take))

    def _count(self, transaction: Transaction, ref: InvoiceRef) -> _Known:
        row = transaction.row(_COUNT_PAYMENT, self._bot_id, ref.invoice_id)
        if row is None:
            return _Known()
        stage_id, version, user_id, price_stars, metadata, number = row
        return _Known(
            stage_id,
            version,
            self._catalogue.stage(transaction, stage_id, version),
            user_id,
            price_stars,
            jsontext.load_object(metadata),
            number,
        )

    def _plan(
        self, transaction: Transaction, payment: Payment, event_id: str, handlers: Sequence[Handler], *, take: int
    ) -> list[Job]:
        taken: list[Job] = []
        if payment.state is PaymentState.NEEDS_ATTENTION:
            return taken
        consumers: list[Handler | str] = [*handlers]
        if payment.state is PaymentState.REFUND_DUE:
            consumers = [REFUND]
        elif self._thanks():
            consumers.append(THANK_YOU)
        for consumer in consumers:
            if isinstance(consumer, Handler) and consumer.form is Form.TRANSACTION:
                run_inside(transaction, consumer, payment, event_id, self._host_data())
                continue
            name = consumer if isinstance(consumer, str) else consumer.consumer
            leased = len(taken) < take
            token = self._new_token() if leased else None
            transaction.execute(
                INSERT_JOB,
                self._bot_id,
                event_id,
                name,
                payment.charge_id,
                "leased" if leased else "ready",
                int(leased),
                token,
                None,
                self._lease_us if leased else 0,
            )
            if token is not None:
                taken.append(Job(self._bot_id, event_id, name, payment.charge_id, 1, token, payment))
        return taken


def _verdict(
    charge: Charge, ref: InvoiceRef | None, known: _Known, handlers: Sequence[Handler]
) -> tuple[PaymentState, Attention | None]:
    attention = _fault(charge, ref, known)
    if attention is not None:
        return PaymentState.NEEDS_ATTENTION, attention
    assert known.stage is not None, "a charge without a known stage has a fault"
    # A renewal pays the same invoice again by design; only other repetitions are a question of policy.
    repeats = known.number > 1 and not (charge.is_recurring and not charge.is_first_recurring)
    if repeats and known.stage.repeat is RepeatPolicy.REFUND:
        return PaymentState.REFUND_DUE, None
    if repeats and known.stage.max_payments is not None and known.number > known.stage.max_payments:
        return PaymentState.NEEDS_ATTENTION, Attention.TOO_MANY_PAYMENTS
    if not handlers:
        return PaymentState.NEEDS_ATTENTION, Attention.NO_HANDLER
    return PaymentState.ACCEPTED, None


def _fault(charge: Charge, ref: InvoiceRef | None, known: _Known) -> Attention | None:
    if ref is None:
        return Attention.FORGED_PAYLOAD
    if known.stage is None:
        return Attention.UNKNOWN_INVOICE
    if charge.currency != CURRENCY or charge.amount != known.price_stars:
        return Attention.WRONG_AMOUNT
    if known.user_id is not None and known.user_id != charge.user_id:
        return Attention.WRONG_PAYER
    return None


_EVENTS: Mapping[PaymentState, type[Event]] = {
    PaymentState.ACCEPTED: PaymentCompleted,
    PaymentState.NEEDS_ATTENTION: PaymentNeedsAttention,
    PaymentState.REFUND_DUE: RefundRequested,
}
_REASONS = {PaymentState.REFUND_DUE: "a second payment of this invoice goes back"}
