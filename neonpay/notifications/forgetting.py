"""A subscriber that no program has any more is forgotten, since a rule that was taken out of the code wants nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from neonpay.core.clock import moment
from neonpay.ledger import Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.payments.consumers.declarations import Declarations
from neonpay.payments.consumers.registry import ConsumerKind, read_consumers

UNSEEN: Final = timedelta(days=8)
"""How long no program has had it. One that comes round each night or each week finds what waited for it; from the first day on
it is named as missed, like any consumer, with the line that retires it."""


def forget_subscribers(transaction: Transaction, bot_id: int, prefix: str, own: Collection[str]) -> list[str]:
    """The subscribers with such names that no program has had for long get no jobs, and what waited for them is dropped.

    Args:
        own: those of this program, which is alive.

    Returns:
        Their names.
    """
    now = moment(int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one()))
    gone = [
        one.consumer
        for one in read_consumers(transaction, bot_id)
        if one.kind is ConsumerKind.SUBSCRIBES
        and one.retired_at is None
        and one.consumer.startswith(prefix)
        and one.consumer not in own
        and one.seen_at < now - UNSEEN
    ]
    for name in gone:
        Declarations(bot_id).retire(transaction, name, drop=True)
    return gone
