"""The fact that a payment was delivered, written with the marker of the last of its handlers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core.clock import microseconds
from neonpay.core.events import PaymentDelivered
from neonpay.core.job_states import JobState
from neonpay.core.payments import Payment
from neonpay.ledger import Among, Transaction
from neonpay.ledger.tables import jobs
from neonpay.payments.handlers.registry import ON_PAYMENT
from neonpay.payments.jobs import Enlisted, finish, finish_all
from neonpay.store.entries import about, publish
from neonpay.store.ids import following_id
from neonpay.store.job_rows import Job

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

    @property
    def delivers(self) -> bool:
        """Whether it was a payment handler's."""
        return self.job.consumer.startswith(f"{ON_PAYMENT}:")


class Finish(NamedTuple):
    """What has become of a finished job.

    Attributes:
        is_kept: whether the job was still its holder's, and is done now.
        delivered: written when it was the last one of its payment.
        waits: whether other handlers of the payment are not done, as far as this transaction sees.
    """

    is_kept: bool
    delivered: PaymentDelivered | None = None
    waits: bool = False


def finish_each(transaction: Transaction, finished: Sequence[Finished]) -> list[Finish]:
    """The unit of work that marks jobs as done, and payments as delivered that have no handler left."""
    kept = finish_all(transaction, [one.job for one in finished])
    delivering = [one for one, is_kept in zip(finished, kept, strict=True) if is_kept and one.delivers]
    told = tell_delivered(transaction, delivering) if delivering else {}
    return [
        Finish(is_kept, told.get(one.job.event_id), is_kept and one.delivers and one.job.event_id not in told)
        for one, is_kept in zip(finished, kept, strict=True)
    ]


def finish_with(transaction: Transaction, one: Finished, enlisted: Enlisted) -> Finish:
    """The unit of work that marks a job as done together with the statements that its handler enlisted.

    Raises:
        LeaseLostError: the job is another worker's; neither marker nor statements were kept.
    """
    finish(transaction, one.job, enlisted)
    told = tell_delivered(transaction, [one]) if one.delivers else {}
    return Finish(True, told.get(one.job.event_id), one.delivers and not told)


def tell_delivered(transaction: Transaction, finished: Sequence[Finished]) -> Mapping[str, PaymentDelivered]:
    """Write which payments of these are delivered, unless it is written; the facts by the event of their payment."""
    by_event = {one.job.event_id: one for one in finished}
    bot_id = finished[0].job.bot_id
    undelivered = {row[0] for row in transaction.rows_among(_UNDELIVERED, (bot_id,), list(by_event))}
    told = {event_id: _fact(one) for event_id, one in by_event.items() if event_id not in undelivered}
    if told:
        publish(transaction, *told.values())
    return told


def has_undelivered(transaction: Transaction, job: Job) -> bool:
    """Whether the payment that a job is about has handlers that are not done."""
    return bool(transaction.rows_among(_UNDELIVERED, (job.bot_id,), [job.event_id]))


def _fact(one: Finished) -> PaymentDelivered:
    # Of the time of the payment, so that it lies beside it: the fact of one payment, whoever writes it, has one id.
    event_id = following_id(one.job.bot_id, f"delivered {one.payment.charge_id}", microseconds(one.payment.recorded_at))
    return about(PaymentDelivered, one.payment, event_id=event_id, at_us=one.at_us)
