"""In SQLite, events that wait for a number are found without an index that every payment pays for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
works_with = "0010"
"""What a program of before writes is in the index, which the new column says of itself."""

_EVENTS = "neonpay_events"
_NUMBERED = sa.text("number IS NOT NULL")


def upgrade() -> None:
    """Add a table and a column, and index apart the events that have a number and those that wait for one."""
    op.create_table(
        "neonpay_numbered_until",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("bot_id"),
        sqlite_with_rowid=False,
    )
    op.add_column(_EVENTS, sa.Column("is_indexed", sa.SmallInteger, server_default="1"))
    op.drop_index("neonpay_events_by_number", _EVENTS)
    op.create_index(
        "neonpay_events_by_number",
        _EVENTS,
        ["bot_id", "number", "event_id"],
        sqlite_where=_NUMBERED,
        postgresql_where=_NUMBERED,
    )
    op.create_index(
        "neonpay_events_unnumbered",
        _EVENTS,
        ["bot_id", "is_indexed", "number", "event_id"],
        sqlite_where=sa.text("is_indexed = 1 AND number IS NULL"),
        postgresql_where=sa.text("number IS NULL"),
    )
    if op.get_bind().dialect.name == "sqlite":
        # All that waits is in the index.
        op.execute(
            "INSERT INTO neonpay_numbered_until (bot_id, event_id)"
            " SELECT bot_id, newest FROM (SELECT bot_id, (SELECT max(event_id) FROM neonpay_events told"
            " WHERE told.bot_id = counted.bot_id) AS newest FROM neonpay_sequences counted) WHERE newest IS NOT NULL"
        )
