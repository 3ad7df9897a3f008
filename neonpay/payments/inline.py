"""Handlers that run inside the transaction that records their payment, or its refund."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import NamedTuple

from neonpay.core.payments import Payment, PaymentResult
from neonpay.errors import RejectPayment
from neonpay.ledger import Transaction
from neonpay.payments.handlers import ON_PAYMENT, Form, Handler
from neonpay.payments.jobs import INSERT_JOB
from neonpay.payments.planning import consumer_name
from neonpay.payments.rows import find_refund

logger = logging.getLogger("neonpay.payments")

_INSIDE: ContextVar[bool] = ContextVar("neonpay_inside_transaction", default=False)


class Rejection(NamedTuple):
    """A handler's verdict that a payment goes back."""

    handler: str
    reason: str


def run_now(
    transaction: Transaction,
    consumers: Sequence[Handler | str],
    payment: Payment,
    event_id: str,
    host: Callable[[], Mapping[str, object]],
) -> tuple[list[str], Rejection | None]:
    """Run the consumers that belong into this transaction; the names of the others, and the rejection if there was one.

    After a rejection no other consumer is run, and those that would have been are among the others.
    """
    others: list[str] = []
    rejection = None
    for consumer in consumers:
        if rejection is None and isinstance(consumer, Handler) and consumer.form is Form.TRANSACTION:
            rejection = run_inside(transaction, consumer, payment, event_id, host)
        else:
            others.append(consumer_name(consumer))
    return others, rejection


def run_inside(
    transaction: Transaction,
    handler: Handler,
    payment: Payment,
    event_id: str,
    host: Callable[[], Mapping[str, object]],
) -> Rejection | None:
    """Run a handler in the recording transaction and write its job as done; its writes and the payment stand or fall together.

    A handler that raises undoes only its own writes: the payment stays recorded and the job is left due at once, to run in a
    transaction of its own. One that rejects its payment leaves its job rejected.
    """
    connection = transaction.connection
    state, attempts, error, rejection = "done", 1, None, None
    savepoint = connection.begin_nested()
    try:
        call_with_connection(transaction, handler, payment, host)
        savepoint.commit()
    except Exception as exc:  # a handler's fault must not undo the record of money that arrived
        savepoint.rollback()
        if isinstance(exc, RejectPayment) and handler.kind == ON_PAYMENT:
            state, error = "rejected", exc.reason
            rejection = Rejection(handler.name, exc.reason)
        else:
            state, error = "ready", f"{type(exc).__name__}: {exc}"
            words = "handler %r raised inside the recording transaction; it will run again"
            logger.warning(words, handler.name, exc_info=exc)
    transaction.insert(
        INSERT_JOB, (payment.bot_id, event_id, handler.consumer, payment.charge_id, state, attempts, None, error, 0)
    )
    return rejection


def call_with_connection(
    transaction: Transaction, handler: Handler, payment: Payment, host: Callable[[], Mapping[str, object]]
) -> None:
    """Call a handler with the transaction's connection.

    Raises:
        HandlerError: the function turned out to be asynchronous, so it has not run.
    """
    about = {"refund": find_refund(transaction, payment.bot_id, payment.charge_id)} if handler.takes_refund else {}
    connection, result = transaction.connection, PaymentResult.of(payment)
    arguments = handler.arguments(result, context=None, connection=connection, host=host, about=about)
    inside = _INSIDE.set(True)
    try:
        handler.function(**arguments)
    finally:
        _INSIDE.reset(inside)


def is_inside_transaction() -> bool:
    """Whether the caller is a handler with a connection; to wait for another unit of work would be to wait for itself."""
    return _INSIDE.get()
