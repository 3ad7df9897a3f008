"""What one person did: events by user, the newest included, which have no number yet and stand in no index by user."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from neonpay.ledger.tables import IS_NUMBERED, events


def of_person(
    columns: sa.Select[Any], bot_id: int, user_id: int, *where: sa.ColumnElement[bool]
) -> sa.CompoundSelect[Any]:
    """These columns of a person's events; order them by one of the columns.

    Args:
        columns: a select of columns of ``events`` alone.
    """
    his = (events.c.bot_id == bot_id, events.c.user_id == user_id, *where)
    return sa.union_all(columns.where(*his, IS_NUMBERED), columns.where(*his, events.c.number.is_(None)))
