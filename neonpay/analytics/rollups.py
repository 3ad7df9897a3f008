"""Rollups: what the measures count, by quarters of an hour and by days of UTC, and when each buyer has paid first and last.

They are filled from the events by their number, a batch at a time, in the transaction that saves how far they have come; a
process that is killed leaves both or neither. Whatever has no number yet, or a higher one, is read from the tables by the same
selects, so figures are right at any moment, and right where nobody fills anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from neonpay.analytics.measures import IN_STARS, Measure, microseconds_of, recorded_by, rows_of
from neonpay.analytics.scope import Scope
from neonpay.analytics.subscription_rollup import renew_subscribers
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.tables import duties, events, payments
from neonpay.ledger.tables_rollups import rollup_buyers, rollup_counts, rollup_days
from neonpay.store.periodic import Turn
from neonpay.store.sequence import last_number

TASK: Final = "rollup"
ROLLUP: Final = f"analytics:{TASK}"
"""The periodic task of the extension, whose position says up to which number the rollups have come."""
BATCH: Final = 1_000
"""Events that one transaction rolls up: what a writer waits for it, too."""
QUARTER_US: Final = 15 * 60 * 1_000_000
DAY_US: Final = 96 * QUARTER_US

Marks = Mapping[int, int]
"""Up to which number the events of each bot are in the rollups."""


Renew = Callable[[Transaction, int, sa.ColumnElement[bool]], None]
"""Has the rollups of a bot say what follows from these new events as well."""


def marks(transaction: Transaction, scope: Scope, task: str = ROLLUP) -> Marks:
    """How far the rollups of these bots have come that a task fills; empty when there are none."""
    query = sa.select(duties.c.bot_id, duties.c.position).where(
        scope.has(duties.c.bot_id), duties.c.name == task, duties.c.position > 0
    )
    known = {int(bot_id): int(position) for bot_id, position in transaction.connection.execute(query)}
    return {bot_id: known.get(bot_id, 0) for bot_id in scope.bot_ids} if known else {}


def newer(after: Marks) -> list[sa.ColumnElement[bool]]:
    """The events that are not in the rollups, in parts that have no event in common: of a higher number, or of none yet.

    Each part is a range of the index by number. As one condition with OR, and for those without a number by themselves, SQLite
    reads all events of the bot instead.
    """
    unnumbered = events.alias("unnumbered")
    parts: list[sa.ColumnElement[bool]] = []
    for bot_id, number in after.items():
        parts.append(sa.and_(events.c.bot_id == bot_id, events.c.number > number))
        without = sa.select(unnumbered.c.event_id).where(unnumbered.c.bot_id == bot_id, unnumbered.c.number.is_(None))
        parts.append(sa.and_(events.c.bot_id == bot_id, events.c.event_id.in_(without)))
    return parts


def renew_rollups(transaction: Transaction, bot_id: int, new: sa.ColumnElement[bool]) -> None:
    """Count what is new, and have buyers and subscribers be as their payments are now."""
    for measure in Measure:
        _add_counts(transaction, rollup_counts, QUARTER_US, measure, new)
        _add_counts(transaction, rollup_days, DAY_US, measure, new)
    _renew_buyers(transaction, new)
    renew_subscribers(transaction, bot_id, new)


async def catch_up(ledger: Ledger, turn: Turn, *, most: int = BATCH, renew: Renew = renew_rollups) -> int:
    """Roll up the events that have got a number since the last turn, batch by batch; how many there were.

    Raises:
        LeaseLostError: another worker has taken over, and goes on where this one has come to.
        LedgerError: the ledger cannot be written to; what was saved stays.
    """
    number, rolled_up = turn.position, 0
    while reached := await ledger.run(roll_up, turn, number, most, renew):
        rolled_up += reached - number
        number = reached
    return rolled_up


def roll_up(transaction: Transaction, turn: Turn, after: int, most: int, renew: Renew = renew_rollups) -> int:
    """The unit of work that rolls up at most so many events; the number of the last one, or 0 when there is none.

    Raises:
        LeaseLostError: another worker has the task; nothing was kept.
    """
    position = _position(transaction, turn)
    if position != after:
        # A unit that ran before, whose answer was lost, or the place of another worker: nothing is counted twice.
        turn.save(transaction, position=position)
        return position
    last = min(last_number(transaction, turn.bot_id), after + most)
    if last <= after:
        return 0
    new = sa.and_(events.c.bot_id == turn.bot_id, events.c.number > after, events.c.number <= last)
    turn.save(transaction, position=last)
    renew(transaction, turn.bot_id, new)
    return last


def _position(transaction: Transaction, turn: Turn) -> int:
    query = sa.select(duties.c.position).where(duties.c.bot_id == turn.bot_id, duties.c.name == turn.name)
    return int(transaction.connection.execute(query.with_for_update()).scalar_one())


def _add_counts(
    transaction: Transaction, table: sa.Table, width_us: int, measure: Measure, new: sa.ColumnElement[bool]
) -> None:
    rows = rows_of(measure, new).subquery("rows")
    width = sa.literal_column(str(width_us), sa.BigInteger)
    slot = rows.c.at // width * width
    keys = (rows.c.stage_id, rows.c.kind, rows.c.detail, rows.c.value)
    name = sa.literal_column(f"'{measure.value}'", sa.Text)
    counts = sa.select(rows.c.bot_id, name, slot, *keys, sa.func.count()).group_by(rows.c.bot_id, slot, *keys)
    insert = insert_into(transaction, table).from_select([column.name for column in table.c], counts)
    more = {"n": table.c.n + insert.excluded.n}
    transaction.connection.execute(insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=more))


def _renew_buyers(transaction: Transaction, new: sa.ColumnElement[bool]) -> None:
    """Whoever has paid by these events is counted anew from their payments, those that have no number yet among them."""
    touched = buyers_of(new).cte("touched").prefix_with("MATERIALIZED")
    insert = insert_into(transaction, rollup_buyers).from_select(
        ["bot_id", "user_id", "first_paid_at", "last_paid_at"], anew(touched)
    )
    renewed = {name: insert.excluded[name] for name in ("first_paid_at", "last_paid_at")}
    transaction.connection.execute(
        insert.on_conflict_do_update(index_elements=list(rollup_buyers.primary_key), set_=renewed)
    )


def buyers_of(tail: sa.ColumnElement[bool]) -> sa.Select[tuple[int, int]]:
    """Who has paid by these events."""
    query = sa.select(payments.c.bot_id, payments.c.user_id).join_from(events, payments, recorded_by()).distinct()
    return query.where(tail, IN_STARS)


def anew(buyers: sa.sql.selectable.NamedFromClause) -> sa.Select[Any]:
    """When each of these buyers has paid first and last, from the payments."""
    is_theirs = sa.and_(payments.c.bot_id == buyers.c.bot_id, payments.c.user_id == buyers.c.user_id)
    paid_at = microseconds_of(payments.c.paid_at)
    return (
        sa.select(
            buyers.c.bot_id, buyers.c.user_id, sa.func.min(paid_at).label("first"), sa.func.max(paid_at).label("last")
        )
        .join_from(buyers, payments, is_theirs)
        .where(IN_STARS)
        .group_by(buyers.c.bot_id, buyers.c.user_id)
    )


def buyers(after: Marks) -> sa.Select[Any]:
    """When each buyer of these bots has paid ``first`` and ``last``: from the rollup, and anew for those who are newer."""
    parts = [buyers_of(part) for part in newer(after)]
    touched = sa.union(*parts).cte("touched").prefix_with("MATERIALIZED")
    # As a list, which SQLite looks up: it would read all of what is new again for each buyer.
    is_known = sa.tuple_(rollup_buyers.c.bot_id, rollup_buyers.c.user_id).not_in(
        sa.select(touched.c.bot_id, touched.c.user_id)
    )
    known = sa.select(
        rollup_buyers.c.bot_id,
        rollup_buyers.c.user_id,
        microseconds_of(rollup_buyers.c.first_paid_at).label("first"),
        microseconds_of(rollup_buyers.c.last_paid_at).label("last"),
    ).where(rollup_buyers.c.bot_id.in_(list(after)), is_known)
    together = sa.union_all(known, anew(touched)).subquery("buyers")
    return sa.select(together)


def insert_into(transaction: Transaction, table: sa.Table) -> Any:
    """An insert that can say what happens to a row that is there."""
    dialect = postgresql if transaction.connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
