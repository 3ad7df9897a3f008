"""How far the rollups have come, and which events are newer than what they have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Final

import sqlalchemy as sa

from neonpay.analytics.scope import Scope
from neonpay.ledger import Statement, Transaction
from neonpay.ledger.tables import duties, events, sequences
from neonpay.store.sequence import unnumbered_ids

TASK: Final = "rollup"
ROLLUP: Final = f"analytics:{TASK}"
"""The periodic task of the extension, whose position says up to which number the rollups have come."""
_NEAR: Final = 20_000
"""Events that are read from the tables where no rollup has them."""

Marks = Mapping[int, int]
"""Up to which number the events of each bot are in the rollups."""


Numbers = Mapping[int, sa.BindParameter[int]]
"""The same as parameters of a statement that is kept."""


def marks(transaction: Transaction, scope: Scope, task: str = ROLLUP) -> Marks:
    """How far the rollups of these bots have come that a task fills; empty when there are none."""
    found = transaction.rows(_marks(scope.bot_ids), task)
    known = {int(bot_id): int(position) for bot_id, position in found}
    return {bot_id: known.get(bot_id, 0) for bot_id in scope.bot_ids} if known else {}


@lru_cache(100)
def _marks(bot_ids: tuple[int, ...]) -> Statement:
    """Asked of for every measure of every report, so it is made once."""
    is_theirs = Scope(bot_ids).has(duties.c.bot_id)
    is_its = duties.c.name == sa.bindparam("task", type_=sa.Text)
    query = sa.select(duties.c.bot_id, duties.c.position)
    return Statement(query.where(is_theirs, is_its, duties.c.position > sa.literal_column("0")), "task")


def near_marks(transaction: Transaction, scope: Scope, task: str) -> Marks:
    """``marks``, and empty as well where more is left to be rolled up than is quickly read.

    For what is found in the tables by its time: while a ledger is counted from its beginning, that is quicker than all events
    of which no rollup knows.
    """
    after = marks(transaction, scope, task)
    if not after:
        return after
    last = {int(bot_id): int(number) for bot_id, number in transaction.rows(_last_numbers(scope.bot_ids))}
    left = sum(max(0, last.get(bot_id, 0) - number) for bot_id, number in after.items())
    return after if left <= _NEAR else {}


@lru_cache(100)
def _last_numbers(bot_ids: tuple[int, ...]) -> Statement:
    query = sa.select(sequences.c.bot_id, sequences.c.last_number)
    return Statement(query.where(Scope(bot_ids).has(sequences.c.bot_id)))


def numbers_of(bot_ids: Iterable[int]) -> Numbers:
    """Parameters for ``Marks`` of these bots; ``names_of`` are their names."""
    return {bot_id: sa.bindparam(f"after_{place}", type_=sa.BigInteger) for place, bot_id in enumerate(bot_ids)}


def names_of(bot_ids: Collection[int]) -> list[str]:
    """Names of the parameters for ``Marks`` of these bots, in their order."""
    return [f"after_{place}" for place in range(len(bot_ids))]


def newer(after: Marks | Numbers) -> list[sa.ColumnElement[bool]]:
    """The events that are not in the rollups, in parts that have no event in common: of a higher number, or of none yet.

    Each part is a range of the index by number. As one condition with OR, and for those without a number by themselves, SQLite
    reads all events of the bot instead.
    """
    parts: list[sa.ColumnElement[bool]] = []
    for bot_id, number in after.items():
        parts.append(sa.and_(events.c.bot_id == bot_id, events.c.number > number))
        parts.append(sa.and_(events.c.bot_id == bot_id, events.c.event_id.in_(unnumbered_ids(bot_id))))
    return parts
