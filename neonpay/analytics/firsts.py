"""When people have paid first: from the rollup of buyers, or from the payments where it does not say."""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.analytics.marks import Marks, Numbers, marks
from neonpay.analytics.measures import IN_STARS, microseconds_of
from neonpay.analytics.rollups import buyers
from neonpay.analytics.scope import Scope
from neonpay.ledger import Transaction
from neonpay.ledger.tables import payments


def buyer_marks(transaction: Transaction, scope: Scope) -> Marks:
    """How far the rollup of buyers has come, which knows nothing of stages."""
    return {} if scope.stage_ids is not None else marks(transaction, scope)


def first_payments(scope: Scope, after: Marks | Numbers) -> sa.Select[tuple[int, int]]:
    """The user ids of buyers, and when each has paid ``first``.

    Args:
        after: what ``buyer_marks`` says.
    """
    if after:
        known = buyers(after).subquery("known")
        if len(scope.bot_ids) == 1:  # by whose first payment they are found
            return sa.select(known.c.user_id, known.c.first)
        return sa.select(known.c.user_id, sa.func.min(known.c.first).label("first")).group_by(known.c.user_id)
    return (
        sa.select(payments.c.user_id, sa.func.min(microseconds_of(payments.c.paid_at)).label("first"))
        .where(IN_STARS, scope.has(payments.c.bot_id, payments.c.stage_id))
        .group_by(payments.c.user_id)
    )
