"""The deliveries of a payment while its Stars are on their way back: held, let go on, or over."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from neonpay.core.job_states import JobState
from neonpay.ledger import Transaction
from neonpay.ledger.tables import jobs
from neonpay.payments.consumers.selection import PLAN, REFUND, THANK_YOU
from neonpay.payments.handlers.registry import ON_PAYMENT

DELIVERS = sa.or_(jobs.c.consumer.startswith(f"{ON_PAYMENT}:"), jobs.c.consumer.in_((THANK_YOU, PLAN)))
"""The jobs that are for nothing once the Stars go back."""
_GRANTED = frozenset({JobState.DONE, JobState.LEASED, JobState.INTERRUPTED})
"""States of a handler's job in which it has delivered, or may have begun to."""


def finish_refund_job(transaction: Transaction, bot_id: int, event_id: str) -> None:
    """The outcome of a refund is known.

    Whoever has its job leased: an attempt that is still under way can only find the same.
    """
    this = (jobs.c.bot_id == bot_id, jobs.c.event_id == event_id, jobs.c.consumer == REFUND)
    transaction.connection.execute(sa.update(jobs).where(*this).values(state=JobState.DONE, token=None, error=None))


def drop_jobs(transaction: Transaction, bot_id: int, event_id: str) -> bool:
    """End what was not delivered yet; whether a handler has delivered something, or may have."""
    of_payment = (jobs.c.bot_id == bot_id, jobs.c.event_id == event_id, DELIVERS)
    found = sa.select(jobs.c.consumer, jobs.c.state).where(*of_payment).order_by(jobs.c.consumer).with_for_update()
    states = transaction.connection.execute(found).all()
    move_jobs(transaction, bot_id, event_id, (JobState.LEASED,), JobState.INTERRUPTED, token=None)
    ended = (JobState.READY, JobState.DEAD, JobState.HELD, JobState.STRANDED)
    move_jobs(transaction, bot_id, event_id, ended, JobState.DROPPED, token=None)
    return any(state in _GRANTED and consumer.startswith(f"{ON_PAYMENT}:") for consumer, state in states)


def move_jobs(
    transaction: Transaction,
    bot_id: int,
    event_id: str,
    states: Sequence[str],
    state: str,
    *where: sa.ColumnElement[bool],
    **values: object,
) -> None:
    """Bring the deliveries of a payment from some states into another one."""
    of_payment = (jobs.c.bot_id == bot_id, jobs.c.event_id == event_id, DELIVERS, jobs.c.state.in_(states))
    transaction.connection.execute(sa.update(jobs).where(*of_payment, *where).values(state=state, **values))
