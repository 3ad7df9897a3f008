"""Which payments only a person can help: a decision, a delivery that was given up, a refund that Telegram refuses.

Their conditions go by the narrow indexes of what is parked, so that they read what waits and not what was ever sold.
"""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.core.job_states import JobState
from neonpay.core.payments import PaymentState, RefundState
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import IS_NOT_ACCEPTED, IS_PARKED, IS_UNFINISHED, consumers, jobs, payments, refunds
from neonpay.payments.consumers.fan_out import UNSEEN_US
from neonpay.payments.handlers.registry import ON_PAYMENT, ON_REFUND


def is_left_alone() -> sa.ColumnElement[bool]:
    """Whether an unfinished job is one of a handler that no program of the shop has had for a day, or ever."""
    alive = sa.exists().where(
        consumers.c.bot_id == jobs.c.bot_id,
        consumers.c.consumer == jobs.c.consumer,
        consumers.c.seen_at > DatabaseNow() - UNSEEN_US,
    )
    is_handlers = sa.or_(*[jobs.c.consumer.startswith(f"{kind}:") for kind in (ON_PAYMENT, ON_REFUND)])
    return sa.and_(IS_UNFINISHED, is_handlers, sa.not_(alive))


def needs_person(bot_id: int) -> sa.ColumnElement[bool]:
    """Whether a payment of a bot waits for a person and goes on without nobody."""
    decide = sa.select(payments.c.charge_id).where(
        payments.c.bot_id == bot_id,
        IS_NOT_ACCEPTED,
        payments.c.state == sa.literal_column(f"'{PaymentState.NEEDS_ATTENTION.value}'"),
    )
    of_bot = sa.select(jobs.c.charge_id).where(jobs.c.bot_id == bot_id, jobs.c.charge_id.is_not(None))
    given_up = of_bot.where(IS_PARKED, jobs.c.state.in_((JobState.DEAD.value, JobState.STRANDED.value)))
    left_alone = of_bot.where(is_left_alone())
    refused = sa.select(refunds.c.charge_id).where(
        refunds.c.bot_id == bot_id, refunds.c.state == RefundState.FAILED.value
    )
    waits = sa.union_all(decide, given_up, left_alone, refused).subquery()
    return payments.c.charge_id.in_(sa.select(waits.c.charge_id))
