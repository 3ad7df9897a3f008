"""Who delivers, as a fact of the ledger: the registry of consumers, and queues that are read by consumer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_UNFINISHED = sa.text("state IN ('ready', 'leased')")
_PARKED = sa.text("state IN ('held', 'stranded', 'dead')")


def upgrade() -> None:
    """Add the tables and indexes; what is there stays as it is."""
    op.create_table(
        "neonpay_registry",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_consumers",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("stages", sa.Text),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("complete_until", sa.BigInteger, nullable=False),
        sa.Column("retired_at", sa.BigInteger),
        sa.Column("renamed_to", sa.Text),
        sa.PrimaryKeyConstraint("bot_id", "consumer"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_off_sale",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("stage_id", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "stage_id"),
        sqlite_with_rowid=False,
    )
    op.drop_index("neonpay_jobs_due", "neonpay_jobs")
    op.create_index(
        "neonpay_jobs_due",
        "neonpay_jobs",
        ["bot_id", "consumer", "run_at"],
        sqlite_where=_UNFINISHED,
        postgresql_where=_UNFINISHED,
    )
    op.create_index(
        "neonpay_jobs_parked", "neonpay_jobs", ["bot_id", "consumer"], sqlite_where=_PARKED, postgresql_where=_PARKED
    )
    op.create_index("neonpay_payments_by_time", "neonpay_payments", ["bot_id", "recorded_at"])
    op.create_index("neonpay_refunds_by_time", "neonpay_refunds", ["bot_id", "finished_at"])
