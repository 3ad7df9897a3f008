"""What it takes to prove the books: sealed journal entries, duties that one worker has at a time, requests for refunds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables and columns of the second shape; what is there stays as it is."""
    op.add_column("neonpay_journal", sa.Column("nanostars", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("neonpay_journal", sa.Column("seal", sa.BigInteger))
    op.create_index(
        "neonpay_journal_unsealed",
        "neonpay_journal",
        ["bot_id", "seal", "event_id"],
        sqlite_where=sa.text("seal IS NULL"),
        postgresql_where=sa.text("seal IS NULL"),
    )
    op.add_column("neonpay_refunds", sa.Column("requested_by", sa.Text))
    op.create_table(
        "neonpay_seals",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("previous_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("sealed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_refund_requests",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("charge_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("words", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("decided_by", sa.Text),
        sa.Column("requested_at", sa.BigInteger, nullable=False),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("language_code", sa.Text),
        sa.PrimaryKeyConstraint("bot_id", "request_id"),
        sa.UniqueConstraint("bot_id", "charge_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_duties",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token", sa.BigInteger),
        sa.Column("run_at", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("memo", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "name"),
        sqlite_with_rowid=False,
    )
    op.add_column("neonpay_payments", sa.Column("is_listed", sa.SmallInteger))
    op.create_table(
        "neonpay_unexplained",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("charge_id", sa.Text, nullable=False),
        sa.Column("found_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "charge_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_standings",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("standing", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("reason", sa.Text),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_conduct",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("entry_id", sa.Text, nullable=False),
        sa.Column("amount_stars", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("bot_id", "user_id", "kind", "at", "entry_id"),
        sqlite_with_rowid=False,
    )
