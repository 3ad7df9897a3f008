"""How far the rollups have come: whoever shows figures can say so where counting the rest at once would take long."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.analytics.marks import ROLLUP
from neonpay.analytics.scope import Scope
from neonpay.ledger import Transaction
from neonpay.ledger.tables import duties, sequences


@dataclass(frozen=True, slots=True)
class HowFar:
    """How many of the events that can be counted are in the rollups.

    Attributes:
        events: how many are.
        of: how many there are that have a number.
    """

    events: int
    of: int

    @property
    def left(self) -> int:
        """How many every report reads from the tables as yet."""
        return self.of - self.events


def how_far(transaction: Transaction, scope: Scope, *tasks: str) -> HowFar:
    """How far the rollups of these bots have come, by the task that is least far.

    Args:
        tasks: which tasks fill what is read; that of the rollups when left out.
    """
    names = tasks or (ROLLUP,)
    numbered = sa.select(sequences.c.bot_id, sequences.c.last_number).where(scope.has(sequences.c.bot_id))
    last = {int(bot_id): int(number) for bot_id, number in transaction.connection.execute(numbered)}
    come = sa.select(duties.c.bot_id, duties.c.name, duties.c.position)
    found = transaction.connection.execute(come.where(scope.has(duties.c.bot_id), duties.c.name.in_(names)))
    positions = {(int(bot_id), str(name)): int(position) for bot_id, name, position in found}
    events = sum(min(number, *(positions.get((bot_id, name), 0) for name in names)) for bot_id, number in last.items())
    return HowFar(events, sum(last.values()))
