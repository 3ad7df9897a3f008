"""Keeps the steps of subscribers, so that reports need not go through what everybody has ever paid."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from neonpay.analytics.new_events import BOT, IS_NEW, NAMES, New
from neonpay.analytics.subscription_periods import PERIODS, firsts_in, periods_in, subscribers_of
from neonpay.analytics.subscription_steps import Step, steps
from neonpay.ledger import Insert, Statement, Transaction
from neonpay.ledger.tables import payments
from neonpay.ledger.tables_rollups import rollup_subscriptions

_STEPS: Final = rollup_subscriptions.c
_ABOUT: Final = subscribers_of(IS_NEW).subquery("about")
_TOUCHED: Final = sa.select(_ABOUT.c.user_id)
_GONE: Final = Statement(
    sa.delete(rollup_subscriptions).where(_STEPS.bot_id == BOT, _STEPS.user_id.in_(_TOUCHED)), *NAMES
)
_PAID: Final = Statement(
    PERIODS.where(
        payments.c.bot_id == BOT, payments.c.user_id.in_(_TOUCHED), payments.c.subscription_expires_at.is_not(None)
    ),
    *NAMES,
)
_INSERT: Final = Insert(rollup_subscriptions, *[column.name for column in rollup_subscriptions.c])


def renew_subscribers(transaction: Transaction, new: New) -> None:
    """Whoever these events are about has the steps that follow from the payments as they are now, and no others."""
    transaction.execute(_GONE, *new)
    paid = transaction.rows(_PAID, *new)
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
