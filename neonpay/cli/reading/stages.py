"""What there is to ask for, for somebody whose question has found nothing."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from neonpay.ledger import Transaction
from neonpay.ledger.tables import stages


def offered_stages(transaction: Transaction, bots: Sequence[int]) -> list[str]:
    """The stages that were ever offered: each is kept when it is offered first, so nothing that was sold has to be read."""
    query = sa.select(stages.c.stage_id).where(stages.c.bot_id.in_(bots)).distinct().order_by(stages.c.stage_id)
    return list(transaction.connection.execute(query).scalars())
