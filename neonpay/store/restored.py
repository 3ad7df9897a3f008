"""When the ledger was put in the place of one that is lost, and what that one may have done."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from neonpay.ledger import Transaction
from neonpay.ledger.tables_backup import restores

FENCE: Final = (
    sa.select(sa.func.max(sa.type_coerce(restores.c.fence_at, sa.BigInteger)))
    .where(restores.c.bot_id == sa.literal_column("0"))
    .scalar_subquery()
)
"""The moment until which the ledger that is lost may have done what this one does not know of; null when there is none."""


def fence_us(transaction: Transaction) -> int:
    """That moment in microseconds; 0 when there is none."""
    return int(transaction.connection.execute(sa.select(sa.func.coalesce(FENCE, 0))).scalar_one())
