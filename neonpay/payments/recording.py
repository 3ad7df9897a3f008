"""A charge becomes a payment: one transaction writes the payment, its journal entry, its event and its jobs.

Money that arrived is always recorded, whatever is wrong with it; what nobody can deliver needs attention instead. The same
charge recorded again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.clock import Clock, moment
from neonpay.core.events import Event, PaymentCompleted, PaymentNeedsAttention, RefundRequested
from neonpay.core.jsontext import JsonObject
from neonpay.core.limits import CURRENCY
from neonpay.core.payload import InvoiceRef, is_ours
from neonpay.core.payments import Attention, Charge, Payment, PaymentState, Source, moment_or_none
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
from neonpay.payments.handlers import Handler
from neonpay.payments.inline import Inside, run_inside, runs_inside
from neonpay.payments.jobs import INSERT_JOB, Job, release_all
from neonpay.payments.planning import Plan, consumer_name
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
_RECORDED = Among(
    lambda ids: sa.select(payments.c.charge_id).where(
        payments.c.bot_id == sa.bindparam("b"), payments.c.charge_id.in_(ids)
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
        clock: Clock,
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
        self._clock = clock
        self._new_event_id = new_event_id
        self._new_token = new_token
        self._lease_us = lease_us
        self._host_data = host_data

    def record(self, transaction: Transaction, arrivals: Sequence[Arrival]) -> list[Recorded | None]:
        """The unit of work that records charges; None for one that the ledger has already.

        Nobody else's code runs in it: handlers with a connection get jobs like all others.
        """
        return self._record(transaction, arrivals, inside=False)

    def record_inside(self, transaction: Transaction, arrivals: Sequence[Arrival]) -> list[Recorded | None]:
        """``record``, and after it, in the same transaction, the handlers with a connection."""
        return self._record(transaction, arrivals, inside=True)

    def _record(self, transaction: Transaction, arrivals: Sequence[Arrival], *, inside: bool) -> list[Recorded | None]:
        now_us = self._clock.now_us()
        known = self._invoices(transaction, arrivals)
        charge_ids = [arrival.charge.charge_id for arrival in arrivals]
        there = {row[0] for row in transaction.rows_among(_RECORDED, (self._bot_id,), charge_ids)}
        new = [arrival for arrival in arrivals if arrival.charge.charge_id not in there]
        recorded_at = moment(now_us)
        written = [self._write(arrival, known, recorded_at) for arrival in new]
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
        taken = self._write_jobs(transaction, written, [arrival.take for arrival in new], inside=inside)
        recorded = iter(
            [
                Recorded(payment, event_id, jobs, events)
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
        self, arrival: Arrival, invoices_known: Mapping[str, _Known], recorded_at: datetime
    ) -> tuple[Payment, str]:
        charge, ref = arrival.charge, arrival.ref
        known = _UNKNOWN if ref is None else invoices_known.get(ref.invoice_id, _UNKNOWN)
        state, attention = _verdict(charge, ref, known, self._plan)
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
            is_first_recurring=charge.is_first_recurring or _must_be_first(charge, known),
            subscription_expires_at=moment_or_none(charge.subscription_expires_at_us),
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
        self, transaction: Transaction, written: Sequence[tuple[Payment, str]], takes: Sequence[bool], *, inside: bool
    ) -> list[tuple[list[Job], Sequence[Event]]]:
        rows: list[tuple[object, ...]] = []
        taken: list[tuple[list[Job], Sequence[Event]]] = []
        now: dict[int, Inside] = {}
        for index, ((payment, event_id), take) in enumerate(zip(written, takes, strict=True)):
            mine: list[Job] = []
            at_once: list[tuple[Handler, Job]] = []
            for consumer in self._plan.consumers(payment.state, payment.stage_id):
                name, charge_id = consumer_name(consumer), payment.charge_id
                runs_now = inside and runs_inside(consumer)
                if not (take or runs_now):
                    rows.append((self._bot_id, event_id, name, charge_id, "ready", 0, None, None, 0))
                    continue
                job = Job(self._bot_id, event_id, name, charge_id, 1, self._new_token(), payment)
                rows.append((self._bot_id, event_id, name, charge_id, "leased", 1, job.token, None, self._lease_us))
                if runs_now and isinstance(consumer, Handler):
                    at_once.append((consumer, job))
                else:
                    mine.append(job)
            if at_once:
                now[index] = Inside(payment, at_once)
            taken.append((mine, ()))
        transaction.insert(INSERT_JOB, *rows)
        rejections = run_inside(transaction, list(now.values()), self._host_data) if now else []
        for index, rejection in zip(now, rejections, strict=True):
            if rejection is not None:
                payment, event_id = written[index]
                release_all(
                    transaction, taken[index][0]
                )  # none of them has begun, so none of them counts as interrupted
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
    )


def _must_be_first(charge: Charge, known: _Known) -> bool:
    # Telegram's list does not say which payment of a subscription is the first one.
    return charge.source is Source.RECONCILE and charge.is_recurring and known.number == 1


def _verdict(
    charge: Charge, ref: InvoiceRef | None, known: _Known, plan: Plan
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
    if not plan.delivers(known.stage_id):
        return PaymentState.NEEDS_ATTENTION, Attention.NO_HANDLER
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
}
_REASONS = {PaymentState.REFUND_DUE: SECOND_PAYMENT}
