"""What was done with backups, and when a ledger was made of one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
works_with = "0010"
"""A program of before looks at no fence, so that a restore asks for this revision; see ``neonpay.backup.settling.fence``."""


def upgrade() -> None:
    """Add two tables; what is there stays as it is."""
    op.create_table(
        "neonpay_backup_runs",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("backup_id", sa.Text),
        sa.Column("place", sa.Text, nullable=False),
        *[
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("began_at", "ended_at", "size_bytes", "added_bytes")
        ],
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("bot_id", "run_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_restores",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("backup_id", sa.Text, nullable=False),
        *[sa.Column(name, sa.BigInteger, nullable=False) for name in ("made_at", "fence_at")],
        sa.Column("parked", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "fence_at"),
        sqlite_with_rowid=False,
    )
