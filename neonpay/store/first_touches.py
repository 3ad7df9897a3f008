"""Where people came from first, under which reports count what they have paid: written once for each, and forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final, NamedTuple

import sqlalchemy as sa

from neonpay.ledger import Among, Insert, Transaction
from neonpay.ledger.tables import payments
from neonpay.ledger.tables_tracking import first_touches
from neonpay.store.moved_sales import UNKNOWN, Naming, counted_up_to, move_sales

TASK: Final = "sources"
SOURCES: Final = f"analytics:{TASK}"
"""The periodic task whose position says up to which number the events are counted by source."""
PAID_FROM: Final = "paid_from"
RETURNED_FROM: Final = "returned_from"
"""What is counted by source, as ``neonpay.analytics.measures`` says it."""

_TOUCHES: Final = Insert(first_touches, "bot_id", "user_id", "source", "at")


def _who(table: sa.Table) -> Among:
    return Among(
        lambda users: (
            sa.select(table.c.user_id)
            .where(table.c.bot_id == sa.bindparam("bot_id"), table.c.user_id.in_(users))
            .distinct()
        ),
        "bot_id",
    )


_TOUCHED: Final = _who(first_touches)
_PAYERS: Final = _who(payments)


class Touch(NamedTuple):
    """That somebody has come to a bot.

    Attributes:
        source: by which link; "" for none.
    """

    bot_id: int
    user_id: int
    at_us: int
    source: str


def source_of_payment() -> sa.ColumnElement[str]:
    """The source under which a payment counts: where its buyer came from first, "" where that is not known."""
    known = first_touches.c
    is_theirs = (known.bot_id == payments.c.bot_id, known.user_id == payments.c.user_id)
    source = sa.select(known.source).where(*is_theirs).correlate(payments).scalar_subquery()
    return sa.func.coalesce(source, sa.literal_column(f"'{UNKNOWN}'", sa.Text))


_NAMING: Final = Naming(SOURCES, PAID_FROM, RETURNED_FROM, source_of_payment)


def write_touches(transaction: Transaction, touches: Iterable[Touch]) -> None:
    """Keep the earliest touch of everybody of whom there is none yet.

    What they have paid already counts under where they came from.
    """
    earliest: dict[tuple[int, int], Touch] = {}
    for touch in sorted(touches):
        earliest.setdefault((touch.bot_id, touch.user_id), touch)
    for bot_id, of_bot in groupby(earliest.values(), lambda touch: touch.bot_id):
        new = {touch.user_id: touch for touch in of_bot}
        _drop(new, transaction, bot_id)
        counted = counted_up_to(transaction, _NAMING, bot_id) if new else 0
        if counted:
            _drop(new, transaction, bot_id)  # somebody else may have written them before it was our turn
            _count(transaction, bot_id, {user_id: touch.source for user_id, touch in new.items()}, counted)
        if new:
            transaction.insert(
                _TOUCHES, *[(bot_id, one.user_id, one.source or None, one.at_us) for one in new.values()]
            )


def forget_touch(transaction: Transaction, bot_id: int, user_id: int, until_us: int | None = None) -> int:
    """Nobody knows any more where a person came from, and reports count what they paid under no source.

    Args:
        until_us: only a touch that was up to this time; None for any.

    Returns:
        How many touches were removed.
    """
    touch = first_touches.c
    theirs: list[sa.ColumnElement[bool]] = [touch.bot_id == bot_id, touch.user_id == user_id]
    if until_us is not None:
        theirs.append(touch.at <= until_us)
    # First, so that nobody counts anything of theirs meanwhile.
    counted = counted_up_to(transaction, _NAMING, bot_id)
    if counted and transaction.connection.execute(sa.select(touch.user_id).where(*theirs)).first() is not None:
        move_sales(transaction, _NAMING, bot_id, user_id, counted, UNKNOWN)
    return transaction.connection.execute(sa.delete(first_touches).where(*theirs)).rowcount


def _drop(new: dict[int, Touch], transaction: Transaction, bot_id: int) -> None:
    """Leave out those who have come before."""
    if new:
        for (user_id,) in transaction.rows_among(_TOUCHED, (bot_id,), [*new]):
            new.pop(int(user_id), None)


def _count(transaction: Transaction, bot_id: int, sources: Mapping[int, str], counted: int) -> None:
    told = sorted(user_id for user_id, source in sources.items() if source)
    if not told:
        return
    for (user_id,) in transaction.rows_among(_PAYERS, (bot_id,), told):
        move_sales(transaction, _NAMING, bot_id, int(user_id), counted, sources[int(user_id)])
