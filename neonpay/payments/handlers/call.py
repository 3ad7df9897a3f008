"""One call of one handler outside of transactions: on the event loop, or in a thread."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from neonpay.core.log_lines import HANDLER_ENDED_ELSEWHERE
from neonpay.core.payments import Payment
from neonpay.payments.foreign_code import contained, refuse_unrun
from neonpay.payments.handlers.registry import Form, Handler, handler_name
from neonpay.payments.threads import Threads
from neonpay.store.job_rows import Job


async def run_handler(handler: Handler, given: Mapping[str, Any], job: Job, threads: Threads) -> None:
    """Call a handler and wait until it has returned; what it raises is ``contained``.

    Raises:
        HandlerError: the function turned out to be a generator, or to return one, so none of its lines has run.
    """
    try:
        if handler.form is Form.THREAD:
            outcome = await threads.run(job, handler.function, **given)
        else:
            outcome = handler.function(**given)
        if inspect.isawaitable(outcome):
            outcome = await outcome
    except GeneratorExit:
        raise  # the coroutine is being thrown away, with everything that waits for it
    except BaseException as exc:  # noqa: BLE001  # somebody else's code may raise whatever it likes
        error = contained(exc)
    else:
        if outcome is not None:
            refuse_unrun(outcome, f"handler {handler.name!r}")
        return
    raise error


def context_of(handler: Handler, job: Job, payment: Payment) -> Mapping[str, object]:
    """What middlewares are told of an attempt."""
    return {
        "handler": handler.name,
        "attempt": job.attempts,
        "user_id": payment.user_id,
        "stage_id": payment.stage_id,
        "charge_id": payment.charge_id,
    }


def ended_elsewhere(job: Job) -> None:
    """Tell that an attempt has come to nothing, which is nobody's fault."""
    HANDLER_ENDED_ELSEWHERE.tell(job, handler=handler_name(job.consumer), attempt=job.attempts)
