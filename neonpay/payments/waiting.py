"""Which payments only a person can help: a decision, a delivery that was given up, a refund that Telegram refuses.

The one definition of it: pages, reports and monitoring count by it. Its conditions go by the narrow indexes of what is parked,
so that they read what waits and not what was ever sold.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import sqlalchemy as sa

from neonpay.core.job_states import JobState
from neonpay.core.payments import PaymentState
from neonpay.ledger import Statement, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import (
    IS_NOT_ACCEPTED,
    IS_PARKED,
    IS_REFUSED,
    IS_UNFINISHED,
    consumers,
    jobs,
    payments,
    refunds,
)
from neonpay.payments.consumers.fan_out import UNSEEN_US
from neonpay.payments.handlers.registry import ON_PAYMENT, ON_REFUND
from neonpay.store.few_jobs import charges_of

_GIVEN_UP: Final[list[sa.ColumnElement[str]]] = [
    sa.literal_column(f"'{state.value}'", sa.Text) for state in (JobState.DEAD, JobState.STRANDED)
]


def is_left_alone() -> sa.ColumnElement[bool]:
    """Whether an unfinished job is one of a handler that no program of the shop has had for a day, or ever."""
    alive = sa.exists().where(
        consumers.c.bot_id == jobs.c.bot_id,
        consumers.c.consumer == jobs.c.consumer,
        consumers.c.seen_at > DatabaseNow() - UNSEEN_US,
    )
    return sa.and_(IS_UNFINISHED, is_of_handler(), sa.not_(alive))


def is_of_handler() -> sa.ColumnElement[bool]:
    """Whether a job is one of a handler, and not of what neonpay or an extension does."""
    return sa.or_(*[jobs.c.consumer.startswith(f"{kind}:") for kind in (ON_PAYMENT, ON_REFUND)])


def needs_person(bot_id: int) -> sa.ColumnElement[bool]:
    """Whether a payment of a bot waits for a person and goes on without nobody."""
    decide = sa.select(payments.c.charge_id).where(
        payments.c.bot_id == bot_id,
        IS_NOT_ACCEPTED,
        payments.c.state == sa.literal_column(f"'{PaymentState.NEEDS_ATTENTION.value}'"),
    )
    given_up = charges_of(bot_id, IS_PARKED, jobs.c.state.in_(_GIVEN_UP))
    left_alone = charges_of(bot_id, is_left_alone())
    refused = sa.select(refunds.c.charge_id).where(refunds.c.bot_id == bot_id, IS_REFUSED)
    waits = sa.union_all(decide, given_up, left_alone, refused).subquery()
    return payments.c.charge_id.in_(sa.select(waits.c.charge_id))


def count_waiting(transaction: Transaction, bot_ids: Sequence[int], stage_ids: Sequence[str] | None = None) -> int:
    """How many payments of these bots wait for a person, of all stages or of these."""
    kept = None if stage_ids is None else tuple(stage_ids)
    return sum(int(transaction.rows(_counting(bot_id, kept))[0][0]) for bot_id in bot_ids)


@lru_cache(100)
def _counting(bot_id: int, stage_ids: tuple[str, ...] | None) -> Statement:
    """The statement that counts them, kept because every page asks."""
    query = sa.select(sa.func.count()).select_from(payments).where(payments.c.bot_id == bot_id, needs_person(bot_id))
    if stage_ids is not None:
        query = query.where(payments.c.stage_id.in_([sa.literal(one, sa.Text) for one in stage_ids]))
    return Statement(query)
