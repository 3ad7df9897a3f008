"""What a person decides about a payment or its jobs."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from neonpay.core.events import Event, PaymentCompleted
from neonpay.core.job_states import JobState
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import Payment, PaymentState, RefundState
from neonpay.errors import PaymentError, PaymentNotFoundError
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import IS_PARKED, jobs
from neonpay.payments.consumers.selection import PLAN, ConsumerSelection
from neonpay.payments.extending.settling import Settling
from neonpay.payments.handlers.registry import ON_PAYMENT, ON_REFUND
from neonpay.payments.history import about_payment, read_jobs
from neonpay.payments.refunds.deliveries import DELIVERS
from neonpay.store.entries import REVENUE, UNSETTLED, about, publish, write_entry
from neonpay.store.ids import new_event_id
from neonpay.store.job_rows import INSERT_JOB, job_row
from neonpay.store.once import Once
from neonpay.store.payment_rows import find_refund, lock_payment
from neonpay.store.stage_versions import Catalogue

_ACCEPTED = "accepted by hand"
_DELIVERED = "accepted by hand, as one that was delivered before"


class Decisions:
    """Carries out what was decided about the payments of one bot."""

    def __init__(
        self,
        ledger: Ledger,
        bot_id: int,
        *,
        catalogue: Catalogue,
        plan: ConsumerSelection,
        settling: Settling,
        announce: Callable[[Event], None],
    ) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._catalogue = catalogue
        self._plan = plan
        self._settling = settling
        self._announce = announce

    async def retry(self, charge_id: str, *, handler: str | None) -> int:
        """Make the unfinished jobs of a payment due at once; returns how many there are, with those that run already."""
        return await self._ledger.run(self._retry, charge_id, handler, set())

    async def retry_event(self, event_id: str) -> int:
        """Tell subscribers of an event again who have given it up; returns how many there are.

        Raises:
            PaymentError: none has.
        """
        return await self._ledger.run(self._retry_event, event_id, set())

    async def accept(self, charge_id: str, *, is_delivered: bool = False) -> tuple[Payment, bool]:
        """Have a payment that needs attention delivered, or count as delivered, and whether it was this call that did.

        See ``neonpay.payments.accept``.
        """
        unit = Once(self._bot_id, self._accept, lock=lambda transaction: self._locked(transaction, charge_id))
        payment, facts = await self._ledger.run(unit, charge_id, is_delivered)
        for fact in facts:
            self._announce(fact)
        return payment, bool(facts)

    def _retry(self, transaction: Transaction, charge_id: str, handler: str | None, found: set[str]) -> int:
        payment = self._locked(transaction, charge_id)[0]
        if payment.state is PaymentState.NEEDS_ATTENTION:
            msg = f"charge {charge_id!r} needs attention and has no handlers to retry yet; accept or refund it"
            raise PaymentError(msg, charge_id=charge_id)
        due = [jobs.c.bot_id == self._bot_id, about_payment(self._bot_id, charge_id)]
        rests = jobs.c.state.in_((JobState.READY, JobState.DEAD))
        unfinished = sa.or_(rests, jobs.c.state == JobState.LEASED)
        if handler is not None:
            due.append(jobs.c.consumer.in_((handler, f"{ON_PAYMENT}:{handler}", f"{ON_REFUND}:{handler}")))
        refund = find_refund(transaction, self._bot_id, charge_id)
        goes_back = refund is not None and refund.state in {RefundState.INTENDED, RefundState.UNKNOWN}
        if goes_back:
            due.append(sa.not_(DELIVERS))
        # When the answer to a COMMIT was lost this runs again, and what it has revived may have run to its end by then.
        found.update(job.consumer for job in read_jobs(transaction, self._bot_id, sa.and_(*due, unfinished)))
        values = {"state": JobState.READY, "attempts": 0, "run_at": DatabaseNow(), "error": None}
        transaction.connection.execute(sa.update(jobs).where(*due, rests).values(**values))
        if goes_back and not found:
            msg = f"the Stars of charge {charge_id!r} are on their way back, so it is not delivered meanwhile"
            raise PaymentError(msg, charge_id=charge_id)
        if handler is not None and not found:
            others = read_jobs(transaction, self._bot_id, sa.and_(*due[:2], unfinished))
            names = ", ".join(job.consumer for job in others) or "none"
            msg = f"charge {charge_id!r} has no unfinished job of {handler!r}; its unfinished jobs: {names}"
            raise PaymentError(msg, charge_id=charge_id)
        return len(found)

    def _retry_event(self, transaction: Transaction, event_id: str, found: set[str]) -> int:
        # Deliveries are the other way's, which looks whether their Stars are on their way back.
        letters = [jobs.c.bot_id == self._bot_id, jobs.c.event_id == event_id, sa.not_(DELIVERS), IS_PARKED]
        letters.append(jobs.c.state == JobState.DEAD)
        found.update(job.consumer for job in read_jobs(transaction, self._bot_id, sa.and_(*letters)))
        if not found:
            msg = f"no subscriber has given up event {event_id!r}; neonpay.jobs.dead_letters() lists what was given up"
            raise PaymentError(msg)
        values = {"state": JobState.READY, "attempts": 0, "run_at": DatabaseNow(), "error": None}
        transaction.connection.execute(sa.update(jobs).where(*letters).values(**values))
        return len(found)

    def _locked(self, transaction: Transaction, charge_id: str) -> tuple[Payment, str]:
        found = lock_payment(transaction, self._catalogue, self._bot_id, charge_id)
        if found is None:
            raise PaymentNotFoundError(charge_id)
        return found

    def _accept(self, transaction: Transaction, charge_id: str, is_delivered: bool) -> tuple[Payment, list[Event]]:
        payment, event_id = self._locked(transaction, charge_id)
        refund = find_refund(transaction, self._bot_id, charge_id)
        goes_back = refund is not None and refund.state is not RefundState.FAILED
        if payment.state is PaymentState.ACCEPTED and not goes_back:
            return payment, []
        if payment.state is not PaymentState.NEEDS_ATTENTION or goes_back:
            msg = f"charge {charge_id!r} cannot be accepted: its Stars have gone back to the buyer, or are on their way"
            raise PaymentError(msg, charge_id=charge_id)
        self._plan.read(transaction)
        if not (is_delivered or self._plan.delivers(payment.stage_id)):
            words = "so nobody would deliver; start a program that has one, or refund"
            msg = f"no handler of this shop takes payments of stage {payment.stage_id!r}, {words}"
            raise PaymentError(msg, charge_id=charge_id)
        state = JobState.DONE if is_delivered else JobState.READY
        for taker in self._plan.takers(PaymentState.ACCEPTED, payment.stage_id):
            transaction.insert(INSERT_JOB, job_row(self._bot_id, event_id, taker.name, charge_id, state=state.value))
        # A payment that a handler rejected and Telegram would not take back has its jobs already, ended undelivered.
        ended = (
            jobs.c.bot_id == self._bot_id,
            jobs.c.event_id == event_id,
            DELIVERS,
            jobs.c.consumer != PLAN,
            jobs.c.state.in_((JobState.REJECTED, JobState.DROPPED, JobState.INTERRUPTED)),
        )
        again = {"state": state, "attempts": 0, "token": None, "run_at": DatabaseNow(), "error": None}
        transaction.connection.execute(sa.update(jobs).where(*ended).values(again))
        accepted = self._write_accepted(transaction, payment, _DELIVERED if is_delivered else _ACCEPTED)
        facts = self._settling.change(transaction, payment, event_id, PaymentState.ACCEPTED)
        return self._locked(transaction, charge_id)[0], [accepted, *facts]

    def _write_accepted(self, transaction: Transaction, payment: Payment, reason: str) -> Event:
        now_us = int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
        event = about(PaymentCompleted, payment, event_id=new_event_id(), at_us=now_us, reason=reason)
        publish(transaction, event)
        if payment.currency == CURRENCY:
            moved = {UNSETTLED: payment.amount_stars, REVENUE: -payment.amount_stars}
            write_entry(transaction, moved, bot_id=self._bot_id, event_id=event.event_id, at_us=now_us)
        return event
