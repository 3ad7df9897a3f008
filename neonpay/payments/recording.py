"""A charge becomes a payment: one transaction writes the payment, its journal entry, its event and its jobs.

Money that arrived is always recorded, whatever is wrong with it; what nobody can deliver needs attention instead. The same
charge recorded again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.charge_ids import write_id
from neonpay.core.clock import moment
from neonpay.core.events import Event, PaymentCompleted, PaymentNeedsAttention, RefundRequested
from neonpay.core.jsontext import JsonObject
from neonpay.core.limits import CURRENCY
from neonpay.core.payload import InvoiceRef, is_ours
from neonpay.core.payments import Attention, Charge, Payment, PaymentState, moment_or_none
from neonpay.core.stages import PaymentStage, RepeatPolicy
from neonpay.ledger import Among, Insert, Transaction
from neonpay.ledger.tables import invoices, payments
from neonpay.payments.book import (
    INSERT_EVENT,
    INSERT_JOURNAL,
    REVENUE,
    STARS,
    UNSETTLED,
    entry_rows,
    event_row,
)
from neonpay.payments.catalogue import Catalogue
from neonpay.payments.early_refunds import settle
from neonpay.payments.inline import Rejection, run_now
from neonpay.payments.jobs import INSERT_JOB, Job
from neonpay.payments.looking import first_periods, look
from neonpay.payments.planning import Plan
from neonpay.payments.refund_book import SECOND_PAYMENT, RefundBook

_INVOICES = Among(
    lambda ids: (
        sa.select(
            invoices.c.invoice_id,
            invoices.c.stage_id,
            invoices.c.stage_version,
            invoices.c.user_id,
            invoices.c.price_stars,
            invoices.c.metadata,
            invoices.c.payments_count,
        )
        .where(invoices.c.bot_id == sa.bindparam("b"), invoices.c.invoice_id.in_(ids))
        .order_by(invoices.c.invoice_id)
        .with_for_update()
    ),
    "b",
)
_COUNT_PAYMENT = Among(
    lambda ids: (
        sa.update(invoices)
        .where(invoices.c.bot_id == sa.bindparam("b"), invoices.c.invoice_id.in_(ids))
        .values(payments_count=invoices.c.payments_count + 1, held_by=None, held_until=None)
        .returning(invoices.c.invoice_id)
    ),
    "b",
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
    "full_charge_id",
)


class _SameTwiceError(Exception):
    """Two items of one batch are about the same charge or invoice; each has to be recorded on its own."""


class Arrival(NamedTuple):
    """A charge on its way into the ledger."""

    charge: Charge
    ref: InvoiceRef | None
    """What its verified payload says, or None when it does not verify."""
    take: bool
    """Whether this process has room to run the handlers at once; otherwise their jobs are left for whoever is free."""


class Recorded(NamedTuple):
    """What recording a charge has made."""

    payment: Payment
    event_id: str
    jobs: list[Job]
    """Jobs that are leased to this process."""
    events: Sequence[Event] = ()
    """What followed in the same transaction: a handler's rejection."""


class _Known(NamedTuple):
    """What the ledger knows of the invoice of a charge."""

    stage_id: str | None = None
    stage_version: int | None = None
    stage: PaymentStage | None = None
    user_id: int | None = None
    price_stars: int | None = None
    metadata: JsonObject = MappingProxyType({})
    number: int = 0


