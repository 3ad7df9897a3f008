"""Keeps the steps of subscribers, so that reports need not go through what everybody has ever paid."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from neonpay.analytics.scope import Scope
from neonpay.analytics.subscription_periods import first_ever, periods_of, subscribers_of
from neonpay.analytics.subscription_steps import steps
from neonpay.ledger import Transaction
from neonpay.ledger.tables_rollups import rollup_subscriptions

_AT_ONCE: Final = 500


def renew_subscribers(transaction: Transaction, bot_id: int, new: sa.ColumnElement[bool]) -> None:
    """Whoever these events are about has the steps that follow from the payments as they are now, and no others."""
    about = transaction.connection.execute(subscribers_of(new))
    touched = sorted({int(row.user_id) for row in about})
    for start in range(0, len(touched), _AT_ONCE):
        users = touched[start : start + _AT_ONCE]
        s = rollup_subscriptions.c
        gone = sa.delete(rollup_subscriptions).where(s.bot_id == bot_id, s.user_id.in_(users))
        transaction.connection.execute(gone)
        found = list(steps(periods_of(transaction, bot_id, users)))
        first = first_ever(transaction, Scope((bot_id,)), [(bot_id, user_id) for user_id in users])
        rows = [
            {
                "bot_id": bot_id,
                "user_id": step.subscriber[1],
                "stage_id": step.stage_id,
                "at": step.at_us,
                "until_at": step.until_us,
                "ends_at": step.ends_us,
                "stars_before": step.stars_before,
                "stars": step.stars,
                "active_before": step.active_before,
                "active": step.active,
                "renews": int(step.renews),
                "churn": step.churn,
                "first_at": first[step.subscriber],
            }
            for step in found
        ]
        if rows:
            transaction.connection.execute(sa.insert(rollup_subscriptions), rows)
