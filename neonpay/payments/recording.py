"""A charge becomes a payment: one transaction writes the payment, its journal entry, its event and its jobs.

Money that arrived is always recorded, whatever is wrong with it; what nobody can deliver needs attention instead. The same
charge recorded again changes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.clock import moment
from neonpay.core.events import Event, PaymentCompleted, PaymentNeedsAttention, RefundRequested
from neonpay.core.jsontext import JsonObject
from neonpay.core.limits import CURRENCY
from neonpay.core.payload import InvoiceRef, is_ours
from neonpay.core.payments import NO_SEAT, Attention, Charge, Payment, PaymentState, moment_or_none
from neonpay.core.stages import PaymentStage, RepeatPolicy
from neonpay.ledger import Among, Transaction
from neonpay.ledger.tables import invoices
from neonpay.payments import seats
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
from neonpay.payments.handlers import Handler
from neonpay.payments.inline import Inside, run_inside, runs_inside
from neonpay.payments.jobs import INSERT_JOB, Job, release_all
from neonpay.payments.looking import first_periods, look
from neonpay.payments.planning import Plan, consumer_name
from neonpay.payments.refund_book import SECOND_PAYMENT, RefundBook
from neonpay.payments.rows import INSERT_PAYMENT, payment_row

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
            invoices.c.seats_taken,
        )
        .where(invoices.c.bot_id == sa.bindparam("b"), invoices.c.invoice_id.in_(ids))
        .order_by(invoices.c.invoice_id)
        .with_for_update()
    ),
    "b",
)
_COUNT_PAYMENTS = Among(
    lambda ids: (
        sa.update(invoices)
        .where(invoices.c.bot_id == sa.bindparam("b"), invoices.c.invoice_id.in_(ids))
        .values(
            payments_count=invoices.c.payments_count + sa.bindparam("payments", type_=sa.BigInteger),
            seats_taken=invoices.c.seats_taken + sa.bindparam("seats", type_=sa.BigInteger),
        )
        .returning(invoices.c.invoice_id)
    ),
    *("b", "payments", "seats"),
)


class _SameTwiceError(Exception):
    """Two items of one batch are about the same charge; each has to be recorded on its own."""


@dataclass(slots=True, kw_only=True)
class Arrival:
    """A charge on its way into the ledger.

    Attributes:
        ref: what its verified payload says, or None when it does not verify.
        event_id: that of the event which tells of the payment, by which a unit that runs again knows its own.
        take: whether this process has room to run the handlers at once; otherwise their jobs are left for whoever is free.
        recorded: what the unit has come to when it ran last, kept or not.
    """

    charge: Charge
    ref: InvoiceRef | None
    event_id: str
    take: bool
    recorded: Recorded | None = None


class Recorded(NamedTuple):
    """What recording a charge has made."""

    payment: Payment
    event_id: str
    reason: str | None
    """Why it was not accepted."""
    jobs: list[Job]
    """Jobs that are leased to this process."""
    events: Sequence[Event] = ()
    """What followed in the same transaction: a handler's rejection."""


class _Written(NamedTuple):
    """A payment, the id of the event that tells of it, and why it was not accepted."""

    payment: Payment
    event_id: str
    reason: str | None


