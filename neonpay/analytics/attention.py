"""What waits for a person now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from neonpay.analytics.figures import Attention
from neonpay.analytics.measures import microseconds_of
from neonpay.analytics.scope import Scope
from neonpay.core.clock import microseconds
from neonpay.core.job_states import JobState
from neonpay.core.payments import PaymentState
from neonpay.core.requests import RequestState
from neonpay.ledger import Transaction
from neonpay.ledger.tables import (
    IS_NOT_ACCEPTED,
    IS_PARKED,
    IS_UNFINISHED,
    jobs,
    payments,
    refund_requests,
    unexplained,
)
from neonpay.payments.waiting import count_waiting

_WAITING: Final = (PaymentState.NEEDS_ATTENTION.value, PaymentState.REFUND_DUE.value)
STUCK_AFTER: Final = timedelta(minutes=10)
"""How long after it was due a job counts as stuck."""


def attention(transaction: Transaction, scope: Scope, now: datetime) -> Attention:
    """What waits for a person now, whenever it began.

    Payments that wait for a person, and of these the ones that need a decision; payments whose refund is due and has not gone
    through. Jobs that have failed for the last time, jobs whose consumer no program has, and jobs that nobody has taken up ten
    minutes after they were due. Requests for refunds that nobody has decided, and payments that Telegram's list does not have.
    Jobs and requests are counted for all stages.
    """
    waiting = _waiting(transaction, scope)
    parked = _parked(transaction, scope)
    undecided = waiting.get(PaymentState.NEEDS_ATTENTION.value, (0, 0))
    going_back = waiting.get(PaymentState.REFUND_DUE.value, (0, 0))
    late = microseconds(now - STUCK_AFTER)
    return Attention(
        payments=count_waiting(transaction, scope.bot_ids, scope.stage_ids),
        undecided=undecided[0],
        undecided_stars=undecided[1],
        going_back=going_back[0],
        going_back_stars=going_back[1],
        dead=parked.get(JobState.DEAD.value, 0),
        stranded=parked.get(JobState.STRANDED.value, 0),
        stuck=_count(transaction, jobs, scope.has(jobs.c.bot_id), IS_UNFINISHED, microseconds_of(jobs.c.run_at) < late),
        requests=_count(
            transaction,
            refund_requests,
            scope.has(refund_requests.c.bot_id),
            refund_requests.c.state == RequestState.OPEN.value,
        ),
        unexplained=_count(transaction, unexplained, scope.has(unexplained.c.bot_id)),
    )


def _waiting(transaction: Transaction, scope: Scope) -> dict[str, tuple[int, int]]:
    query = (
        sa.select(payments.c.state, sa.func.count(), sa.func.sum(payments.c.amount_stars))
        .where(scope.has(payments.c.bot_id, payments.c.stage_id), IS_NOT_ACCEPTED, payments.c.state.in_(_WAITING))
        .group_by(payments.c.state)
    )
    return {str(state): (int(number), int(stars)) for state, number, stars in transaction.connection.execute(query)}


def _parked(transaction: Transaction, scope: Scope) -> dict[str, int]:
    query = sa.select(jobs.c.state, sa.func.count()).where(scope.has(jobs.c.bot_id), IS_PARKED).group_by(jobs.c.state)
    return {str(state): int(number) for state, number in transaction.connection.execute(query)}


def _count(transaction: Transaction, table: sa.Table, *where: sa.ColumnElement[Any]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(*where)
    return int(transaction.connection.execute(query).scalar_one())