class Recorder:
    """Records the charges of one bot."""

    def __init__(
        self,
        bot_id: int,
        *,
        catalogue: Catalogue,
        plan: Plan,
        new_event_id: Callable[[], str],
        new_token: Callable[[], int],
        lease_us: int,
        host_data: Callable[[], Mapping[str, object]],
        refund_book: RefundBook,
    ) -> None:
        self._bot_id = bot_id
        self._refund_book = refund_book
        self._catalogue = catalogue
        self._plan = plan
        self._new_event_id = new_event_id
        self._new_token = new_token
        self._lease_us = lease_us
        self._host_data = host_data

    def record(self, transaction: Transaction, arrivals: Sequence[Arrival]) -> list[Recorded | None]:
        """The unit of work that records charges; None for one that the ledger has already."""
        known = self._invoices(transaction, arrivals)
        charge_ids = [arrival.charge.charge_id for arrival in arrivals]
        there, gone, now_us, version = look(transaction, self._bot_id, charge_ids)
        self._plan.refresh(transaction, version)
        new = [arrival for arrival in arrivals if arrival.charge.charge_id not in there]
        recorded_at = moment(now_us)
        paying = [(arrival.charge, None if arrival.ref is None else arrival.ref.invoice_id) for arrival in new]
        first = first_periods(transaction, self._bot_id, paying)
        written = [self._write(arrival, known, recorded_at, gone, first) for arrival in new]
        pairs = zip(written, new, strict=True)
        rows = [_row(payment, event_id, arrival.charge, now_us) for (payment, event_id), arrival in pairs]
        if transaction.insert(_INSERT_PAYMENT, *rows) != len(new):
            if len(new) > 1:
                raise _SameTwiceError
            return [None] * len(arrivals)
        paid = [
            arrival.ref.invoice_id for arrival in new if arrival.ref is not None and arrival.ref.invoice_id in known
        ]
        if paid:
            transaction.rows_among(_COUNT_PAYMENT, (self._bot_id,), paid)
        self._write_book(transaction, written, now_us)
        back = [payment for payment, _ in written if payment.state is PaymentState.REFUNDED]
        refunded = settle(transaction, back, now_us, new_event_id=self._new_event_id)
        taken = self._write_jobs(transaction, written, [arrival.take for arrival in new])
        recorded = iter(
            [
                Recorded(payment, event_id, jobs, refunded.get(payment.charge_id, events))
                for (payment, event_id), (jobs, events) in zip(written, taken, strict=True)
            ]
        )
        return [None if charge_id in there else next(recorded) for charge_id in charge_ids]

    def _invoices(self, transaction: Transaction, arrivals: Sequence[Arrival]) -> dict[str, _Known]:
        ids = [arrival.ref.invoice_id for arrival in arrivals if arrival.ref is not None]
        if len(arrivals) > 1 and (
            len(set(ids)) < len(ids) or len({a.charge.charge_id for a in arrivals}) < len(arrivals)
        ):
            raise _SameTwiceError
        known: dict[str, _Known] = {}
        rows = transaction.rows_among(_INVOICES, (self._bot_id,), ids) if ids else []
        for invoice_id, stage_id, version, user_id, price_stars, metadata, count in rows:
            stage = self._catalogue.stage(transaction, stage_id, version)
            known[invoice_id] = _Known(
                stage_id, version, stage, user_id, price_stars, jsontext.load_object(metadata), count + 1
            )
        return known

    def _write(
        self,
        arrival: Arrival,
        invoices_known: Mapping[str, _Known],
        recorded_at: datetime,
        gone: Container[str],
        first: Container[str],
    ) -> tuple[Payment, str]:
        charge, ref = arrival.charge, arrival.ref
        known = _UNKNOWN if ref is None else invoices_known.get(ref.invoice_id, _UNKNOWN)
        is_first = charge.is_first_recurring or charge.charge_id in first
        is_renewal = charge.is_recurring and not is_first
        state, attention = _verdict(charge, ref, known, is_renewal=is_renewal)
        if charge.charge_id in gone:
            state, attention = PaymentState.REFUNDED, None
        payment = Payment(
            bot_id=self._bot_id,
            charge_id=charge.charge_id,
            user_id=charge.user_id,
            amount_stars=charge.amount,
            currency=charge.currency,
            state=state,
            attention=attention,
            invoice_id=ref.invoice_id if ref is not None else None,
            stage_id=known.stage_id or (ref.stage_id if ref is not None else None),
            stage_version=known.stage_version,
            stage=known.stage,
            number=known.number,
            metadata=known.metadata,
            payload=charge.payload,
            paid_at=moment(charge.paid_at_us),
            recorded_at=recorded_at,
            source=charge.source,
            provider_charge_id=charge.provider_charge_id,
            is_recurring=charge.is_recurring,
            is_first_recurring=is_first,
            subscription_expires_at=moment_or_none(charge.subscription_expires_at_us),
            full_charge_id=charge.full_charge_id,
        )
        return payment, self._new_event_id()

    def _write_book(self, transaction: Transaction, written: Sequence[tuple[Payment, str]], now_us: int) -> None:
        entries: list[tuple[object, ...]] = []
        facts: list[tuple[object, ...]] = []
        for payment, event_id in written:
            if payment.currency == CURRENCY:
                other = REVENUE if payment.state is PaymentState.ACCEPTED else UNSETTLED
                stars = payment.amount_stars
                entries += entry_rows(self._bot_id, event_id, now_us, {STARS: stars, other: -stars})
            facts.append(
                event_row(
                    self._bot_id,
                    event_id,
                    _EVENTS[payment.state].name,
                    now_us,
                    payment.user_id,
                    payment.stage_id,
                    payment.invoice_id,
                    payment.charge_id,
                    payment.amount_stars,
                    _reason(payment),
                )
            )
        transaction.insert(INSERT_JOURNAL, *entries)
        transaction.insert(INSERT_EVENT, *facts)

    def _write_jobs(
        self, transaction: Transaction, written: Sequence[tuple[Payment, str]], takes: Sequence[bool]
    ) -> list[tuple[list[Job], Sequence[Event]]]:
        rows: list[tuple[object, ...]] = []
        taken: list[tuple[list[Job], Sequence[Event]]] = []
        rejected: list[tuple[int, Rejection]] = []
        for index, ((payment, event_id), take) in enumerate(zip(written, takes, strict=True)):
            consumers = self._plan.consumers(payment.state, payment.stage_id)
            names, rejection = run_now(transaction, consumers, payment, event_id, self._host_data)
            if rejection is not None:
                rejected.append((index, rejection))
            mine: list[Job] = []
            for name in names:
                # What is not run here is ready, for a program of the shop that runs it.
                leases = take and rejection is None and self._plan.runs_here(name)
                state, delay_us, token = ("leased", self._lease_us, self._new_token()) if leases else ("ready", 0, None)
                row = (self._bot_id, event_id, name, payment.charge_id, state, int(leases), token, None, delay_us)
                rows.append(row)
                if token is not None:
                    mine.append(Job(self._bot_id, event_id, name, payment.charge_id, 1, token, payment))
            taken.append((mine, ()))
        transaction.insert(INSERT_JOB, *rows)
        for index, rejection in rejected:
            payment, event_id = written[index]
            change = self._refund_book.send_back(transaction, payment, event_id, rejection, take=takes[index])
            taken[index] = (change.jobs, change.events)
        return taken


