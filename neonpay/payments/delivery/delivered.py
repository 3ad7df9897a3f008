"""The fact that a payment was delivered, written with the marker of the last of its handlers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core.events import PaymentDelivered
from neonpay.core.job_states import JobState
from neonpay.core.payments import Payment
from neonpay.ledger import Among, Transaction
from neonpay.ledger.tables import jobs
from neonpay.payments.handlers.registry import ON_PAYMENT
from neonpay.payments.jobs import Enlisted, finish, finish_all
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


def finish_each(transaction: Transaction, finished: Sequence[Finished]) -> list[Finish]:
    """The unit of work that marks jobs as done, and payments as delivered that have no handler left."""
    kept = finish_all(transaction, [one.job for one in finished])
    delivering = [one for one, is_kept in zip(finished, kept, strict=True) if is_kept and delivers(one.job)]
    if not delivering:
        return [Finish.KEPT if is_kept else Finish.LOST for is_kept in kept]
    told = tell_delivered(transaction, delivering)
    return [
        (Finish.DELIVERED if one.job.event_id in told else Finish.WAITS if delivers(one.job) else Finish.KEPT)
        if is_kept
        else Finish.LOST
        for one, is_kept in zip(finished, kept, strict=True)
    ]


def finish_with(transaction: Transaction, one: Finished, enlisted: Enlisted) -> Finish:
    """The unit of work that marks a job as done together with the statements that its handler enlisted.

    Raises:
        LeaseLostError: the job is another worker's; neither marker nor statements were kept.
    """
    finish(transaction, one.job, enlisted)
    if not delivers(one.job):
        return Finish.KEPT
    return Finish.DELIVERED if tell_delivered(transaction, [one]) else Finish.WAITS


def delivers(job: Job) -> bool:
    """Whether a job is a payment handler's."""
    return job.consumer.startswith(_PAYMENT_HANDLER)


def tell_delivered(transaction: Transaction, finished: Sequence[Finished]) -> Collection[str]:
    """Write which payments of these are delivered, unless it is written; they are named by the event of the payment."""
    by_event = {one.job.event_id: one for one in finished}
    bot_id = finished[0].job.bot_id
    for (event_id,) in transaction.rows_among(_UNDELIVERED, (bot_id,), list(by_event)):
        by_event.pop(event_id, None)
    if by_event:
        # Rows and not events, which nobody may want to hear of: one is written for every payment.
        rows = [_row(event_id, one.payment, one.at_us) for event_id, one in by_event.items()]
        publish_rows(transaction, rows)
    return by_event.keys()


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
