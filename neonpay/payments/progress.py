"""What has become of a payment, in one word, and why it is not further."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import sqlalchemy as sa

from neonpay.core.job_states import JobState
from neonpay.core.payments import PaymentState
from neonpay.ledger.table_kit import is_text
from neonpay.ledger.tables import IS_NOT_ACCEPTED, IS_PARKED, IS_UNFINISHED, payments
from neonpay.ledger.tables import jobs as job_table
from neonpay.payments.consumers.selection import PLAN, REFUND
from neonpay.payments.handlers.registry import ON_PAYMENT
from neonpay.store.few_jobs import charges_of

if TYPE_CHECKING:
    from neonpay.core.payments import Payment
    from neonpay.store.job_rows import JobRecord

_HANDLER: Final = f"{ON_PAYMENT}:"
_UNDER_WAY: Final = frozenset({JobState.READY, JobState.LEASED})
_ENDED: Final = frozenset({JobState.DROPPED, JobState.INTERRUPTED, JobState.REJECTED})


class Progress(enum.StrEnum):
    """How far a payment is."""

    DELIVERED = "delivered"
    """Every handler has done its work."""
    WAITING = "waiting"
    """A handler has yet to run, runs, or is tried again."""
    DEAD = "dead"
    """A handler has failed for the last time, and a person has to retry it."""
    DROPPED = "dropped"
    """A handler was retired before it had run."""
    NEEDS_ATTENTION = "attention"
    """A person has to decide."""
    REFUND_DUE = "refund due"
    """Its Stars are to go back."""
    REFUNDED = "refunded"
    """Its Stars are back."""


_AS_STATE: Final = {
    PaymentState.NEEDS_ATTENTION: Progress.NEEDS_ATTENTION,
    PaymentState.REFUND_DUE: Progress.REFUND_DUE,
    PaymentState.REFUNDED: Progress.REFUNDED,
}


OF_FEW: Final = frozenset({Progress.WAITING, Progress.DEAD, *_AS_STATE.values()})
"""How far few payments are at any time: they are found by narrow indexes."""


class Standing(NamedTuple):
    """How far a payment is, and why; the handler and its error where one has failed."""

    progress: Progress
    why: str = ""
    handler: str | None = None
    error: str | None = None


def standing_of(payment: Payment, jobs: Sequence[JobRecord]) -> Standing:
    """How far a payment with these jobs is."""
    dead = next((job for job in jobs if job.state == JobState.DEAD), None)
    if payment.state is not PaymentState.ACCEPTED:
        if payment.attention is not None and payment.state is PaymentState.NEEDS_ATTENTION:
            return Standing(Progress.NEEDS_ATTENTION, payment.attention.value)
        progress = _AS_STATE[payment.state]
        return Standing(progress) if dead is None else _of_job(progress, dead)
    if dead is not None:
        return _of_job(Progress.DEAD, dead)
    of_delivery = [job for job in jobs if job.consumer == PLAN or job.consumer.startswith(_HANDLER)]
    if any(job.state == JobState.HELD for job in of_delivery):
        return Standing(Progress.WAITING, "a refund is under way")
    if any(job.consumer == REFUND and job.state in _UNDER_WAY for job in jobs):
        return Standing(Progress.DELIVERED, "a refund is under way")
    unfinished = [job for job in of_delivery if job.state != JobState.DONE and job.state not in _ENDED]
    if unfinished:
        return _of_job(Progress.WAITING, next((job for job in unfinished if job.error), unfinished[0]))
    ended = next((job for job in of_delivery if job.state in _ENDED), None)
    return Standing(Progress.DELIVERED) if ended is None else Standing(Progress.DROPPED, short_name(ended.consumer))


def is_so_far(progress: Progress, bot_id: int) -> sa.ColumnElement[bool]:
    """The condition on rows of the payments of a bot that ``standing_of`` says this of them."""
    state = next((state for state, of_it in _AS_STATE.items() if of_it is progress), PaymentState.ACCEPTED)
    is_in_state = is_text(payments.c.state, state.value)
    if state is not PaymentState.ACCEPTED:
        return sa.and_(is_in_state, IS_NOT_ACCEPTED)
    of_delivery = sa.or_(job_table.c.consumer == PLAN, job_table.c.consumer.startswith(_HANDLER, autoescape=True))
    is_dead = _has_job(bot_id, job_table.c.state == JobState.DEAD)
    is_held = _has_job(bot_id, of_delivery, job_table.c.state == JobState.HELD)
    goes_back = _has_job(bot_id, job_table.c.consumer == REFUND, job_table.c.state.in_(_UNDER_WAY))
    is_unfinished = _has_job(bot_id, of_delivery, job_table.c.state.not_in({JobState.DONE, *_ENDED}))
    has_ended = _has_job(bot_id, of_delivery, job_table.c.state.in_(_ENDED))
    at_rest = sa.and_(sa.not_(is_held), sa.not_(goes_back), sa.not_(is_unfinished))
    conditions: dict[Progress, sa.ColumnElement[bool]] = {
        Progress.DEAD: is_dead,
        Progress.WAITING: sa.or_(is_held, sa.and_(sa.not_(goes_back), is_unfinished)),
        Progress.DELIVERED: sa.or_(sa.and_(goes_back, sa.not_(is_held)), sa.and_(at_rest, sa.not_(has_ended))),
        Progress.DROPPED: sa.and_(at_rest, has_ended),
    }
    is_so = conditions[progress]
    if progress is Progress.DEAD:
        return sa.and_(is_in_state, _is_of_few(bot_id, progress), is_so)
    few = [_is_of_few(bot_id, progress)] if progress in OF_FEW else []
    return sa.and_(is_in_state, *few, sa.not_(is_dead), is_so)


def _is_of_few(bot_id: int, progress: Progress) -> sa.ColumnElement[bool]:
    """Whether a payment has a job in a narrow index, by which those are found that can be so far."""
    dead = charges_of(bot_id, IS_PARKED, job_table.c.state == JobState.DEAD)
    if progress is Progress.DEAD:
        return payments.c.charge_id.in_(dead)
    return payments.c.charge_id.in_(sa.union_all(*[charges_of(bot_id, few) for few in (IS_UNFINISHED, IS_PARKED)]))


def _has_job(bot_id: int, *such: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    is_its_job = (job_table.c.bot_id == bot_id, job_table.c.event_id == payments.c.event_id)
    return sa.exists().where(*is_its_job, *such)


def short_name(consumer: str) -> str:
    """A consumer as its program names it."""
    return consumer.removeprefix(_HANDLER)


def _of_job(progress: Progress, job: JobRecord) -> Standing:
    name = short_name(job.consumer)
    if job.consumer == PLAN:
        return Standing(progress, "no program has a handler for this stage")
    why = f"{name}: {job.error}".rstrip(": ") if job.error else name
    if job.state == JobState.STRANDED:
        why = f"{name}: no program has had it for a day"
    return Standing(progress, why, name, job.error)
