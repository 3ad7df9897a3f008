"""The fact that a payment was delivered, written with the marker of the last of its handlers."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from enum import Enum
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core.events import PaymentDelivered
from neonpay.core.job_states import JobState
from neonpay.core.payments import Payment
from neonpay.ledger import Among, Transaction
from neonpay.ledger.tables import events, jobs
from neonpay.payments.handlers.registry import ON_PAYMENT
from neonpay.payments.jobs import Enlisted, finish
from neonpay.payments.jobs_together import finish_all
from neonpay.store.entries import about, event_row, publish_rows
from neonpay.store.ids import twin_id
from neonpay.store.job_rows import Job

_PAYMENT_HANDLER = f"{ON_PAYMENT}:"
_UNDELIVERED = Among(
    lambda event_ids: sa.select(jobs.c.event_id).where(
        jobs.c.bot_id == sa.bindparam("b"),
        jobs.c.event_id.in_(event_ids),
        jobs.c.consumer > sa.literal_column(f"'{ON_PAYMENT}:'"),
        jobs.c.consumer < sa.literal_column(f"'{ON_PAYMENT};'"),
        jobs.c.state != sa.literal_column(f"'{JobState.DONE}'"),
        jobs.c.state != sa.literal_column(f"'{JobState.DROPPED}'"),  # a person has ended it
    ),
    "b",
)

_WRITTEN = Among(
    lambda ids: sa.select(events.c.event_id, sa.type_coerce(events.c.at, sa.BigInteger)).where(
        events.c.bot_id == sa.bindparam("b"), events.c.event_id.in_(ids)
    ),
    "b",
)


class Finished(NamedTuple):
    """A job whose handler has returned, and when."""

    job: Job
    payment: Payment
    at_us: int


class Finish(Enum):
    """What has become of a finished job."""

    LOST = "lost"
    """It was its holder's no longer."""
    KEPT = "kept"
    """It is done, and says nothing about the delivery of a payment."""
    WAITS = "waits"
    """It is done, and other handlers of its payment are not, as far as this transaction sees."""
    DELIVERED = "delivered"
    """It is done and was the last handler of its payment, which was written."""


class Concluded(NamedTuple):
    """What a handler has come to that ran in its own transaction, and when.

    Attributes:
        delivered: the fact itself, by which a unit that runs again knows that it was kept.
    """

    finish: Finish
    at_us: int
    delivered: PaymentDelivered | None


def finish_each(transaction: Transaction, finished: Sequence[Finished]) -> list[Finish]:
    """The unit of work that marks jobs as done, and payments as delivered that have no handler left."""
    kept = finish_all(transaction, [one.job for one in finished])
    delivering = [one for one, is_kept in zip(finished, kept, strict=True) if is_kept and delivers(one.job)]
    told, waiting = tell_delivered(transaction, delivering) if delivering else _NOTHING
    return [
        _come_to(one.job, told, waiting) if is_kept else Finish.LOST
        for one, is_kept in zip(finished, kept, strict=True)
    ]


def finish_with(
    transaction: Transaction, one: Finished, enlisted: Enlisted, also: Callable[[Transaction], None] | None = None
) -> Finish:
    """The unit of work that marks a job as done together with the statements that its handler enlisted.

    Args:
        also: writes what else belongs into the same transaction.

    Raises:
        LeaseLostError: the job is another worker's; neither marker nor statements were kept.
    """
    finish(transaction, one.job, enlisted)
    if also is not None:
        also(transaction)
    told, waiting = tell_delivered(transaction, [one]) if delivers(one.job) else _NOTHING
    return _come_to(one.job, told, waiting)


def _come_to(job: Job, told: Container[int], waiting: Container[str]) -> Finish:
    if job.token in told:
        return Finish.DELIVERED
    return Finish.WAITS if job.event_id in waiting and delivers(job) else Finish.KEPT


def delivers(job: Job) -> bool:
    """Whether a job is a payment handler's."""
    return job.consumer.startswith(_PAYMENT_HANDLER)


class Told(NamedTuple):
    """What was written of payments whose handlers are done.

    Attributes:
        tokens: of the jobs with which it was written, one for each payment; not of those that had it before.
        waiting: the events of payments that have handlers which are not done.
    """

    tokens: Container[int]
    waiting: Container[str]


_NOTHING = Told((), ())


def tell_delivered(transaction: Transaction, finished: Sequence[Finished]) -> Told:
    """Write which payments of these are delivered, unless it is written."""
    by_event = {one.job.event_id: one for one in finished}
    bot_id = finished[0].job.bot_id
    # Most payments have one handler, which the one who recorded them remembers: their jobs are not looked through.
    unsure = [one.job.event_id for one in finished if not one.job.is_alone]
    waiting = {row[0] for row in transaction.rows_among(_UNDELIVERED, (bot_id,), unsure)} if unsure else set()
    for event_id in waiting:
        del by_event[event_id]
    if not by_event:
        return Told((), waiting)
    # Rows and not events, which nobody may want to hear of: one is written for every payment.
    rows = [_row(event_id, one.payment, one.at_us) for event_id, one in by_event.items()]
    if publish_rows(transaction, rows) < len(rows):
        twins = {twin_id(event_id): one for event_id, one in by_event.items()}
        written = transaction.rows_among(_WRITTEN, (bot_id,), list(twins))
        told = [twins[twin] for twin, at_us in written if at_us == twins[twin].at_us]
        return Told({one.job.token for one in told}, waiting)
    return Told({one.job.token for one in by_event.values()}, waiting)


def has_undelivered(transaction: Transaction, job: Job) -> bool:
    """Whether the payment that a job is about has handlers that are not done."""
    return bool(transaction.rows_among(_UNDELIVERED, (job.bot_id,), [job.event_id]))


def delivered_event(one: Finished) -> PaymentDelivered:
    """What ``tell_delivered`` has written."""
    return about(PaymentDelivered, one.payment, event_id=twin_id(one.job.event_id), at_us=one.at_us)


def _row(event_id: str, payment: Payment, at_us: int) -> tuple[object, ...]:
    # The fact of one payment, whoever writes it, has one id.
    return event_row(
        payment.bot_id,
        twin_id(event_id),
        PaymentDelivered.name,
        at_us,
        payment.user_id,
        payment.stage_id,
        payment.invoice_id,
        payment.charge_id,
        payment.amount_stars,
        None,
    )
