"""What one person did: events by user, the newest included, which have no number yet and stand in no index by user."""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger.tables import events
from neonpay.store.sequence import unnumbered_ids


def of_person(bot_id: int, user_id: int, *, before: str = "") -> tuple[sa.ColumnElement[bool], ...]:
    """What is true of the events of one person, for a ``where``.

    Ids are read from indexes alone and events by their ids, since SQLite, which knows nothing of how many events a person has,
    would look through all of the bot otherwise.

    Args:
        before: only events with smaller ids than this one; empty for all.
    """
    told = events.alias("told")
    numbered = sa.select(told.c.event_id).where(
        told.c.bot_id == bot_id, told.c.user_id == user_id, told.c.number.is_not(None)
    )
    if before:
        numbered = numbered.where(told.c.event_id < before)
    ids = sa.union_all(numbered, unnumbered_ids(bot_id, before=before))
    return events.c.bot_id == bot_id, events.c.user_id == user_id, events.c.event_id.in_(ids)
