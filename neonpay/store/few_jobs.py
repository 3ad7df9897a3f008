"""Jobs that one of the narrow indexes has, of which there are few however much was ever sold."""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger.tables import jobs


def charges_of(bot_id: int, *conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[str | None]]:
    """The payments of a bot that jobs of one of the narrow indexes are about.

    Args:
        conditions: on ``jobs``; one of them is ``IS_PARKED``, or implies ``IS_UNFINISHED``.
    """
    whole = jobs.alias("whole")
    is_one = is_one_of_few(whole, bot_id, *conditions)
    return sa.select(whole.c.charge_id).where(whole.c.bot_id == bot_id, is_one, whole.c.charge_id.is_not(None))


def is_one_of_few(
    whole: sa.sql.selectable.NamedFromClause, bot_id: int, *conditions: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    """Whether a row of ``whole``, which are the jobs, is one of a narrow index; the conditions as for ``charges_of``."""
    # The keys by the narrow index alone, and then the jobs by their keys: asked for the rest at once, SQLite would take the
    # key of the table for as good, and read every job that there ever was.
    keys = sa.select(jobs.c.event_id, jobs.c.consumer).where(jobs.c.bot_id == bot_id, *conditions)
    return sa.tuple_(whole.c.event_id, whole.c.consumer).in_(keys)
