"""Handlers that run inside the transaction that records their payment, or its refund."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from typing import NamedTuple, TypeVar

import sqlalchemy as sa

from neonpay.core.clock import stopwatch_s
from neonpay.core.job_states import JobState
from neonpay.core.log_lines import HANDLER_DONE, HANDLER_STARTED, HANDLER_UNDONE, LogLine
from neonpay.core.payments import Payment, PaymentResult
from neonpay.core.text import clean
from neonpay.errors import LeaseLostError, LedgerClosedError, PaymentError, RejectPayment, TransactionEndedError
from neonpay.ledger import Transaction
from neonpay.payments.foreign_code import call, refuse_unrun, words_of
from neonpay.payments.handlers.registry import ON_PAYMENT, Handler, handler_name
from neonpay.payments.jobs import end_job, release_all
from neonpay.payments.jobs_together import finish_all
from neonpay.store.job_rows import Job
from neonpay.store.payment_rows import find_refund

logger = logging.getLogger("neonpay.payments")

T = TypeVar("T")

_INSIDE: ContextVar[bool] = ContextVar("neonpay_inside_transaction", default=False)


class Rejection(NamedTuple):
    """A handler's verdict that a payment goes back."""

    handler: str
    reason: str


class Inside(NamedTuple):
    """A payment with handlers that are to run now; the job of each is leased to this unit."""

    payment: Payment
    handlers: Sequence[tuple[Handler, Job]]


def run_inside(
    transaction: Transaction, about: Sequence[Inside], host: Callable[[], Mapping[str, object]]
) -> list[Rejection | list[Job]]:
    """Run handlers in the transaction that has written their payments and jobs, and write what has become of the jobs.

    For each payment the jobs that are done, or the rejection with which it ended.

    A handler that raises undoes only its own writes, and its job is due at once, to run in a transaction of its own. One that
    rejects its payment leaves its job rejected, and the handlers after it do not run: their jobs are due.

    Raises:
        TransactionEndedError: a handler has ended the transaction, and nothing of it is left.
    """
    done: list[Job] = []
    ended = [_run_handlers(transaction, payment, handlers, host, done) for payment, handlers in about]
    if done:
        finish_all(transaction, done)
    return ended


def _run_handlers(
    transaction: Transaction,
    payment: Payment,
    handlers: Sequence[tuple[Handler, Job]],
    host: Callable[[], Mapping[str, object]],
    done: list[Job],
) -> Rejection | list[Job]:
    begun_with = len(done)
    for number, (handler, job) in enumerate(handlers, start=1):
        began_s = stopwatch_s()
        tell = partial(_tell, payment, job)
        tell(HANDLER_STARTED)
        try:
            call_with_connection(transaction, handler, payment, host)
        except TransactionEndedError:
            raise
        except Exception as exc:  # noqa: BLE001  # a handler's fault must not undo the record of money that arrived
            if isinstance(exc, RejectPayment) and handler.kind == ON_PAYMENT:
                reason = clean(exc.reason)
                end_job(transaction, job, JobState.REJECTED, error=reason)
                release_all(transaction, [unbegun for _, unbegun in handlers[number:]])
                return Rejection(handler.name, reason)
            end_job(transaction, job, JobState.READY, error=words_of(exc))
            tell(HANDLER_UNDONE, began_s, exc)
        else:
            tell(HANDLER_DONE, began_s)
            done.append(job)
    return done[begun_with:]


def _tell(
    payment: Payment, job: Job, line: LogLine, began_s: float | None = None, error: Exception | None = None
) -> None:
    # Before the transaction is kept: should it not be, the handler runs again and says so again.
    line.tell(payment, began_s=began_s, error=error, handler=handler_name(job.consumer), attempt=job.attempts)


def call_with_connection(
    transaction: Transaction, handler: Handler, payment: Payment, host: Callable[[], Mapping[str, object]]
) -> None:
    """Call a handler with the transaction's connection; what it raises is ``contained``, and what it wrote then undone.

    Raises:
        HandlerError: the function turned out to be asynchronous or a generator, so it has not run.
        TransactionEndedError: the handler has ended the transaction, and nothing of it is left.
    """
    about = {"refund": find_refund(transaction, payment.bot_id, payment.charge_id)} if handler.takes_refund else {}
    result = PaymentResult.of(payment)

    def code(connection: sa.Connection) -> None:
        arguments = handler.arguments(result, context=None, connection=connection, host=host, about=about)
        inside = _INSIDE.set(True)
        try:
            outcome = handler.function(**arguments)
        finally:
            _INSIDE.reset(inside)
        refuse_unrun(outcome, f"handler {handler.name!r}")

    transaction.lend(lambda connection: call(lambda: code(connection)))


async def with_or_without(attempt: Callable[[bool], Awaitable[T]]) -> T:
    """What an attempt that runs handlers inside its unit gives; should it fail, what one gives that leaves their jobs due."""
    try:
        return await attempt(True)
    except (PaymentError, LeaseLostError, LedgerClosedError):
        raise
    except Exception as exc:  # noqa: BLE001  # whatever a handler has done to the unit, the fact itself is to be written
        logger.warning("written without the handlers that take the connection, which run afterwards: %s", exc)
    return await attempt(False)


def is_inside_transaction() -> bool:
    """Whether the caller is a handler with a connection; to wait for another unit of work would be to wait for itself."""
    return _INSIDE.get()
