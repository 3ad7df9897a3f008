"""One sequence of events for many readers: each gets its number when it is seen, so nothing turns up before a number read.

Ids of events are made before their transactions are kept, and one that is kept late has a small id. Whoever reads by id, or by
time, has to look back and may still miss it; whoever reads by number goes on where it stopped.
"""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables import events, sequences

_INSERT_SEQUENCE = Insert(sequences, "bot_id", "last_number")


def number_events(transaction: Transaction, bot_id: int, *, most: int) -> list[str]:
    """Give numbers to at most so many events that have none; their ids in the order of their numbers.

    Whoever else gives numbers waits until this transaction ends. Only ``books.sealing`` calls it, which seals in the same
    transaction what it has numbered: an entry whose event has a number is under a seal.
    """
    if not transaction.connection.execute(_unnumbered(bot_id).limit(1)).first():
        return []  # without the lock: an idle bot writes nothing
    last = lock_numbers(transaction, bot_id)
    chosen = _unnumbered(bot_id).order_by(events.c.event_id).limit(most).subquery()
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
        newest = sa.update(sequences).where(sequences.c.bot_id == bot_id).values(last_number=numbered[-1][0])
        transaction.connection.execute(newest)
    return [event_id for _, event_id in numbered]


def last_number(transaction: Transaction, bot_id: int) -> int:
    """The number of the newest event that has one; 0 when none has."""
    found = transaction.connection.execute(sa.select(sequences.c.last_number).where(sequences.c.bot_id == bot_id))
    return int(found.scalar() or 0)


def newest_unnumbered(bot_id: int, most: int) -> sa.ColumnElement[bool]:
    """Whether an event is one of the newest of a bot that have no number yet, at most so many.

    Their ids come of the index by number alone: asked for whole rows in the order of their ids, SQLite reads all events of the
    bot until it has found so many.
    """
    unnumbered = events.alias("unnumbered")
    newest = sa.select(unnumbered.c.event_id).where(unnumbered.c.bot_id == bot_id, unnumbered.c.number.is_(None))
    newest = newest.order_by(unnumbered.c.number, unnumbered.c.event_id.desc()).limit(most)
    return sa.and_(events.c.bot_id == bot_id, events.c.event_id.in_(newest))


def _unnumbered(bot_id: int) -> sa.Select[tuple[str]]:
    return sa.select(events.c.event_id).where(events.c.bot_id == bot_id, events.c.number.is_(None))


def lock_numbers(transaction: Transaction, bot_id: int) -> int:
    """Have whoever gives numbers wait until this transaction ends; the number of the newest event that has one."""
    query = sa.select(sequences.c.last_number).where(sequences.c.bot_id == bot_id).with_for_update()
    found = transaction.connection.execute(query).scalar()
    if found is None:
        transaction.insert(_INSERT_SEQUENCE, (bot_id, 0))
        found = transaction.connection.execute(query).scalar_one()
    return int(found)
