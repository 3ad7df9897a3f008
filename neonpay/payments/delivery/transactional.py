"""The jobs that are a transaction each: handlers with a connection that run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from neonpay.core.log_lines import HANDLER_STARTED
from neonpay.core.text import clean
from neonpay.errors import RejectPayment
from neonpay.ledger import Transaction
from neonpay.payments.delivery.delivered import Concluded, Finish, Finished, delivered_event, finish_with
from neonpay.payments.handlers.in_transaction import call_with_connection
from neonpay.payments.handlers.registry import ON_PAYMENT, Handler, handler_name
from neonpay.payments.jobs import is_left
from neonpay.payments.refunds.store import Change, RefundStore
from neonpay.store.job_rows import Job


class TransactionalJobs:
    """The units of work of one bot that run somebody else's code; ``Ledger.apart`` is where they run."""

    def __init__(self, refund_store: RefundStore, *, host_data: Callable[[], Mapping[str, object]]) -> None:
        self._refund_store = refund_store
        self._host_data = host_data

    def run_and_finish(
        self, transaction: Transaction, job: Job, handler: Handler, now_us: int
    ) -> Change | Concluded | None:
        """Run a handler and finish its job; when it rejects its payment, what follows from that.

        None when there was nothing to run: the Stars are on their way back, or this very unit has done it before.

        Raises:
            LeaseLostError: the job is another worker's; the handler was not called.
        """
        payment, _ = self._refund_store.lock(transaction, job.of_charge)
        if handler.kind == ON_PAYMENT and self._refund_store.hold_back(transaction, job):
            return None
        if not is_left(transaction, job):
            return None
        HANDLER_STARTED.tell(payment, handler=handler_name(job.consumer), attempt=job.attempts)
        try:
            call_with_connection(transaction, handler, payment, self._host_data)
        except RejectPayment as verdict:
            if handler.kind != ON_PAYMENT:
                raise
            return self._refund_store.reject(transaction, job, clean(verdict.reason))
        finished = Finished(job, payment, now_us)
        finish = finish_with(transaction, finished, ())
        return Concluded(finish, now_us, delivered_event(finished) if finish is Finish.DELIVERED else None)
