"""Runs jobs: at least once each, with the marker that it is done as the last word.

One that raises runs again later; after its last attempt, the tenth unless its handler says another
(``handlers.registry.MAX_ATTEMPTS``), it is a dead letter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from functools import partial
from typing import NamedTuple

from neonpay.core.clock import Clock, stopwatch_s
from neonpay.core.events import Event, FulfilmentAbandoned, FulfilmentFailed
from neonpay.core.job_states import JobState
from neonpay.core.log_lines import (
    FULFILMENT_ABANDONED,
    FULFILMENT_FAILED,
    HANDLER_DONE,
    HANDLER_STARTED,
    HANDLER_TAKEN_OVER,
    JOB_WORN_OUT,
    MESSAGE_REFUSED,
)
from neonpay.core.payments import Payment, PaymentResult
from neonpay.core.retrying import RetryPolicy
from neonpay.core.text import clean
from neonpay.errors import LeaseLostError, RejectPayment
from neonpay.ledger import Ledger, Transaction
from neonpay.payments.consumers.selection import THANK_YOU, Program
from neonpay.payments.delivery.delivered import (
    Concluded,
    Finish,
    Finished,
    delivered_event,
    finish_each,
    finish_with,
    has_undelivered,
    tell_delivered,
)
from neonpay.payments.delivery.messages import Queued, queued, write
from neonpay.payments.delivery.running_jobs import RunningJobs
from neonpay.payments.delivery.transactional import TransactionalJobs
from neonpay.payments.foreign_code import contained, held, is_being_cancelled, words_of
from neonpay.payments.handlers.builtin_jobs import BuiltinJob, MessageRefused, PutOff
from neonpay.payments.handlers.call import context_of, ended_elsewhere, run_handler
from neonpay.payments.handlers.context import PaymentContext
from neonpay.payments.handlers.middleware import PaymentMiddleware, run_through
from neonpay.payments.handlers.registry import ON_PAYMENT, Form, Handler, handler_name
from neonpay.payments.jobs import JobStore, Leasing, end_job
from neonpay.payments.refunds.store import Change, RefundStore
from neonpay.payments.threads import Threads
from neonpay.store.entries import about, find_event, publish
from neonpay.store.job_rows import Job, SelfFinishingJob
from neonpay.store.once import Once
from neonpay.store.payment_rows import find_payment
from neonpay.store.stage_versions import Catalogue

_BUILTIN_ATTEMPTS = 12
"""Of neonpay's own jobs; those of handlers have the limit of their handler."""


class _Found(NamedTuple):
    """A payment, and whether its Stars may be on their way back."""

    payment: Payment
    goes_back: bool


