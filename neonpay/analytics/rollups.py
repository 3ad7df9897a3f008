"""Rollups: what the measures count, by quarters of an hour and by days of UTC, and when each buyer has paid first and last.

They are filled from the events by their number, a batch at a time, in the transaction that saves how far they have come; a
process that is killed leaves both or neither. Whatever has no number yet, or a higher one, is read from the tables by the same
selects, so figures are right at any moment, and right where nobody fills anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from neonpay.analytics.marks import Marks, Numbers, newer
from neonpay.analytics.measures import BY_LANGUAGE, BY_SOURCE, IN_STARS, Measure, microseconds_of, recorded_by, rows_of
from neonpay.analytics.new_events import IS_NEW, NAMES, New
from neonpay.analytics.renewed import Renewed
from neonpay.analytics.scope import Scope
from neonpay.analytics.subscription_rollup import renew_subscribers
from neonpay.core.clock import stopwatch_s
from neonpay.ledger import Ledger, Statement, Transaction
from neonpay.ledger.tables import duties, events, payments
from neonpay.ledger.tables_rollups import WIDTHS_US, rollup_buyers
from neonpay.store.periodic import Turn
from neonpay.store.sequence import last_number

BATCH: Final = 500
"""Events that the first transaction of a turn rolls up; how many the next ones do follows from how long it took."""
_BATCHES: Final = (200, 20_000)
_BATCH_S: Final = 0.05
"""How long a transaction is to take: on SQLite whoever sells may have to wait for one."""

Renew = Callable[[Transaction, New, Renewed], None]
"""Has the rollups of a bot say what follows from these new events as well."""


def renew_rollups(transaction: Transaction, new: New, renewed: Renewed) -> None:
    """Count what is new, and have buyers and subscribers be as their payments are now."""
    for statement in _COUNTED:
        transaction.execute(statement, *new)
    transaction.execute(_BUYERS, *new)
    renew_subscribers(transaction, new, renewed)


async def catch_up(
    ledger: Ledger,
    turn: Turn,
    *,
    renew: Renew = renew_rollups,
    statements: Sequence[Statement] = (),
    watch_s: Callable[[], float] = stopwatch_s,
) -> int:
    """Roll up the events that have got a number since the last turn, batch by batch; how many there were.

    Args:
        statements: those of ``renew`` that take long to make, and so are made where nobody who writes waits for it.
        watch_s: tells how long a batch took, by which the next one is larger or smaller.

    Raises:
        LeaseLostError: another worker has taken over, and goes on where this one has come to.
        LedgerError: the ledger cannot be written to; what was saved stays.
    """
    await ledger.read(_make, turn, statements)
    number, rolled_up, most, renewed = turn.position, 0, BATCH, Renewed()
    began_s = watch_s()
    while reached := await ledger.run(roll_up, turn, number, most, renew, renewed):
        renewed.keep()
        rolled_up += reached - number
        number, ended_s = reached, watch_s()
        most = _next_batch(most, ended_s - began_s)
        began_s = ended_s
    return rolled_up


def _make(transaction: Transaction, turn: Turn, statements: Sequence[Statement]) -> None:
    """Make the statements before a program's first batch, where nobody who writes waits for it; for no batch none are made."""
    if last_number(transaction, turn.bot_id) <= turn.position:
        return
    for statement in statements:
        statement.compiled(transaction.connection.dialect)


def _next_batch(last: int, took_s: float) -> int:
    """How many events may take as long as a transaction is to take: twice as many as now at most, and half at least."""
    factor = min(2.0, max(0.5, _BATCH_S / max(took_s, 1e-6)))
    return int(min(_BATCHES[1], max(_BATCHES[0], last * factor)))


def roll_up(
    transaction: Transaction,
    turn: Turn,
    after: int,
    most: int,
    renew: Renew = renew_rollups,
    renewed: Renewed | None = None,
) -> int:
    """The unit of work that rolls up at most so many events; the number of the last one, or 0 when there is none.

    Args:
        renewed: who was counted anew by the units before; nobody when left out.

    Raises:
        LeaseLostError: another worker has the task; nothing was kept.
    """
    known = last_number(transaction, turn.bot_id)
    renewed = Renewed() if renewed is None else renewed
    renewed.begin(known)
    position = _position(transaction, turn)
    if position != after:
        # A unit that ran before, whose answer was lost, or the place of another worker: nothing is counted twice.
        turn.save(transaction, position=position)
        return position
    last = min(known, after + most)
    if last <= after:
        return 0
    turn.save(transaction, position=last)
    renew(transaction, New(turn.bot_id, after, last), renewed)
    return last


def _position(transaction: Transaction, turn: Turn) -> int:
    query = sa.select(duties.c.position).where(duties.c.bot_id == turn.bot_id, duties.c.name == turn.name)
    return int(transaction.connection.execute(query.with_for_update()).scalar_one())


def counting(measures: Iterable[Measure]) -> list[Statement]:
    """The statements that add what is new to these measures in the rollups."""
    return [
        Statement(partial(_counts, table, width_us, measure), *NAMES)
        for measure in measures
        for table, width_us in WIDTHS_US.items()
    ]


def running(statements: Sequence[Statement]) -> Renew:
    """What has all of a batch counted by these statements, in their order."""

    def renew(transaction: Transaction, new: New, renewed: Renewed) -> None:
        for statement in statements:
            transaction.execute(statement, *new)

    return renew


