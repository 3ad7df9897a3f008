"""A bot keeps what it has still to send to its centre, and a centre its bots and secrets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
works_with = "0010"


def upgrade() -> None:
    """Add three tables; what is there stays as it is."""
    op.create_table(
        "neonpay_outbox",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("batch_id", sa.Text, nullable=False),
        sa.Column("alias", sa.Text),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("refused", sa.Text),
        sa.PrimaryKeyConstraint("bot_id", "batch_id"),
    )
    op.create_index("neonpay_outbox_waiting", "neonpay_outbox", ["bot_id", "refused", "events"])
    op.create_table(
        "neonpay_collected_bots",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("alias", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("repeated", sa.BigInteger, nullable=False),
        sa.Column("moved", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_collection_secrets",
        sa.Column("secret_id", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("secret_id"),
        sqlite_with_rowid=False,
    )
