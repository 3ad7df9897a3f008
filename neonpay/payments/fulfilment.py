"""Runs jobs: at least once each, with the marker that it is done as the last word."""

from __future__ import annotations

import asyncio
import inspect
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from neonpay.core.clock import Clock
from neonpay.core.events import Event, FulfilmentAbandoned, FulfilmentFailed
from neonpay.core.payments import Payment, PaymentResult
from neonpay.core.text import error_words
from neonpay.errors import LeaseLostError, LedgerError, RejectPayment
from neonpay.ledger import Ledger, Transaction
from neonpay.payments.book import write_event
from neonpay.payments.catalogue import Catalogue
from neonpay.payments.context import PaymentContext
from neonpay.payments.handlers import ON_PAYMENT, Form, Handler
from neonpay.payments.inline import call_with_connection
from neonpay.payments.jobs import Job, JobBook, backoff_s, finish
from neonpay.payments.middleware import PaymentMiddleware, run_through
from neonpay.payments.planning import THANK_YOU, Program
from neonpay.payments.refund_book import Change, RefundBook
from neonpay.payments.rows import find_payment
from neonpay.telegram.pacing import may_wait

logger = logging.getLogger("neonpay.payments")

Errand = Callable[[Payment, PaymentContext], Awaitable[None]]
"""A job of neonpay's own that is done when it returns, such as the thank-you message."""
Chore = Callable[[Job], Awaitable[None]]
"""A job of neonpay's own that writes itself what has become of it, such as a refund."""

_ERRAND_ATTEMPTS = 12


class PutOff(Exception):  # noqa: N818  # no fault: it is not the time for it
    """Raised by an errand that has done nothing yet and wants to be run again in ``delay_s`` seconds."""

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        super().__init__(f"again in {delay_s:.1f} s")


class _Found(NamedTuple):
    """A payment, and whether its Stars may be on their way back."""

    payment: Payment
    goes_back: bool


