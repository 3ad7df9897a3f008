"""A charge becomes a payment: one transaction writes the payment, its journal entry, its event and its jobs.

Money that arrived is always recorded, whatever is wrong with it; what nobody can deliver needs attention instead. The same
charge recorded again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from neonpay.core.clock import moment
from neonpay.core.events import Event, PaymentCompleted, PaymentDelivered, PaymentNeedsAttention, RefundRequested
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import Payment, PaymentState, moment_or_none
from neonpay.ledger import Transaction
from neonpay.payments.consumers.selection import SETTLE, ConsumerSelection
from neonpay.payments.delivery.delivered import Finished, delivered_event, delivers, tell_delivered
from neonpay.payments.extending.settling import Settling
from neonpay.payments.extension import Settlement
from neonpay.payments.handlers.in_transaction import Inside, Rejection, run_inside
from neonpay.payments.handlers.registry import Handler
from neonpay.payments.jobs import release_all
from neonpay.payments.recording.lookup import first_periods, look
from neonpay.payments.recording.standing import (
    Arrival,
    Recorded,
    Standing,
    count_payments,
    in_turn,
    lock_invoices,
    verdict,
)
from neonpay.payments.refunds.store import RefundStore
from neonpay.store.early_refunds import settle
from neonpay.store.entries import (
    REVENUE,
    STARS,
    UNSETTLED,
    entry_rows,
    event_row,
    publish_with,
)
from neonpay.store.job_rows import Job, job_row, leased_row
from neonpay.store.payment_rows import INSERT_PAYMENT, payment_row
from neonpay.store.stage_versions import Catalogue

_WAIT_S = 1.0
_Row = tuple[object, ...]
_Taken = tuple[list[Job], Sequence[Event]]
"""The jobs of a payment that are leased to this process, and what is told of it beside its recording."""


class _SameTwiceError(Exception):
    """Two items of one batch are about the same charge; each has to be recorded on its own."""


class _Written(NamedTuple):
    """A payment, the id of the event that tells of it, and why it was not accepted."""

    payment: Payment
    event_id: str
    reason: str | None


class Recorder:
    """Records the charges of one bot."""

    def __init__(
        self,
        bot_id: int,
        *,
        catalogue: Catalogue,
        plan: ConsumerSelection,
        new_event_id: Callable[[], str],
        new_token: Callable[[], int],
        lease_us: int,
        host_data: Callable[[], Mapping[str, object]],
        refund_store: RefundStore,
        settling: Settling,
    ) -> None:
        self._settling = settling
        self._bot_id = bot_id
        self._refund_store = refund_store
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

    def record_alone(self, transaction: Transaction, arrival: Arrival) -> Recorded | None:
        """``record`` for one charge, which waits no longer than a second for a unit in which a handler blocks.

        Raises:
            LedgerLockedError: that unit has locked its invoice, or is about to record it.
        """
        transaction.limit_waits(_WAIT_S)
        return self._record(transaction, [arrival], inside=False)[0]

    def _record(self, transaction: Transaction, arrivals: Sequence[Arrival], *, inside: bool) -> list[Recorded | None]:
        charge_ids = [arrival.charge.charge_id for arrival in arrivals]
        if len(arrivals) > 1 and len(set(charge_ids)) < len(arrivals):
            raise _SameTwiceError
        invoices_known = lock_invoices(transaction, self._bot_id, self._catalogue, arrivals)
        there, gone, now_us, version, fence_us = look(transaction, self._bot_id, charge_ids)
        self._plan.refresh(transaction, version)
        new = [arrival for arrival in arrivals if arrival.charge.charge_id not in there] if there else arrivals
        renewing = [(one.charge, one.ref.invoice_id) for one in new if one.charge.is_recurring and one.ref is not None]
        first = first_periods(transaction, self._bot_id, renewing) if renewing else ()
        known = in_turn(transaction, self._bot_id, new, invoices_known, first=first, gone=gone)
        recorded_at = moment(now_us)
        written = [
            self._write(arrival, of_it, recorded_at, fence_us) for arrival, of_it in zip(new, known, strict=True)
        ]
        pairs = zip(written, new, strict=True)
        rows = [payment_row(one.payment, one.event_id, arrival.charge, now_us) for one, arrival in pairs]
        if transaction.insert(INSERT_PAYMENT, *rows) != len(new):
            if len(new) > 1:
                raise _SameTwiceError
            count_payments(transaction, self._bot_id, invoices_known, (), ())
            there = look(transaction, self._bot_id, charge_ids).there
            return [_again(arrival, there) for arrival in arrivals]
        count_payments(transaction, self._bot_id, invoices_known, new, known)
        takes = [arrival.take for arrival in new]
        jobs_at, taken, at_once = self._jobs(written, takes, now_us, inside=inside)
        entries, facts = self._book(written, now_us)
        publish_with(transaction, facts, entries=entries, jobs_at=jobs_at)
        due = [(one.payment, one.reason) for one in written if one.payment.state is PaymentState.REFUND_DUE]
        if due:
            self._refund_store.intend_recorded(transaction, due)
        back = [payment for payment, *_ in written if payment.state is PaymentState.REFUNDED]
        refunded = settle(transaction, back, now_us, new_event_id=self._new_event_id)
        taken = self._run_inside(transaction, written, takes, taken, at_once, now_us)
        for arrival, one, (jobs, events) in zip(new, written, taken, strict=True):
            arrival.recorded = Recorded(*one, jobs, refunded.get(one.payment.charge_id, events))
        if not there:
            return [arrival.recorded for arrival in new]
        return [
            _again(arrival, there) if arrival.charge.charge_id in there else arrival.recorded for arrival in arrivals
        ]

    def _write(self, arrival: Arrival, known: Standing, recorded_at: datetime, fence_us: int) -> _Written:
        charge, ref = arrival.charge, arrival.ref
        state, attention, reason = verdict(charge, ref, known, fence_us)
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
            own_title=known.own_title,
        )
        return _Written(payment, arrival.event_id, reason)

    def _book(self, written: Sequence[_Written], now_us: int) -> tuple[list[_Row], list[_Row]]:
        """The journal entries and the events of payments."""
        entries: list[_Row] = []
        facts: list[_Row] = []
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
        return entries, facts

    def _jobs(
        self, written: Sequence[_Written], takes: Sequence[bool], now_us: int, *, inside: bool
    ) -> tuple[list[_Row], list[_Taken], dict[int, Inside]]:
        """The jobs of payments, who has them, and which of them run in this transaction, by the place of the payment."""
        rows: list[_Row] = []
        taken: list[_Taken] = []
        now: dict[int, Inside] = {}
        for index, ((payment, event_id, _), take) in enumerate(zip(written, takes, strict=True)):
            mine: list[Job] = []
            at_once: list[tuple[Handler, Job]] = []
            charge_id = payment.charge_id
            for name, handler, is_here, is_alone in self._plan.takers(payment.state, payment.stage_id):
                runs_now = inside and handler is not None and handler.runs_inside
                # What is not run here is ready, for a program of the shop that runs it.
                if not (runs_now or (take and is_here)):
                    rows.append(job_row(self._bot_id, event_id, name, charge_id, run_at_us=now_us))
                    continue
                job = Job(self._bot_id, event_id, name, charge_id, 1, self._new_token(), payment, is_alone)
                rows.append(leased_row(job, now_us + self._lease_us))
                if runs_now and handler is not None:
                    at_once.append((handler, job))
                else:
                    mine.append(job)
            if at_once:
                now[index] = Inside(payment, at_once)
            taken.append((mine, ()))
        return rows, taken, now

    def _run_inside(
        self,
        transaction: Transaction,
        written: Sequence[_Written],
        takes: Sequence[bool],
        taken: list[_Taken],
        now: dict[int, Inside],
        now_us: int,
    ) -> list[_Taken]:
        """Show the payments to what has a say in this transaction: extensions, then handlers with a connection."""
        self._settle(transaction, written, takes, taken, now)
        if not now:
            return taken
        ended = run_inside(transaction, list(now.values()), self._host_data)
        delivered = _tell_delivered(transaction, [done for done in ended if isinstance(done, list)], now_us)
        for index, rejection in zip(now, ended, strict=True):
            if isinstance(rejection, list):
                mine = taken[index][0]
                fact = delivered.get(written[index].event_id)
                if fact is not None:
                    taken[index] = (mine, [*taken[index][1], fact])
            else:
                taken[index] = self._send_back(transaction, written[index], rejection, taken[index], takes[index])
        return taken

    def _settle(
        self,
        transaction: Transaction,
        written: Sequence[_Written],
        takes: Sequence[bool],
        taken: list[_Taken],
        now: dict[int, Inside],
    ) -> None:
        """Show the payments to the extensions, before a handler sees them; what these send back is delivered by nobody."""
        if not self._settling.is_used:
            return
        settlements = [Settlement(payment=one.payment, event_id=one.event_id, is_new=True) for one in written]
        settled = self._settling.settle(transaction, settlements)
        for index, one in enumerate(written):
            verdict = settled.sent_back.get(one.payment.charge_id)
            if verdict is None or one.payment.state is not PaymentState.ACCEPTED:
                continue
            if index in now:
                release_all(transaction, [job for _, job in now.pop(index).handlers])
            rejection = Rejection(f"{SETTLE}{verdict.extension}", verdict.words)
            taken[index] = self._send_back(transaction, one, rejection, taken[index], takes[index])
        if settled.published:
            taken[0] = (taken[0][0], [*taken[0][1], *settled.published])

    def _send_back(
        self, transaction: Transaction, one: _Written, rejection: Rejection, before: _Taken, take: bool
    ) -> _Taken:
        # None of its jobs has begun, so none of them counts as interrupted.
        release_all(transaction, before[0])
        change = self._refund_store.send_back(transaction, one.payment, one.event_id, rejection, take=take)
        return change.jobs, [*before[1], *change.events]


def _tell_delivered(
    transaction: Transaction, done: Sequence[Sequence[Job]], now_us: int
) -> Mapping[str, PaymentDelivered]:
    """What is told of payments whose handlers have run inside the transaction, by the event of the payment."""
    finished = [Finished(job, job.payment, now_us) for jobs in done for job in jobs if job.payment is not None]
    delivering = {one.job.event_id: one for one in finished if delivers(one.job)}
    if not delivering:
        return {}
    told = tell_delivered(transaction, list(delivering.values())).tokens
    return {event_id: delivered_event(one) for event_id, one in delivering.items() if one.job.token in told}


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


_EVENTS: Mapping[PaymentState, type[Event]] = {
    PaymentState.ACCEPTED: PaymentCompleted,
    PaymentState.NEEDS_ATTENTION: PaymentNeedsAttention,
    PaymentState.REFUND_DUE: RefundRequested,
    PaymentState.REFUNDED: RefundRequested,
}