class _Known(NamedTuple):
    """What the ledger knows of the invoice of a charge, and what the charge is to it.

    Attributes:
        number: which payment of the invoice the charge is.
        seats_taken: by the payments before it.
        is_renewal: whether it prolongs a subscription, which takes no seat.
        has_seat: whether it may still be made, if the invoice may be paid so many times only.
        is_first: whether it begins a subscription.
        is_gone: whether it was refunded before it is recorded.
    """

    stage_id: str | None = None
    stage_version: int | None = None
    stage: PaymentStage | None = None
    user_id: int | None = None
    price_stars: int | None = None
    metadata: JsonObject = MappingProxyType({})
    number: int = 0
    seats_taken: int = 0
    is_renewal: bool = False
    has_seat: bool = True
    is_first: bool = False
    is_gone: bool = False

    @property
    def limit(self) -> int | None:
        """How many payments the invoice takes."""
        return None if self.stage is None else self.stage.max_payments


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
        """The unit of work that records charges; None for one that the ledger has already.

        Nobody else's code runs in it: handlers with a connection get jobs like all others.
        """
        return self._record(transaction, arrivals, inside=False)

    def record_inside(self, transaction: Transaction, arrivals: Sequence[Arrival]) -> list[Recorded | None]:
        """``record``, and after it, in the same transaction, the handlers with a connection."""
        return self._record(transaction, arrivals, inside=True)

    def _record(self, transaction: Transaction, arrivals: Sequence[Arrival], *, inside: bool) -> list[Recorded | None]:
        invoices_known = self._invoices(transaction, arrivals)
        charge_ids = [arrival.charge.charge_id for arrival in arrivals]
        there, gone, now_us, version = look(transaction, self._bot_id, charge_ids)
        self._plan.refresh(transaction, version)
        new = [arrival for arrival in arrivals if arrival.charge.charge_id not in there]
        paying = [(arrival.charge, None if arrival.ref is None else arrival.ref.invoice_id) for arrival in new]
        first = first_periods(transaction, self._bot_id, paying)
        known = self._in_turn(transaction, new, invoices_known, first=first, gone=gone)
        recorded_at = moment(now_us)
        written = [self._write(arrival, of_it, recorded_at) for arrival, of_it in zip(new, known, strict=True)]
        pairs = zip(written, new, strict=True)
        rows = [payment_row(one.payment, one.event_id, arrival.charge, now_us) for one, arrival in pairs]
        if transaction.insert(INSERT_PAYMENT, *rows) != len(new):
            if len(new) > 1:
                raise _SameTwiceError
            there = look(transaction, self._bot_id, charge_ids).there
            return [_again(arrival, there) for arrival in arrivals]
        self._count(transaction, new, known)
        self._write_book(transaction, written, now_us)
        back = [payment for payment, *_ in written if payment.state is PaymentState.REFUNDED]
        refunded = settle(transaction, back, now_us, new_event_id=self._new_event_id)
        taken = self._write_jobs(transaction, written, [arrival.take for arrival in new], inside=inside)
        for arrival, one, (jobs, events) in zip(new, written, taken, strict=True):
            arrival.recorded = Recorded(*one, jobs, refunded.get(one.payment.charge_id, events))
        return [
            _again(arrival, there) if arrival.charge.charge_id in there else arrival.recorded for arrival in arrivals
        ]

    def _invoices(self, transaction: Transaction, arrivals: Sequence[Arrival]) -> dict[str, _Known]:
        if len({arrival.charge.charge_id for arrival in arrivals}) < len(arrivals):
            raise _SameTwiceError
        ids = sorted({arrival.ref.invoice_id for arrival in arrivals if arrival.ref is not None})
        known: dict[str, _Known] = {}
        rows = transaction.rows_among(_INVOICES, (self._bot_id,), ids) if ids else []
        for invoice_id, stage_id, version, user_id, price_stars, metadata, count, seats_taken in rows:
            stage = self._catalogue.stage(transaction, stage_id, version)
            known[invoice_id] = _Known(
                stage_id, version, stage, user_id, price_stars, jsontext.load_object(metadata), count + 1, seats_taken
            )
        return known

    def _in_turn(
        self,
        transaction: Transaction,
        new: Sequence[Arrival],
        invoices_known: Mapping[str, _Known],
        *,
        first: Container[str],
        gone: Container[str],
    ) -> list[_Known]:
        """What is known of the invoice of each charge when those before it are recorded; who has paid holds no seat more.

        Args:
            first: charges that begin a subscription although they do not say so.
            gone: charges that were refunded before they are recorded; they take no seat.
        """
        before: Counter[str] = Counter()
        known: list[_Known] = []
        limited: list[tuple[int, str, int]] = []
        for charge, ref in [(arrival.charge, arrival.ref) for arrival in new]:
            of_it = None if ref is None else invoices_known.get(ref.invoice_id)
            is_first = charge.is_first_recurring or charge.charge_id in first
            is_gone = charge.charge_id in gone
            if ref is None or of_it is None:
                known.append(_UNKNOWN._replace(is_first=is_first, is_gone=is_gone))
                continue
            of_it = of_it._replace(number=of_it.number + before[ref.invoice_id], is_first=is_first, is_gone=is_gone)
            is_renewal = charge.is_recurring and not is_first
            if of_it.limit is not None and not is_renewal and not is_gone:
                limited.append((len(known), ref.invoice_id, charge.user_id))
            before[ref.invoice_id] += 1
            known.append(of_it._replace(is_renewal=is_renewal))
        left = {i: (known[place].limit or 0) - known[place].seats_taken for place, i, _ in limited}
        seated = seats.pay(transaction, self._bot_id, [(i, user_id) for _, i, user_id in limited], left)
        for (place, _, _), has_seat in zip(limited, seated, strict=True):
            known[place] = known[place]._replace(has_seat=has_seat)
        return known

    def _count(self, transaction: Transaction, new: Sequence[Arrival], known: Sequence[_Known]) -> None:
        paid: Counter[str] = Counter()
        taken: Counter[str] = Counter()
        for arrival, of_it in zip(new, known, strict=True):
            if arrival.ref is not None and of_it.stage is not None:
                paid[arrival.ref.invoice_id] += 1
                taken[arrival.ref.invoice_id] += of_it.has_seat and not (of_it.is_renewal or of_it.is_gone)
        alike: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
        for invoice_id, count in paid.items():
            alike[count, taken[invoice_id]].append(invoice_id)
        for (count, seats_taken), ids in alike.items():
            transaction.rows_among(_COUNT_PAYMENTS, (self._bot_id, count, seats_taken), ids)

    def _write(self, arrival: Arrival, known: _Known, recorded_at: datetime) -> _Written:
        charge, ref = arrival.charge, arrival.ref
        state, attention, reason = _verdict(charge, ref, known)
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
            is_first_recurring=known.is_first,
            subscription_expires_at=moment_or_none(charge.subscription_expires_at_us),
            full_charge_id=charge.full_charge_id,
        )
        return _Written(payment, arrival.event_id, reason)

    def _write_book(self, transaction: Transaction, written: Sequence[_Written], now_us: int) -> None:
        entries: list[tuple[object, ...]] = []
        facts: list[tuple[object, ...]] = []
        for payment, event_id, reason in written:
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
                    reason,
                )
            )
        transaction.insert(INSERT_JOURNAL, *entries)
        transaction.insert(INSERT_EVENT, *facts)
        due = [one for one in written if one.payment.state is PaymentState.REFUND_DUE]
        self._refund_book.intend_recorded(transaction, [(one.payment, one.reason) for one in due])

    def _write_jobs(
        self, transaction: Transaction, written: Sequence[_Written], takes: Sequence[bool], *, inside: bool
    ) -> list[tuple[list[Job], Sequence[Event]]]:
        rows: list[tuple[object, ...]] = []
        taken: list[tuple[list[Job], Sequence[Event]]] = []
        now: dict[int, Inside] = {}
        for index, ((payment, event_id, _), take) in enumerate(zip(written, takes, strict=True)):
            mine: list[Job] = []
            at_once: list[tuple[Handler, Job]] = []
            for consumer in self._plan.consumers(payment.state, payment.stage_id):
                name, charge_id = consumer_name(consumer), payment.charge_id
                runs_now = inside and runs_inside(consumer)
                # What is not run here is ready, for a program of the shop that runs it.
                if not (runs_now or (take and self._plan.runs_here(name))):
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
                payment, event_id, _ = written[index]
                # None of them has begun, so none of them counts as interrupted.
                release_all(transaction, taken[index][0])
                change = self._refund_book.send_back(transaction, payment, event_id, rejection, take=takes[index])
                taken[index] = (change.jobs, change.events)
        return taken