def _counts(table: sa.Table, width_us: int, measure: Measure, dialect: sa.Dialect) -> sa.ClauseElement:
    rows = rows_of(measure, IS_NEW).subquery("rows")
    width = sa.literal_column(str(width_us), sa.BigInteger)
    slot = rows.c.at // width * width
    keys = (rows.c.stage_id, rows.c.kind, rows.c.detail, rows.c.value)
    name = sa.literal_column(f"'{measure.value}'", sa.Text)
    counts = sa.select(rows.c.bot_id, name, slot, *keys, sa.func.count()).group_by(rows.c.bot_id, slot, *keys)
    insert = insert_into(dialect, table).from_select([column.name for column in table.c], counts)
    more = {"n": table.c.n + insert.excluded.n}
    added: sa.ClauseElement = insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=more)
    return added


def _renewed_buyers(dialect: sa.Dialect) -> sa.ClauseElement:
    """Whoever has paid by these events is counted anew from their payments, those that have no number yet among them.

    But for those who are known to have paid before and after: of them nothing changes, and in a ledger that is counted from its
    beginning they are most, since each is counted with all payments that are there.
    """
    is_known = sa.exists().where(
        rollup_buyers.c.bot_id == payments.c.bot_id,
        rollup_buyers.c.user_id == payments.c.user_id,
        rollup_buyers.c.first_paid_at <= payments.c.paid_at,
        rollup_buyers.c.last_paid_at >= payments.c.paid_at,
    )
    touched = buyers_of(IS_NEW).where(sa.not_(is_known)).cte("touched").prefix_with("MATERIALIZED")
    insert = insert_into(dialect, rollup_buyers).from_select(
        ["bot_id", "user_id", "first_paid_at", "last_paid_at"], anew(touched)
    )
    renewed = {name: insert.excluded[name] for name in ("first_paid_at", "last_paid_at")}
    kept: sa.ClauseElement = insert.on_conflict_do_update(index_elements=list(rollup_buyers.primary_key), set_=renewed)
    return kept


def buyers_of(tail: sa.ColumnElement[bool]) -> sa.Select[tuple[int, int]]:
    """Who has paid by these events."""
    query = sa.select(payments.c.bot_id, payments.c.user_id).join_from(events, payments, recorded_by()).distinct()
    return query.where(tail, IN_STARS)


def anew(buyers: sa.sql.selectable.NamedFromClause) -> sa.Select[Any]:
    """When each of these buyers has paid first and last, from the payments."""
    is_theirs = sa.and_(payments.c.bot_id == buyers.c.bot_id, payments.c.user_id == buyers.c.user_id)
    return _first_and_last().join_from(buyers, payments, is_theirs)


def _first_and_last() -> sa.Select[Any]:
    paid_at = microseconds_of(payments.c.paid_at)
    who = (payments.c.bot_id, payments.c.user_id)
    ends = (sa.func.min(paid_at).label("first"), sa.func.max(paid_at).label("last"))
    return sa.select(*who, *ends).where(IN_STARS).group_by(*who)


def newer_buyers(after: Marks | Numbers) -> sa.CTE:
    """Who has paid by events that are not in the rollups: what these say of them is not the whole."""
    return sa.union(*[buyers_of(part) for part in newer(after)]).cte("touched").prefix_with("MATERIALIZED")


def buyers_anew(after: Marks | Numbers, newer_ones: sa.CTE) -> sa.Select[Any]:
    """When each of ``newer_buyers`` has paid ``first`` and ``last``, with whichever of the bots they are newer."""
    return _first_and_last().where(
        Scope(tuple(after)).has(payments.c.bot_id), payments.c.user_id.in_(sa.select(newer_ones.c.user_id))
    )


def buyers(after: Marks | Numbers) -> sa.Select[Any]:
    """When each buyer of these bots has paid ``first`` and ``last``: from the rollup, and anew for those who are newer."""
    touched = newer_buyers(after)
    # As a list of users, whom SQLite looks up: it would go through all of what is new again for each buyer, and so it does with
    # pairs of a bot and a user. Whoever is newer with one bot is counted anew with all.
    users = sa.select(touched.c.user_id)
    known = sa.select(
        rollup_buyers.c.bot_id,
        rollup_buyers.c.user_id,
        microseconds_of(rollup_buyers.c.first_paid_at).label("first"),
        microseconds_of(rollup_buyers.c.last_paid_at).label("last"),
    ).where(Scope(tuple(after)).has(rollup_buyers.c.bot_id), rollup_buyers.c.user_id.not_in(users))
    together = sa.union_all(known, buyers_anew(after, touched)).subquery("buyers")
    return sa.select(together)


def insert_into(dialect: sa.Dialect, table: sa.Table) -> Any:
    """An insert that can say what happens to a row that is there."""
    return (postgresql if dialect.name == "postgresql" else sqlite).insert(table)


_COUNTED: Final = counting(measure for measure in Measure if measure not in BY_LANGUAGE | BY_SOURCE)
_BUYERS: Final = Statement(_renewed_buyers, *NAMES)
STATEMENTS: Final = (*_COUNTED, _BUYERS)
"""Those of ``renew_rollups`` that take long to make."""
