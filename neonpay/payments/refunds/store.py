"""What the ledger holds of refunds: every change of a refund's state, decided under the lock of its payment.

Refunds, handlers that finish, retries and people who accept a payment all meet at the row of the payment: whoever has its
lock decides, and the others decide on what it has left. A refund that is asked for here is ``intend``; one that was made
outside, and that Telegram tells of, is ``record_from_outside``, and before its payment is known it is an early refund.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Concatenate, NamedTuple

import sqlalchemy as sa

from neonpay.core.clock import Clock
from neonpay.core.events import (
    Event,
    PaymentNeedsAttention,
    PaymentRefunded,
    PaymentRejected,
    RefundFailed,
    RefundRequested,
)
from neonpay.core.job_states import JobState
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import Attention, Payment, PaymentState, Refund, RefundNotice, RefundState, Source
from neonpay.errors import PaymentNotFoundError
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import jobs, refunds
from neonpay.payments.consumers.selection import REFUND, SETTLE, ConsumerSelection
from neonpay.payments.extending.settling import Settling
from neonpay.payments.handlers.in_transaction import Inside, Rejection, run_inside
from neonpay.payments.handlers.registry import ON_PAYMENT, Handler, handler_name
from neonpay.payments.jobs import give_job, lease_lost
from neonpay.payments.refunds.deliveries import drop_jobs, finish_refund_job, move_jobs
from neonpay.store import early_refunds
from neonpay.store.entries import REFUNDS, REVENUE, STARS, UNSETTLED, about, publish, write_entry
from neonpay.store.job_rows import Job
from neonpay.store.once import Once, P, T
from neonpay.store.payment_rows import find_refund, lock_payment, refund_of
from neonpay.store.stage_versions import Catalogue

SECOND_PAYMENT = "a second payment of this invoice goes back"
BY_POLICY = "policy"
"""Who asked for a refund that the stage's ``repeat`` has decided."""

_INSERT = Insert(
    refunds,
    "bot_id",
    "charge_id",
    "user_id",
    "amount_stars",
    "state",
    "reason",
    "source",
    "requested_at",
    "requested_by",
)


class Change(NamedTuple):
    """What a unit about a refund has made."""

    refund: Refund
    events: list[Event]
    jobs: list[Job]
    """Jobs that are leased to this process."""


