"""Soft events, and where people came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
works_with = "0010"


def upgrade() -> None:
    """Add two tables and their indexes; what is there stays as it is."""
    op.create_table(
        "neonpay_soft_events",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("subject", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("stars", sa.BigInteger),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "event_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("neonpay_soft_events_by_kind", "neonpay_soft_events", ["bot_id", "kind", "at", "user_id"])
    op.create_index("neonpay_soft_events_by_user", "neonpay_soft_events", ["bot_id", "user_id", "at"])
    op.create_table(
        "neonpay_first_touches",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "user_id"),
        sqlite_with_rowid=False,
    )
