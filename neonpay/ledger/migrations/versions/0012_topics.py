"""Invoices know their topic, words for /paysupport wait for their payment, and effects of a program's own are remembered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
works_with = "0010"


def upgrade() -> None:
    """Add a column and two tables; what is there stays as it is."""
    op.add_column("neonpay_invoices", sa.Column("message_thread_id", sa.BigInteger))
    op.create_table(
        "neonpay_request_words",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("written_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_effects",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("token", sa.BigInteger),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("result", sa.Text),
        sa.PrimaryKeyConstraint("bot_id", "key"),
        sqlite_with_rowid=False,
    )