class RefundStore:
    """The refunds of one bot; every method is a unit of work or a part of one.

    Args:
        lease_us: how long this process may be silent before the jobs that it leases here are taken over.
    """

    def __init__(
        self,
        bot_id: int,
        *,
        catalogue: Catalogue,
        plan: ConsumerSelection,
        settling: Settling,
        clock: Clock,
        new_event_id: Callable[[], str],
        new_token: Callable[[], int],
        lease_us: int,
        host_data: Callable[[], Mapping[str, object]],
    ) -> None:
        self._bot_id = bot_id
        self._catalogue = catalogue
        self._plan = plan
        self._settling = settling
        self._clock = clock
        self._new_event_id = new_event_id
        self._new_token = new_token
        self._lease_us = lease_us
        self._host_data = host_data

    def once(self, charge_id: str, unit: Callable[Concatenate[Transaction, P], T]) -> Once[P, T]:
        """A unit of work under the lock of a charge's payment, for one call of ``Ledger.run``."""
        key = (self._catalogue, self._bot_id, charge_id)
        return Once(self._bot_id, unit, lock=lambda transaction: lock_payment(transaction, *key))

    def find(self, transaction: Transaction, charge_id: str) -> Refund | None:
        """The refund of a charge, or None."""
        return find_refund(transaction, self._bot_id, charge_id)

    def in_state(self, transaction: Transaction, state: RefundState | None, limit: int) -> list[Refund]:
        """Refunds, newest first."""
        query = sa.select(refunds).where(refunds.c.bot_id == self._bot_id)
        if state is not None:
            query = query.where(refunds.c.state == state.value)
        query = query.order_by(refunds.c.requested_at.desc(), refunds.c.charge_id).limit(limit)
        return [refund_of(row) for row in transaction.connection.execute(query).mappings()]

    def lock(self, transaction: Transaction, charge_id: str) -> tuple[Payment, str]:
        """The payment and the id of its event; nobody else changes it until the unit ends.

        Raises:
            PaymentNotFoundError: the ledger has no such payment.
        """
        found = lock_payment(transaction, self._catalogue, self._bot_id, charge_id)
        if found is None:
            raise PaymentNotFoundError(charge_id)
        return found

    def intend(
        self, transaction: Transaction, charge_id: str, reason: str | None, requested_by: str | None, take: bool
    ) -> Change:
        """Write that a charge is to go back, with the job that does it; a refund that is made already changes nothing.

        Args:
            take: lease the job to this process; otherwise it is left for whoever is free. No job comes back when somebody
                is at it right now.
        """
        payment, event_id = self.lock(transaction, charge_id)
        refund = self.find(transaction, charge_id)
        if refund is not None and refund.state is RefundState.REFUNDED:
            return Change(refund, [], [])
        events: list[Event] = []
        if self._ask(transaction, payment, reason, requested_by, Source.CALL) and (
            refund is not None or payment.state is not PaymentState.REFUND_DUE
        ):
            events = [self._write(transaction, RefundRequested, payment, reason)]
        move_jobs(transaction, self._bot_id, event_id, (JobState.READY, JobState.STRANDED), JobState.HELD)
        taken = self._give_job(transaction, event_id, charge_id, take=take)
        return Change(self._found(transaction, charge_id), events, taken)

    def hold_back(self, transaction: Transaction, job: Job) -> bool:
        """Whether a refund is under way, so that a delivery that is about to begin waits for its end, or is none any more."""
        payment, event_id = self.lock(transaction, job.of_charge)
        if payment.state is PaymentState.ACCEPTED and not self.is_under_way(transaction, job.of_charge):
            return False
        mine = (jobs.c.consumer == job.consumer, jobs.c.token == job.token)
        waits = {"attempts": jobs.c.attempts - 1, "token": None}
        move_jobs(transaction, self._bot_id, event_id, (JobState.LEASED,), JobState.HELD, *mine, **waits)
        return True

    def is_under_way(self, transaction: Transaction, charge_id: str) -> bool:
        """Whether Stars are to go back and it is not known yet whether they do."""
        refund = self.find(transaction, charge_id)
        return refund is not None and refund.state in {RefundState.INTENDED, RefundState.UNKNOWN}

    def intend_recorded(self, transaction: Transaction, due: Sequence[tuple[Payment, str | None]]) -> None:
        """Write that payments which are recorded as due for a refund go back, and why; their jobs are their recorder's."""
        now_us, state, source = self._clock.now_us(), RefundState.INTENDED.value, Source.CALL.value
        rows = [
            (self._bot_id, p.charge_id, p.user_id, p.amount_stars, state, reason, source, now_us, BY_POLICY)
            for p, reason in due
        ]
        transaction.insert(_INSERT, *rows)

    def begin(self, transaction: Transaction, job: Job) -> Payment | None:
        """The payment that a job is about to have refunded; None when it is refunded already, and the job is done."""
        payment, event_id = self.lock(transaction, job.of_charge)
        self._ask(transaction, payment, SECOND_PAYMENT, BY_POLICY, Source.CALL)
        if self._found(transaction, job.of_charge).state is RefundState.REFUNDED:
            finish_refund_job(transaction, self._bot_id, event_id)
            return None
        return payment

    def record_from_outside(
        self, transaction: Transaction, notice: RefundNotice, invoice_id: str | None, inside: bool
    ) -> Change | None:
        """Write a refund that was made outside, in Telegram or by another program, and that Telegram tells of.

        None when it is kept because the ledger does not have the payment yet.

        Args:
            inside: see ``mark_refunded``.
            invoice_id: what the payload says, once it has been verified; by it the unit waits for a payment that is being
                recorded right now.
        """
        found = lock_payment(transaction, self._catalogue, self._bot_id, notice.charge_id)
        if found is None and invoice_id is not None:
            early_refunds.lock_invoice(transaction, self._bot_id, invoice_id)
            found = lock_payment(transaction, self._catalogue, self._bot_id, notice.charge_id)
        if found is None:
            early_refunds.keep(transaction, notice, self._clock.now_us())
            return None
        early_refunds.forget(transaction, self._bot_id, notice.charge_id)
        self._ask(transaction, found[0], None, None, notice.source)
        return self.mark_refunded(transaction, notice.charge_id, inside)

    def mark_refunded(self, transaction: Transaction, charge_id: str, inside: bool) -> Change:
        """Write that the Stars are back, drop what was not delivered, and have what was delivered revoked; once.

        Args:
            inside: run the refund handlers with a connection in this transaction; otherwise their jobs are left due.
        """
        payment, event_id = self.lock(transaction, charge_id)
        now_us = self._clock.now_us()
        values = {"state": RefundState.REFUNDED.value, "finished_at": now_us, "error": None}
        finish_refund_job(transaction, self._bot_id, event_id)
        if not self._update(transaction, charge_id, **values):
            return Change(self._found(transaction, charge_id), [], [])
        granted = drop_jobs(transaction, self._bot_id, event_id)
        event = self._write(transaction, PaymentRefunded, payment, None)
        facts = [event, *self._settling.change(transaction, payment, event_id, PaymentState.REFUNDED)]
        other = REFUNDS if payment.state is PaymentState.ACCEPTED else UNSETTLED
        self._move(transaction, payment, event, {STARS: -payment.amount_stars, other: payment.amount_stars})
        taken: list[Job] = []
        if granted:
            refunded = replace(payment, state=PaymentState.REFUNDED)
            taken = self._revoke(transaction, refunded, event_id, inside=inside)
        return Change(self._found(transaction, charge_id), facts, taken)

    def mark_failed(self, transaction: Transaction, charge_id: str, error: str) -> Change:
        """Write that Telegram refuses; a payment that was to go back undelivered needs a person now."""
        payment, event_id = self.lock(transaction, charge_id)
        finish_refund_job(transaction, self._bot_id, event_id)
        events: list[Event] = []
        failed = {"state": RefundState.FAILED.value, "finished_at": self._clock.now_us(), "error": error}
        if self._update(transaction, charge_id, **failed):
            if payment.state is PaymentState.REFUND_DUE:
                waits = (PaymentState.NEEDS_ATTENTION, Attention.REFUND_REFUSED)
                events += self._settling.change(transaction, payment, event_id, *waits)
            elif payment.state is PaymentState.ACCEPTED:
                move_jobs(transaction, self._bot_id, event_id, (JobState.HELD,), JobState.READY, run_at=DatabaseNow())
            events = [self._write(transaction, RefundFailed, payment, error), *events]
        return Change(self._found(transaction, charge_id), events, [])

    def put_off(self, transaction: Transaction, charge_id: str, error: str, *, unknown: bool) -> None:
        """Write why Telegram has not done it yet, and whether it may have all the same; the payment is locked already."""
        values = {"error": error, **({"state": RefundState.UNKNOWN.value} if unknown else {})}
        self._update(transaction, charge_id, **values)

    def reject(self, transaction: Transaction, job: Job, reason: str) -> Change:
        """End the delivery of a payment, in the name of the handler whose job this is, and intend its refund.

        Raises:
            LeaseLostError: the job is another worker's, or a refund has ended it; nothing was kept.
        """
        payment, event_id = self.lock(transaction, job.of_charge)
        mine = (
            jobs.c.bot_id == self._bot_id,
            jobs.c.event_id == event_id,
            jobs.c.consumer == job.consumer,
            jobs.c.token == job.token,
            jobs.c.state == JobState.LEASED,
        )
        ended = sa.update(jobs).where(*mine).values(state=JobState.REJECTED, error=reason)
        if not transaction.connection.execute(ended).rowcount:
            raise lease_lost(job)
        handler = handler_name(job.consumer)
        return self.send_back(transaction, payment, event_id, Rejection(handler, reason), take=True)

    def send_back(
        self, transaction: Transaction, payment: Payment, event_id: str, rejection: Rejection, *, take: bool
    ) -> Change:
        """What follows from a rejection: the other jobs are dropped, the payment is due for a refund, which is intended."""
        drop_jobs(transaction, self._bot_id, event_id)
        rejected = self._write(transaction, PaymentRejected, payment, rejection.reason, handler=rejection.handler)
        events: list[Event] = [rejected]
        if payment.state is PaymentState.ACCEPTED:
            events += self._settling.change(transaction, payment, event_id, PaymentState.REFUND_DUE)
            stars = payment.amount_stars
            self._move(transaction, payment, rejected, {REVENUE: stars, UNSETTLED: -stars})
        is_extensions = rejection.handler.startswith(SETTLE)
        asker = rejection.handler if is_extensions else f"{ON_PAYMENT}:{rejection.handler}"
        if self._ask(transaction, payment, rejection.reason, asker, Source.CALL):
            events.append(self._write(transaction, RefundRequested, payment, rejection.reason))
        taken = self._give_job(transaction, event_id, payment.charge_id, take=take)
        return Change(self._found(transaction, payment.charge_id), events, taken)

    def set_aside(self, transaction: Transaction, payment: Payment, event_id: str, attention: Attention) -> list[Event]:
        """What counted as earned has a person decide; the payment is locked already."""
        facts = self._settling.change(transaction, payment, event_id, PaymentState.NEEDS_ATTENTION, attention)
        event = self._write(transaction, PaymentNeedsAttention, payment, attention.value)
        stars = payment.amount_stars
        self._move(transaction, payment, event, {REVENUE: stars, UNSETTLED: -stars})
        return [event, *facts]

    def _ask(
        self, transaction: Transaction, payment: Payment, reason: str | None, requested_by: str | None, source: Source
    ) -> bool:
        """Write the intent, or revive one that has failed; whether that has changed anything."""
        now_us = self._clock.now_us()
        state = RefundState.INTENDED.value
        owner = (self._bot_id, payment.charge_id, payment.user_id, payment.amount_stars)
        if transaction.insert(_INSERT, (*owner, state, reason, source.value, now_us, requested_by)):
            return True
        failed = (
            refunds.c.bot_id == self._bot_id,
            refunds.c.charge_id == payment.charge_id,
            refunds.c.state == RefundState.FAILED.value,
        )
        asked = {"reason": reason, "requested_by": requested_by, "source": source.value}
        values = {"state": state, **asked, "error": None, "finished_at": None}
        return bool(transaction.connection.execute(sa.update(refunds).where(*failed).values(values)).rowcount)

    def _give_job(
        self, transaction: Transaction, event_id: str, charge_id: str, *, take: bool, consumer: str = REFUND
    ) -> list[Job]:
        return give_job(
            transaction,
            consumer,
            bot_id=self._bot_id,
            event_id=event_id,
            charge_id=charge_id,
            token=self._new_token() if take else None,
            lease_us=self._lease_us,
        )

    def _revoke(self, transaction: Transaction, payment: Payment, event_id: str, *, inside: bool) -> list[Job]:
        self._plan.read(transaction)
        taken: list[Job] = []
        now: list[tuple[Handler, Job]] = []
        for name, handler, is_here, _ in self._plan.after_refund(payment.stage_id):
            runs_now = inside and handler is not None and handler.runs_inside
            given = self._give_job(transaction, event_id, payment.charge_id, take=runs_now or is_here, consumer=name)
            if runs_now and handler is not None:
                now += [(handler, job) for job in given]
            else:
                taken += given
        run_inside(transaction, [Inside(payment, now)], self._host_data)
        return taken

    def _update(self, transaction: Transaction, charge_id: str, **values: object) -> int:
        not_refunded_yet = (
            refunds.c.bot_id == self._bot_id,
            refunds.c.charge_id == charge_id,
            refunds.c.state != RefundState.REFUNDED.value,
        )
        return transaction.connection.execute(sa.update(refunds).where(*not_refunded_yet).values(**values)).rowcount

    def _move(self, transaction: Transaction, payment: Payment, event: Event, amounts: Mapping[str, int]) -> None:
        if payment.currency == CURRENCY:
            at_us = self._clock.now_us()
            write_entry(transaction, amounts, bot_id=self._bot_id, event_id=event.event_id, at_us=at_us)

    def _write(
        self,
        transaction: Transaction,
        kind: type[Event],
        payment: Payment,
        reason: str | None,
        *,
        handler: str | None = None,
    ) -> Event:
        event = about(
            kind,
            payment,
            event_id=self._new_event_id(),
            at_us=self._clock.now_us(),
            reason=reason,
            handler=handler,
        )
        publish(transaction, event)
        return event

    def _found(self, transaction: Transaction, charge_id: str) -> Refund:
        refund = self.find(transaction, charge_id)
        assert refund is not None, "a refund is intended before anything else is written about it"
        return refund
