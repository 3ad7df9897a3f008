"""The jobs that are a transaction each: a handler with a connection that runs again, and a plan that a tool has left."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from neonpay.core.text import clean
from neonpay.errors import PaymentError, RejectPayment
from neonpay.ledger import Transaction
from neonpay.payments.handlers import ON_PAYMENT, Handler
from neonpay.payments.inline import Inside, call_with_connection, run_inside, runs_inside
from neonpay.payments.jobs import INSERT_JOB, Job, JobBook, finish, require
from neonpay.payments.planning import PLAN_REFUND, Plan, consumer_name
from neonpay.payments.refund_book import Change, RefundBook


class TransactionalJobs:
    """The units of work of one bot that run somebody else's code; ``Ledger.apart`` is where they run."""

    def __init__(
        self, refund_book: RefundBook, jobs: JobBook, plan: Plan, *, host_data: Callable[[], Mapping[str, object]]
    ) -> None:
        self._refund_book = refund_book
        self._jobs = jobs
        self._plan = plan
        self._host_data = host_data

    def run_and_finish(self, transaction: Transaction, job: Job, handler: Handler) -> Change | None:
        """Run a handler and finish its job; when it rejects its payment, what follows from that.

        Raises:
            LeaseLostError: the job is another worker's; the handler was not called.
        """
        payment, _ = self._refund_book.lock(transaction, job.charge_id)
        require(transaction, job)
        try:
            call_with_connection(transaction, handler, payment, self._host_data)
        except RejectPayment as verdict:
            if handler.kind != ON_PAYMENT:
                raise
            return self._refund_book.reject(transaction, job, clean(verdict.reason))
        finish(transaction, job)
        return None

    def carry_out_plan(self, transaction: Transaction, job: Job, inside: bool) -> Change | None:
        """Give a payment its jobs, and finish the one that was left for that.

        Args:
            inside: run the handlers with a connection in this transaction; otherwise their jobs are left due.
        """
        payment, event_id = self._refund_book.lock(transaction, job.charge_id)
        finish(transaction, job)
        if job.consumer == PLAN_REFUND:
            consumers = self._plan.after_refund(payment.stage_id)
        else:
            consumers = self._plan.consumers(payment.state, payment.stage_id)
            if not consumers:
                words = f"no handler takes payments of stage {payment.stage_id!r}; add one, or refund charge"
                raise PaymentError(f"{words} {payment.charge_id!r}", charge_id=payment.charge_id)
        rows: list[tuple[object, ...]] = []
        now: list[tuple[Handler, Job]] = []
        for consumer in consumers:
            name = consumer_name(consumer)
            if inside and isinstance(consumer, Handler) and runs_inside(consumer):
                mine = Job(job.bot_id, event_id, name, payment.charge_id, 1, self._jobs.new_token())
                now.append((consumer, mine))
                lease_us = self._jobs.lease_us
                rows.append((job.bot_id, event_id, name, payment.charge_id, "leased", 1, mine.token, None, lease_us))
            else:
                rows.append((job.bot_id, event_id, name, payment.charge_id, "ready", 0, None, None, 0))
        transaction.insert(INSERT_JOB, *rows)
        (rejection,) = run_inside(transaction, [Inside(payment, now)], self._host_data)
        if rejection is None:
            return None
        return self._refund_book.send_back(transaction, payment, event_id, rejection, take=True)
