"""Who was forgotten, so that what comes late does not bring them back; and which bots send what their ledgers know."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
works_with = "0010"


def upgrade() -> None:
    """Add a table and a column; what is there stays as it is."""
    op.create_table(
        "neonpay_forgotten",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "person"),
        sqlite_with_rowid=False,
    )
    op.add_column("neonpay_collected_bots", sa.Column("ledger_at", sa.BigInteger))
