"""One sequence of events for many readers: each gets its number when it is seen, so nothing turns up before a number read.

Ids of events are made before their transactions are kept, and one that is kept late has a small id. Whoever reads by id, or by
time, has to look back and may still miss it; whoever reads by number goes on where it stopped.

In SQLite, where one transaction writes at a time, events without a number are those from a certain id on, and no index has to
say which they are. What is written with a smaller id, such as a delivery long after its payment, goes into one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables import events, numbered_until, sequences

_INSERT_SEQUENCE = Insert(sequences, "bot_id", "last_number")
_RAISE_FENCE = Insert(numbered_until, "bot_id", "event_id", again=lambda _, new: {"event_id": new.event_id})


def index_of_late(dialect: Dialect) -> Mapping[str, sa.ColumnElement[Any]]:
    """Whether an event goes into the index of those without a number, in the terms of its insert."""
    if dialect.name != "sqlite":
        return {}  # all do
    is_late = sa.bindparam("event_id", type_=sa.Text) < _fence(sa.bindparam("bot_id", type_=sa.BigInteger))
    return {"is_indexed": sa.case((is_late, sa.literal_column("1")))}


def number_events(transaction: Transaction, bot_id: int, *, most: int) -> list[str]:
    """Give numbers to at most so many events that have none; their ids in the order of their numbers.

    Whoever else gives numbers waits until this transaction ends. Only ``books.sealing`` calls it, which seals in the same
    transaction what it has numbered: an entry whose event has a number is under a seal.
    """
    state = transaction.connection.execute(_state(bot_id)).one()
    fence: str | None = state.fence
    if state.first is None:
        # Without the lock: an idle bot writes nothing. Of a database that was filled from a backup nobody has said it yet.
        if transaction.is_only_writer and state.newest is not None and state.newest != fence:
            transaction.insert(_RAISE_FENCE, (bot_id, state.newest))
        return []
    last = lock_numbers(transaction, bot_id)
    late, fresh = _late(bot_id), _fresh(bot_id)
    each = [query.order_by(query.selected_columns.event_id).limit(most).subquery() for query in (late, fresh)]
    waiting = sa.union_all(*[sa.select(one.c.event_id) for one in each]).subquery()
    chosen = sa.select(waiting.c.event_id).order_by(waiting.c.event_id).limit(most).subquery()
    place = sa.func.row_number().over(order_by=chosen.c.event_id)
    in_order = sa.select(chosen.c.event_id, place.label("place")).subquery()
    numbering = (
        sa.update(events)
        .where(events.c.bot_id == bot_id, events.c.event_id == in_order.c.event_id)
        .values(number=last + in_order.c.place)
        .returning(events.c.number, events.c.event_id)
    )
    numbered = sorted((int(number), str(event_id)) for number, event_id in transaction.connection.execute(numbering))
    if numbered:
        number, event_id = numbered[-1]
        newest = sa.update(sequences).where(sequences.c.bot_id == bot_id).values(last_number=number)
        transaction.connection.execute(newest)
        # Of those from the fence on they are the first, and the others are in the index.
        if transaction.is_only_writer and event_id > (fence or ""):
            transaction.insert(_RAISE_FENCE, (bot_id, event_id))
    return [event_id for _, event_id in numbered]


def last_number(transaction: Transaction, bot_id: int) -> int:
    """The number of the newest event that has one; 0 when none has."""
    found = transaction.connection.execute(sa.select(sequences.c.last_number).where(sequences.c.bot_id == bot_id))
    return int(found.scalar() or 0)


def unnumbered_ids(bot_id: int, *, before: str = "") -> sa.Select[tuple[str]]:
    """The ids of the events of a bot that have no number yet.

    Whole events are then read by their ids: asked for those without a number by themselves, SQLite reads all of the bot.

    Args:
        before: only smaller ids than this one; empty for all.
    """
    late, fresh = _late(bot_id), _fresh(bot_id)
    if before:
        late, fresh = (query.where(query.selected_columns.event_id < before) for query in (late, fresh))
    both = sa.union_all(late, fresh).subquery()
    return sa.select(both.c.event_id)


def newest_unnumbered(bot_id: int, most: int) -> sa.ColumnElement[bool]:
    """Whether an event is one of the newest of a bot that have no number yet: so many of the late ones, and of the others."""
    each = [
        query.order_by(query.selected_columns.event_id.desc()).limit(most).subquery()
        for query in (_late(bot_id), _fresh(bot_id))
    ]
    newest = sa.union_all(*[sa.select(one.c.event_id) for one in each])
    return sa.and_(events.c.bot_id == bot_id, events.c.event_id.in_(newest))


def _late(bot_id: int) -> sa.Select[tuple[str]]:
    late = events.alias("late")
    is_late = (late.c.is_indexed == sa.literal_column("1"), late.c.number.is_(None))
    return sa.select(late.c.event_id).where(late.c.bot_id == bot_id, *is_late)


def _fresh(bot_id: int) -> sa.Select[tuple[str]]:
    fresh = events.alias("fresh")
    is_fresh = fresh.c.event_id >= sa.func.coalesce(_fence(sa.literal(bot_id, sa.BigInteger)), "")
    is_waiting = (fresh.c.is_indexed.is_(None), fresh.c.number.is_(None))
    return sa.select(fresh.c.event_id).where(fresh.c.bot_id == bot_id, is_fresh, *is_waiting)


def _fence(bot_id: sa.ColumnElement[int]) -> sa.ScalarSelect[str]:
    return sa.select(numbered_until.c.event_id).where(numbered_until.c.bot_id == bot_id).scalar_subquery()


def _state(bot_id: int) -> sa.Select[tuple[str | None, str | None, str | None]]:
    """An event without a number, the newest event, and that before which none is without a number; None where there is none."""
    first = unnumbered_ids(bot_id).limit(1).scalar_subquery()
    newest = sa.select(sa.func.max(events.c.event_id)).where(events.c.bot_id == bot_id).scalar_subquery()
    fence = _fence(sa.literal(bot_id, sa.BigInteger))
    return sa.select(first.label("first"), newest.label("newest"), fence.label("fence"))


def lock_numbers(transaction: Transaction, bot_id: int) -> int:
    """Have whoever gives numbers wait until this transaction ends; the number of the newest event that has one."""
    query = sa.select(sequences.c.last_number).where(sequences.c.bot_id == bot_id).with_for_update()
    found = transaction.connection.execute(query).scalar()
    if found is None:
        transaction.insert(_INSERT_SEQUENCE, (bot_id, 0))
        found = transaction.connection.execute(query).scalar_one()
    return int(found)