class Fulfilment:
    """Runs the jobs of one bot.

    Args:
        refund_book: writes what a handler's rejection of its payment means.
        most_running: handlers that run at the same time in this process.
        announce: told of every event after it is durable.
    """

    def __init__(
        self,
        ledger: Ledger,
        jobs: JobBook,
        program: Program,
        refund_book: RefundBook,
        catalogue: Catalogue,
        *,
        bot_id: int,
        clock: Clock,
        rng: random.Random,
        new_event_id: Callable[[], str],
        host_data: Callable[[], Mapping[str, object]],
        announce: Callable[[Event], None],
        most_running: int = 256,
    ) -> None:
        self._ledger = ledger
        self._jobs = jobs
        self._program = program
        self._refund_book = refund_book
        self._catalogue = catalogue
        self._bot_id = bot_id
        self._clock = clock
        self._rng = rng
        self._new_event_id = new_event_id
        self._host_data = host_data
        self._announce = announce
        self._most_running = most_running
        self._errands: dict[str, Errand] = {}
        self.middlewares: Sequence[PaymentMiddleware] = ()
        self._chores: dict[str, Chore] = {}
        self._running: dict[asyncio.Task[None], Job] = {}
        self.interrupted: list[Job] = []
        """Jobs whose task was cancelled, and that are still leased to this process."""
        self._finishing = 0
        self._reserved = 0
        self.changed = asyncio.Event()
        """Set when there may be work to take up: room where there was none, or a job that runs again."""

    def add_errand(self, consumer: str, errand: Errand) -> None:
        """Take up a job of neonpay's own."""
        self._errands[consumer] = errand

    def add_chore(self, consumer: str, chore: Chore) -> None:
        """Take up a job of neonpay's own that writes its own marker."""
        self._chores[consumer] = chore

    @property
    def consumers(self) -> list[str]:
        """The jobs that this process can run."""
        return [*self._program.consumers, *self._errands, *self._chores]

    @property
    def room(self) -> int:
        """How many more jobs may start now; one whose handler has returned takes no room while its marker is written."""
        return max(0, self._most_running - len(self._running) + self._finishing - self._reserved)

    @property
    def held(self) -> list[Job]:
        """The jobs that run now."""
        return list(self._running.values())

    def reserve(self) -> bool:
        """Keep room for a payment that is being recorded, until ``unreserve``; False when there is none."""
        if not self.room:
            return False
        self._reserved += 1
        return True

    def unreserve(self) -> None:
        """The payment is recorded, or will not be."""
        self._note_room()
        self._reserved -= 1

    def running(self, charge_id: str, consumer: str) -> asyncio.Task[None] | None:
        """The task that runs a job of this charge in this process, or None."""
        for task, job in self._running.items():
            if job.charge_id == charge_id and job.consumer == consumer:
                return task
        return None

    def start(self, job: Job) -> None:
        """Run a leased job in a task of its own."""
        task = asyncio.get_running_loop().create_task(self._run(job))
        self._running[task] = job
        task.add_done_callback(self._ended)

    async def drain(self) -> None:
        """Wait until nothing runs."""
        while self._running:
            await asyncio.wait(self._running)

    async def stop(self, *, grace_s: float) -> None:
        """Let what runs finish for ``grace_s`` seconds; cancel the rest and give their jobs back."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        unfinished = dict(self._running)
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished)
            await self._jobs.release(list(unfinished.values()))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._note_room()
        job = self._running.pop(task)
        if task.cancelled():
            self.interrupted.append(job)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a job could not be finished; its lease will run out and it will run again", exc_info=error)

    def _note_room(self) -> None:
        """Called before a job stops taking room."""
        if not self.room:
            self.changed.set()

    def follow(self, change: Change) -> None:
        """Tell of what a unit has written about a refund, and run the jobs that it has leased to this process."""
        self.announce(change.events)
        for job in change.jobs:
            self.start(job)

    def announce(self, events: Sequence[Event]) -> None:
        """Tell the listeners of events that are durable."""
        for event in events:
            self._announce(event)

    async def _run(self, job: Job) -> None:
        may_wait.set(True)
        chore = self._chores.get(job.consumer)
        if chore is not None:
            await chore(job)
            return
        payment = job.payment
        if payment is None:
            found = await self._ledger.read(self._payment, job.charge_id)
            payment = found.payment
            if found.goes_back and self._is_delivery(job) and await self._ledger.run(self._refund_book.hold_back, job):
                return
        context = PaymentContext(self._jobs, job, PaymentResult.of(payment))
        try:
            done_already = await self._call(job, payment, context)
        except LeaseLostError:
            _ended_elsewhere(job)
        except PutOff as later:
            await self._jobs.put_off(job, later.delay_s)
            self.changed.set()
        except RejectPayment as verdict:
            await self._rejected(job, payment, verdict)
        except Exception as exc:  # noqa: BLE001  # handlers are isolated: a fault of one is stored and it runs again later
            await self._failed(job, payment, exc)
        else:
            if not done_already:
                self._note_room()
                self._finishing += 1
                try:
                    await self._finish(job, payment, context)
                finally:
                    self._finishing -= 1

    async def _finish(self, job: Job, payment: Payment, context: PaymentContext) -> None:
        try:
            await self._jobs.finish(job, context.enlisted)
        except LeaseLostError:
            _ended_elsewhere(job)
        except LedgerError:
            raise
        except Exception as exc:  # noqa: BLE001  # a statement that the handler enlisted is the handler's fault
            await self._failed(job, payment, exc)

    async def _call(self, job: Job, payment: Payment, context: PaymentContext) -> bool:
        """Run the job; whether its marker has been written on the way."""
        handler = self._find(job.consumer)
        if handler is None:
            await self._errands[job.consumer](payment, context)
            return False
        host = self._host_data
        if handler.form is Form.TRANSACTION:
            change = await self._ledger.run(self._run_and_finish, job, handler)
            if change is not None:
                self.follow(change)
            return True
        about: Mapping[str, object] = {}
        if handler.takes_refund:
            about = {"refund": await self._ledger.read(self._refund_book.find, job.charge_id)}
        given = handler.arguments(context.result, context=context, connection=None, host=host, about=about)
        if self.middlewares and handler.kind == ON_PAYMENT:
            known = _context(handler, job, payment)
            await run_through(self.middlewares, context.result, known, lambda: _run_handler(handler, given))
        else:
            await _run_handler(handler, given)
        return False

    async def _rejected(self, job: Job, payment: Payment, verdict: RejectPayment) -> None:
        handler = self._find(job.consumer)
        if handler is None or handler.kind != ON_PAYMENT:
            await self._failed(job, payment, verdict)
            return
        try:
            change = await self._ledger.run(self._refund_book.reject, job, verdict.reason)
        except LeaseLostError:
            _ended_elsewhere(job)
        else:
            self.follow(change)

    async def _failed(self, job: Job, payment: Payment, error: Exception) -> None:
        handler = self._find(job.consumer)
        most = handler.max_attempts if handler is not None else _ERRAND_ATTEMPTS
        reason = error_words(error)
        delay_s = None if job.attempts >= most else backoff_s(job.attempts, self._rng)
        logger.error(
            "%s raised for charge %s (attempt %d of %d); %s",
            job.consumer,
            job.charge_id,
            job.attempts,
            most,
            "it is a dead letter now" if delay_s is None else f"it runs again in {delay_s:.0f} s",
            exc_info=error,
        )
        event = await self._ledger.run(self._put_back, job, payment, reason, delay_s)
        if event is not None:
            self._announce(event)
        self.changed.set()

    def _find(self, consumer: str) -> Handler | None:
        return self._program.find(consumer)

    def _is_delivery(self, job: Job) -> bool:
        handler = self._find(job.consumer)
        return job.consumer == THANK_YOU if handler is None else handler.kind == ON_PAYMENT

    def _run_and_finish(self, transaction: Transaction, job: Job, handler: Handler) -> Change | None:
        payment, _ = self._refund_book.lock(transaction, job.charge_id)
        if handler.kind == ON_PAYMENT and self._refund_book.hold_back(transaction, job):
            return None
        try:
            with transaction.connection.begin_nested():
                finish(transaction, job)
                call_with_connection(transaction, handler, payment, self._host_data)
        except RejectPayment as verdict:
            if handler.kind != ON_PAYMENT:
                raise
            return self._refund_book.reject(transaction, job, verdict.reason)
        return None

    def _put_back(
        self, transaction: Transaction, job: Job, payment: Payment, reason: str, delay_s: float | None
    ) -> Event | None:
        if not self._jobs.put_back(transaction, job, error=reason, delay_s=delay_s):
            return None
        return write_event(
            transaction,
            FulfilmentFailed if delay_s is not None else FulfilmentAbandoned,
            bot_id=self._bot_id,
            event_id=self._new_event_id(),
            at_us=self._clock.now_us(),
            user_id=payment.user_id,
            stage_id=payment.stage_id,
            invoice_id=payment.invoice_id,
            charge_id=payment.charge_id,
            amount_stars=payment.amount_stars,
            reason=reason,
            handler=job.consumer.removeprefix(f"{ON_PAYMENT}:"),
        )

    def _payment(self, transaction: Transaction, charge_id: str) -> _Found:
        found = find_payment(transaction, self._catalogue, self._bot_id, charge_id)
        assert found is not None, "a job belongs to a payment that was never written"
        return _Found(found, self._refund_book.is_under_way(transaction, charge_id))


async def _run_handler(handler: Handler, given: Mapping[str, Any]) -> None:
    threaded = handler.form is Form.THREAD
    outcome = await asyncio.to_thread(handler.function, **given) if threaded else handler.function(**given)
    if inspect.isawaitable(outcome):
        await outcome


def _context(handler: Handler, job: Job, payment: Payment) -> Mapping[str, object]:
    return {
        "handler": handler.name,
        "attempt": job.attempts,
        "user_id": payment.user_id,
        "stage_id": payment.stage_id,
        "charge_id": payment.charge_id,
    }


def _ended_elsewhere(job: Job) -> None:
    words = "%s for charge %s was ended elsewhere, by another worker or a refund; this attempt does not count"
    logger.warning(words, job.consumer, job.charge_id)
