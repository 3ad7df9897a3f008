"""Soft events go when their time is over: a few at a time, so that nobody who sells waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables_tracking import soft_events

_AT_ONCE: Final = 500
_DAY_US: Final = timedelta(days=1) // timedelta(microseconds=1)


async def clean(ledger: Ledger, bot_id: int, keep_days: int, keep_days_of: Mapping[str, int]) -> int:
    """Remove the soft events of a bot that are older than their kind is kept, by the database's clock; how many there were.

    First touches stay: they are a fact about a person, and go with the person.

    Raises:
        LedgerError: the database failed; what was removed by then is gone.
    """
    removed = 0
    for kind in await ledger.read(kinds_of, bot_id):
        while count := await ledger.run(_remove, bot_id, kind, keep_days_of.get(kind, keep_days)):
            removed += count
            if count < _AT_ONCE:
                break
    return removed


def kinds_of(transaction: Transaction, bot_id: int) -> list[str]:
    """The kinds that a bot has, each found by one step in the index."""
    found: list[str] = []
    kind = soft_events.c.kind
    while True:
        query = sa.select(kind).where(soft_events.c.bot_id == bot_id)
        if found:
            query = query.where(kind > found[-1])
        following = transaction.connection.execute(query.order_by(kind).limit(1)).scalar()
        if following is None:
            return found
        found.append(str(following))


def _remove(transaction: Transaction, bot_id: int, kind: str, keep_days: int) -> int:
    connection = transaction.connection
    until_us = int(connection.execute(sa.select(DatabaseNow())).scalar_one()) - keep_days * _DAY_US
    old = (
        sa.select(soft_events.c.event_id)
        .where(soft_events.c.bot_id == bot_id, soft_events.c.kind == kind, soft_events.c.at < until_us)
        .limit(_AT_ONCE)
    )
    return connection.execute(
        sa.delete(soft_events).where(soft_events.c.bot_id == bot_id, soft_events.c.event_id.in_(old))
    ).rowcount
