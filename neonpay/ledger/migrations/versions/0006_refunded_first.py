"""Refunds that come before their payments, payments that are not in Telegram's list, charge ids that fit into no key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add a table, an index and a column; what is there stays as it is."""
    op.create_table(
        "neonpay_early_refunds",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("charge_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("amount_stars", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "charge_id"),
        sqlite_with_rowid=False,
    )
    op.add_column("neonpay_payments", sa.Column("full_charge_id", sa.Text))
    unlisted = sa.text("is_listed IS NULL")
    op.create_index(
        "neonpay_payments_unlisted",
        "neonpay_payments",
        ["bot_id", "recorded_at"],
        sqlite_where=unlisted,
        postgresql_where=unlisted,
    )