class Fulfilment(RunningJobs):
    """Runs the jobs of one bot.

    Args:
        apart: the same database, for units that run handlers and may block.
        refund_store: writes what a handler's rejection of its payment means.
        threads: where plain functions run.
        context: in a copy of which each job runs.
        most_running: handlers that run at the same time in this process.
        announce: told of every event after it is durable; of one that comes with every payment only when ``is_heard``.
    """

    def __init__(
        self,
        ledger: Ledger,
        apart: Ledger,
        jobs: JobStore,
        program: Program,
        refund_store: RefundStore,
        catalogue: Catalogue,
        *,
        bot_id: int,
        clock: Clock,
        retries: RetryPolicy,
        new_event_id: Callable[[], str],
        host_data: Callable[[], Mapping[str, object]],
        announce: Callable[[Event], None],
        is_heard: Callable[[], bool],
        threads: Threads,
        context: Context,
        most_running: int = 256,
    ) -> None:
        super().__init__(jobs, threads, context, most_running=most_running)
        self._ledger = ledger
        self._apart = apart
        self._program = program
        self._find: Callable[[str], Handler | None] = program.find
        self._refund_store = refund_store
        self._catalogue = catalogue
        self._bot_id = bot_id
        self._clock = clock
        self._retries = retries
        self._new_event_id = new_event_id
        self._host_data = host_data
        self._announce = announce
        self._is_heard = is_heard
        self._transactional = TransactionalJobs(refund_store, host_data=host_data)
        self._builtin: dict[str, BuiltinJob] = {}
        self.middlewares: Sequence[PaymentMiddleware] = ()
        self._self_finishing: dict[str, SelfFinishingJob] = {}
        self._for_others: dict[str, Callable[[], bool]] = {}
        self._max_attempts: dict[str, int | None] = {}

    def add_builtin(self, consumer: str, job: BuiltinJob) -> None:
        """Take up a job of neonpay's own."""
        self._builtin[consumer] = job

    def add_self_finishing(
        self,
        consumer: str,
        job: SelfFinishingJob,
        *,
        unless: Callable[[], bool] = lambda: False,
        max_attempts: int | None = None,
    ) -> None:
        """Take up a job of neonpay's own, or of an extension, that writes its own marker, unless it is for another program.

        Args:
            max_attempts: how many may begin; None for any number.
        """
        self._self_finishing[consumer] = job
        self._for_others[consumer] = unless
        self._max_attempts[consumer] = max_attempts

    @property
    def consumers(self) -> list[str]:
        """The jobs that this process can run."""
        own = [consumer for consumer in self._self_finishing if not self._for_others[consumer]()]
        return [*self._program.consumers, *self._builtin, *own]

    def follow(self, change: Change) -> None:
        """Tell of what a unit has written about a refund, and run the jobs that it has leased to this process."""
        self.announce(change.events)
        for job in change.jobs:
            self.start(job)

    def announce(self, events: Sequence[Event]) -> None:
        """Tell the listeners of events that are durable."""
        for event in events:
            self._announce(event)

    async def claim(self, consumers: Sequence[str], *, most: int) -> list[Job]:
        """Lease due jobs of these consumers to this process; those of which no more attempts may begin become dead letters."""
        limits: dict[str, int | None] = {consumer: self._limit(consumer) for consumer in consumers}
        leasing, events = await self._ledger.run(Once(self._bot_id, self._claim), limits, most, self.held)
        for job in leasing.taken_over:
            HANDLER_TAKEN_OVER.tell(job, handler=handler_name(job.consumer), attempt=job.attempts)
        for job, _ in leasing.worn_out:
            JOB_WORN_OUT.tell(job, handler=handler_name(job.consumer), attempt=job.attempts)
        self.announce(events)
        return leasing.leased

    def _claim(
        self, transaction: Transaction, limits: Mapping[str, int | None], most: int, running: Sequence[Job]
    ) -> tuple[Leasing, list[Event]]:
        leasing = self._jobs.claim(transaction, limits, most=most, running=running)
        events: list[Event] = []
        for job, reason in leasing.worn_out:
            told = find_event(transaction, self._bot_id, job.event_id)
            if not isinstance(told, FulfilmentAbandoned):  # which would be told of for ever
                events.append(self._write_event(transaction, FulfilmentAbandoned, job, told, reason))
        return leasing, events

    def _limit(self, consumer: str) -> int | None:
        """How many attempts at a job of this consumer may begin; None for any number."""
        if consumer in self._self_finishing:
            return self._max_attempts[consumer]
        handler = self._find(consumer)
        return _BUILTIN_ATTEMPTS if handler is None else handler.max_attempts

    async def _run(self, job: Job) -> None:
        self_finishing = self._self_finishing.get(job.consumer)
        if self_finishing is not None:
            await self_finishing(job)
            return
        payment = job.payment
        if payment is None:
            found = await self._ledger.read(self._payment, job.of_charge)
            payment = found.payment
            if found.goes_back and self._is_delivery(job) and await self._ledger.run(self._refund_store.hold_back, job):
                return
        context = PaymentContext(self._jobs, job, PaymentResult.of(payment), self._threads)
        began_s = stopwatch_s()
        try:
            done_already = await self._call(job, payment, context, began_s)
        except LeaseLostError:
            ended_elsewhere(job)
        except PutOff as later:
            await self._jobs.put_off(job, later.delay_s)
            self.changed.set()
        except MessageRefused as refusal:
            MESSAGE_REFUSED.tell(payment, reason=str(refusal), handler=job.consumer)
            await self._ledger.run(end_job, job, JobState.REFUSED, error=clean(str(refusal)))
        except RejectPayment as verdict:
            await self._rejected(job, payment, verdict, began_s)
        except GeneratorExit:
            raise  # the event loop is gone, and nothing can be awaited any more
        except BaseException as exc:  # noqa: BLE001  # handlers are isolated: a fault of one is stored and it runs again later
            await self._failed(job, payment, contained(exc), began_s)
        else:
            if not done_already:
                self._make_room()
                try:
                    await self._finish(job, payment, context, began_s)
                finally:
                    self._taken += 1  # until the task has ended, too

    async def _finish(self, job: Job, payment: Payment, context: PaymentContext, began_s: float) -> None:
        finished = Finished(job, payment, self._clock.now_us())
        said: list[Queued] = []
        try:
            if context.said:
                said = queued(context.said, job, payment, at_us=finished.at_us, token=self._jobs.new_token())
                also = partial(write, messages=said, lease_us=self._jobs.lease_us)
                finish = await self._ledger.run(finish_with, finished, context.enlisted, also)
            elif context.enlisted:
                finish = await self._ledger.run(finish_with, finished, context.enlisted)
            else:
                finish = await self._ledger.run_each(finish_each, finished)
        except LeaseLostError:
            ended_elsewhere(job)
        except Exception as exc:
            if not context.enlisted:
                raise
            # A statement that the handler enlisted is the handler's fault; should it be the database's, this fails as well.
            await self._failed(job, payment, exc, began_s)
        else:
            await self._conclude(finished, finish, began_s)
            for message in said:
                self._announce(message.event)
                self.start(message.job)

    async def _conclude(self, finished: Finished, finish: Finish, began_s: float) -> None:
        job, payment, _ = finished
        if finish is Finish.LOST:
            ended_elsewhere(job)
            return
        is_told = HANDLER_DONE.is_on
        if is_told:
            HANDLER_DONE.tell(payment, began_s=began_s, handler=handler_name(job.consumer), attempt=job.attempts)
        if finish is Finish.WAITS and not await self._ledger.read(has_undelivered, job):
            # Two that end at the same time on PostgreSQL do not see each other's marker; the later one sees both.
            told = await self._ledger.run(tell_delivered, [finished])
            finish = Finish.DELIVERED if job.token in told.tokens else Finish.KEPT
        if finish is Finish.DELIVERED and (is_told or self._is_heard()):
            self._announce(delivered_event(finished))

    async def _call(self, job: Job, payment: Payment, context: PaymentContext, began_s: float) -> bool:
        """Run the job; whether its marker has been written on the way."""
        handler = self._find(job.consumer)
        # One in a transaction says so once it is sure to run.
        if HANDLER_STARTED.is_on and (handler is None or handler.form is not Form.TRANSACTION):
            HANDLER_STARTED.tell(payment, handler=handler_name(job.consumer), attempt=job.attempts)
        if handler is None:
            await self._builtin[job.consumer](payment, context)
            return False
        host = self._host_data
        if handler.form is Form.TRANSACTION:
            outcome = await self._run_in_unit(job, handler)
            if isinstance(outcome, Concluded):
                await self._conclude(Finished(job, payment, outcome.at_us), outcome.finish, began_s)
            elif outcome is not None:
                self.follow(outcome)
            return True
        about: Mapping[str, object] = {}
        if handler.takes_refund:
            about = {"refund": await self._ledger.read(self._refund_store.find, job.of_charge)}
        given = handler.arguments(context.result, context=context, connection=None, host=host, about=about)
        if self.middlewares and handler.kind == ON_PAYMENT:
            known = context_of(handler, job, payment)
            run = run_through(
                self.middlewares, context.result, known, lambda: run_handler(handler, given, job, self._threads)
            )
            await held(run)
        else:
            await run_handler(handler, given, job, self._threads)
        return False

    async def _run_in_unit(self, job: Job, handler: Handler) -> Change | Concluded | None:
        self._in_units.add(job.token)
        try:
            return await self._apart.run(
                self._refund_store.once(job.of_charge, self._transactional.run_and_finish),
                job,
                handler,
                self._clock.now_us(),
            )
        finally:
            if not is_being_cancelled():
                self._in_units.discard(job.token)

    async def _rejected(self, job: Job, payment: Payment, verdict: RejectPayment, began_s: float) -> None:
        handler = self._find(job.consumer)
        if handler is None or handler.kind != ON_PAYMENT:
            await self._failed(job, payment, verdict, began_s)
            return
        try:
            change = await self._ledger.run(
                self._refund_store.once(job.of_charge, self._refund_store.reject), job, clean(verdict.reason)
            )
        except LeaseLostError:
            ended_elsewhere(job)
        else:
            self.follow(change)

    async def _failed(self, job: Job, payment: Payment, error: Exception, began_s: float) -> None:
        # After the last attempt the job is a dead letter; nothing is refunded, and ``jobs.retry`` has it run again.
        most, reason = self._limit(job.consumer) or _BUILTIN_ATTEMPTS, words_of(error)
        delay_s = None if job.attempts >= most else self._retries.pause_s(job.attempts)
        (FULFILMENT_ABANDONED if delay_s is None else FULFILMENT_FAILED).tell(
            payment,
            began_s=began_s,
            error=error,
            handler=handler_name(job.consumer),
            event_id=job.event_id,
            attempt=job.attempts,
            max_attempts=most,
            retry_in_s=None if delay_s is None else round(delay_s, 1),
        )
        event = await self._ledger.run(Once(self._bot_id, self._end_failed), job, payment, reason, delay_s)
        if event is not None:
            self._announce(event)
        self.changed.set()

    def _is_delivery(self, job: Job) -> bool:
        handler = self._find(job.consumer)
        return job.consumer == THANK_YOU if handler is None else handler.kind == ON_PAYMENT

    def _end_failed(
        self, transaction: Transaction, job: Job, payment: Payment, reason: str, delay_s: float | None
    ) -> Event | None:
        state, kind = (JobState.DEAD, FulfilmentAbandoned) if delay_s is None else (JobState.READY, FulfilmentFailed)
        if not end_job(transaction, job, state, error=reason, delay_s=delay_s or 0.0):
            return None
        return self._write_event(transaction, kind, job, payment, reason)

    def _write_event(
        self, transaction: Transaction, kind: type[Event], job: Job, subject: Payment | Event, reason: str
    ) -> Event:
        event = about(
            kind,
            subject,
            event_id=self._new_event_id(),
            at_us=self._clock.now_us(),
            reason=reason,
            handler=handler_name(job.consumer),
        )
        publish(transaction, event)
        return event

    def _payment(self, transaction: Transaction, charge_id: str) -> _Found:
        found = find_payment(transaction, self._catalogue, self._bot_id, charge_id)
        assert found is not None, "a job belongs to a payment that was never written"
        return _Found(found, self._refund_store.is_under_way(transaction, charge_id))
