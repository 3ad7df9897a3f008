"""What Telegram has told of subscriptions beside their payments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table of subscriptions; what is there stays as it is."""
    op.create_table(
        "neonpay_subscriptions",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("invoice_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "user_id", "invoice_id"),
        sqlite_with_rowid=False,
    )