def recorded_event(payment: Payment, event_id: str) -> Event:
    """The event that tells of a payment that was recorded."""
    return _EVENTS[payment.state](
        bot_id=payment.bot_id,
        event_id=event_id,
        at=payment.recorded_at,
        user_id=payment.user_id,
        stage_id=payment.stage_id,
        invoice_id=payment.invoice_id,
        charge_id=payment.charge_id,
        amount_stars=payment.amount_stars,
        reason=_reason(payment),
    )


def _reason(payment: Payment) -> str | None:
    return payment.attention.value if payment.attention is not None else _REASONS.get(payment.state)


def _row(payment: Payment, event_id: str, charge: Charge, now_us: int) -> tuple[object, ...]:
    return (
        payment.bot_id,
        payment.charge_id,
        event_id,
        payment.user_id,
        payment.amount_stars,
        payment.currency,
        payment.state.value,
        None if payment.attention is None else payment.attention.value,
        payment.invoice_id,
        payment.stage_id,
        payment.stage_version,
        payment.number,
        payment.payload,
        charge.paid_at_us,
        now_us,
        payment.source.value,
        payment.provider_charge_id,
        int(payment.is_recurring),
        int(payment.is_first_recurring),
        charge.subscription_expires_at_us,
        write_id(charge.full_charge_id),
    )


def _verdict(
    charge: Charge, ref: InvoiceRef | None, known: _Known, *, is_renewal: bool
) -> tuple[PaymentState, Attention | None]:
    attention = _fault(charge, ref, known)
    if attention is not None:
        return PaymentState.NEEDS_ATTENTION, attention
    assert known.stage is not None, "a charge without a known stage has a fault"
    # A renewal pays the same invoice again by design; only other repetitions are a question of policy.
    repeats = known.number > 1 and not is_renewal
    if repeats and known.stage.repeat is RepeatPolicy.REFUND:
        return PaymentState.REFUND_DUE, None
    if repeats and known.stage.max_payments is not None and known.number > known.stage.max_payments:
        return PaymentState.NEEDS_ATTENTION, Attention.TOO_MANY_PAYMENTS
    return PaymentState.ACCEPTED, None


def _fault(charge: Charge, ref: InvoiceRef | None, known: _Known) -> Attention | None:
    if ref is None:
        return Attention.FORGED_PAYLOAD if is_ours(charge.payload) else Attention.FOREIGN_PAYLOAD
    if known.stage is None:
        return Attention.UNKNOWN_INVOICE
    if charge.currency != CURRENCY or charge.amount != known.price_stars:
        return Attention.WRONG_AMOUNT
    if known.user_id is not None and known.user_id != charge.user_id:
        return Attention.WRONG_PAYER
    return None


_UNKNOWN = _Known()
_EVENTS: Mapping[PaymentState, type[Event]] = {
    PaymentState.ACCEPTED: PaymentCompleted,
    PaymentState.NEEDS_ATTENTION: PaymentNeedsAttention,
    PaymentState.REFUND_DUE: RefundRequested,
    PaymentState.REFUNDED: RefundRequested,
}
_REASONS = {PaymentState.REFUND_DUE: SECOND_PAYMENT, PaymentState.REFUNDED: "it went back before it was recorded"}
