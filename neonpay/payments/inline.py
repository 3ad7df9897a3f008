"""Handlers that run inside the transaction that records their payment."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from neonpay.core.payments import Payment, PaymentResult
from neonpay.ledger import Transaction
from neonpay.payments.handlers import Handler
from neonpay.payments.jobs import INSERT_JOB

logger = logging.getLogger("neonpay.payments")


def run_inside(
    transaction: Transaction,
    handler: Handler,
    payment: Payment,
    event_id: str,
    host: Callable[[], Mapping[str, object]],
) -> None:
    """Run a handler in the recording transaction and write its job as done; its writes and the payment stand or fall together.

    A handler that raises undoes only its own writes: the payment stays recorded and the job is left due at once, to run in a
    transaction of its own.
    """
    connection = transaction.connection
    state, attempts, error = "done", 1, None
    savepoint = connection.begin_nested()
    try:
        call_with_connection(transaction, handler, payment, host)
        savepoint.commit()
    except Exception as exc:  # a handler's fault must not undo the record of money that arrived
        savepoint.rollback()
        logger.warning(
            "handler %r raised inside the recording transaction; it will run again", handler.name, exc_info=exc
        )
        state, error = "ready", f"{type(exc).__name__}: {exc}"
    transaction.insert(
        INSERT_JOB, (payment.bot_id, event_id, handler.consumer, payment.charge_id, state, attempts, None, error, 0)
    )


def call_with_connection(
    transaction: Transaction, handler: Handler, payment: Payment, host: Callable[[], Mapping[str, object]]
) -> None:
    """Call a handler with the transaction's connection.

    Raises:
        HandlerError: the function turned out to be asynchronous, so it has not run.
    """
    given = handler.arguments(PaymentResult.of(payment), context=None, connection=transaction.connection, host=host)
    handler.function(**given)