def recorded_event(recorded: Recorded) -> Event:
    """The event that tells of a payment that was recorded."""
    payment = recorded.payment
    return _EVENTS[payment.state](
        bot_id=payment.bot_id,
        event_id=recorded.event_id,
        at=payment.recorded_at,
        user_id=payment.user_id,
        stage_id=payment.stage_id,
        invoice_id=payment.invoice_id,
        charge_id=payment.charge_id,
        amount_stars=payment.amount_stars,
        reason=recorded.reason,
    )


def _again(arrival: Arrival, there: Mapping[str, str]) -> Recorded | None:
    """What recording has made of a charge that is there, if it was this very arrival; None when it came another way."""
    return arrival.recorded if there.get(arrival.charge.charge_id) == arrival.event_id else None


def _verdict(
    charge: Charge, ref: InvoiceRef | None, known: _Known
) -> tuple[PaymentState, Attention | None, str | None]:
    if known.is_gone:
        return PaymentState.REFUNDED, None, _GONE
    attention = _fault(charge, ref, known)
    if attention is not None:
        return PaymentState.NEEDS_ATTENTION, attention, attention.value
    assert known.stage is not None, "a charge without a known stage has a fault"
    # A renewal pays the same invoice again by design; only other repetitions are a question of policy.
    if known.number > 1 and not known.is_renewal and known.stage.repeat is RepeatPolicy.REFUND:
        return PaymentState.REFUND_DUE, None, SECOND_PAYMENT
    if not known.has_seat:
        return PaymentState.REFUND_DUE, None, NO_SEAT
    return PaymentState.ACCEPTED, None, None


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
_GONE = "it went back before it was recorded"
_EVENTS: Mapping[PaymentState, type[Event]] = {
    PaymentState.ACCEPTED: PaymentCompleted,
    PaymentState.NEEDS_ATTENTION: PaymentNeedsAttention,
    PaymentState.REFUND_DUE: RefundRequested,
    PaymentState.REFUNDED: RefundRequested,
}
