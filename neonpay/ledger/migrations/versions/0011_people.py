"""Who was seen paying, by the names that Telegram told, so that a person is found by a username."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
works_with = "0010"
"""A program of before does not know the table, and misses nothing."""


def upgrade() -> None:
    """Add the table; nothing on the path of a payment writes it."""
    op.create_table(
        "neonpay_people",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("username", sa.Text),
        sa.Column("first_name", sa.Text),
        sa.Column("language_code", sa.Text),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("neonpay_people_by_username", "neonpay_people", ["bot_id", "username"])
