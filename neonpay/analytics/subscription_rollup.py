"""Keeps the steps of subscribers, so that reports need not go through what everybody has ever paid."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from neonpay.analytics.new_events import BOT, IS_NEW, NAMES, New
from neonpay.analytics.renewed import Renewed
from neonpay.analytics.subscription_periods import HAS_ENDS, PERIODS, firsts_in, periods_in, subscribers_of
from neonpay.analytics.subscription_steps import Step, steps
from neonpay.ledger import Among, Insert, Statement, Transaction
from neonpay.ledger.tables import payments
from neonpay.ledger.tables_rollups import rollup_subscriptions

_STEPS: Final = rollup_subscriptions.c
_TOUCHED: Final = Statement(subscribers_of(IS_NEW), *NAMES)
_GONE: Final = Among(
    lambda users: sa.delete(rollup_subscriptions).where(_STEPS.bot_id == BOT, _STEPS.user_id.in_(users)), BOT.key
)
_PAID: Final = Among(
    lambda users: PERIODS.where(payments.c.bot_id == BOT, payments.c.user_id.in_(users), HAS_ENDS),
    BOT.key,
)
_INSERT: Final = Insert(rollup_subscriptions, *[column.name for column in rollup_subscriptions.c])


def renew_subscribers(transaction: Transaction, new: New, renewed: Renewed) -> None:
    """Whoever these events are about has the steps that follow from the payments as they are now, and no others."""
    users = renewed.left([int(user_id) for _, user_id in transaction.rows(_TOUCHED, *new)], new.last)
    if not users:
        return
    transaction.execute_among(_GONE, (new.bot_id,), users)
    paid = transaction.rows_among(_PAID, (new.bot_id,), users)
    first = firsts_in(paid)
    rows = [_row(step, first[step.subscriber]) for step in steps(periods_in(paid, 0))]
    if rows:
        transaction.insert(_INSERT, *rows)


def _row(step: Step, first_us: int) -> tuple[object, ...]:
    """As the columns of the table stand."""
    return (
        *step.subscriber,
        step.stage_id,
        step.at_us,
        step.until_us,
        step.ends_us,
        step.stars_before,
        step.stars,
        step.active_before,
        step.active,
        int(step.renews),
        step.churn,
        first_us,
    )
