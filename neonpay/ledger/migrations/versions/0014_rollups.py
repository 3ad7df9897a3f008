"""What reports have counted is kept, payments are found by their time, and jobs that wait without a look at the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
works_with = "0010"
"""A program of before keeps the indexes right without knowing them, and nobody but reports reads the tables."""

_IS_UNFINISHED = "state = 'ready' OR state = 'leased'"
_IS_PARKED = "state = 'held' OR state = 'stranded' OR state = 'dead'"


def upgrade() -> None:
    """Add indexes and tables. Payments come in the order of their time, so the first grows at its end, which costs little."""
    op.create_index("neonpay_payments_by_time", "neonpay_payments", ["bot_id", "paid_at"])
    # With the state in them, SQLite counts what waits by these alone, and looks at no job that is done.
    for name, columns, where in (
        ("neonpay_jobs_due", ["bot_id", "consumer", "run_at", "state"], _IS_UNFINISHED),
        ("neonpay_jobs_parked", ["bot_id", "consumer", "state"], _IS_PARKED),
    ):
        op.drop_index(name, "neonpay_jobs")
        op.create_index(name, "neonpay_jobs", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    for name in ("neonpay_rollup_counts", "neonpay_rollup_days"):
        op.create_table(
            name,
            sa.Column("bot_id", sa.BigInteger, nullable=False),
            sa.Column("measure", sa.Text, nullable=False),
            sa.Column("slot", sa.BigInteger, nullable=False),
            sa.Column("stage_id", sa.Text, nullable=False),
            sa.Column("kind", sa.Text, nullable=False),
            sa.Column("detail", sa.Text, nullable=False),
            sa.Column("value", sa.BigInteger, nullable=False),
            sa.Column("n", sa.BigInteger, nullable=False),
            sa.PrimaryKeyConstraint("bot_id", "measure", "slot", "stage_id", "kind", "detail", "value"),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "neonpay_rollup_buyers",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("first_paid_at", sa.BigInteger, nullable=False),
        sa.Column("last_paid_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "user_id"),
        sqlite_with_rowid=False,
    )
    for first, second in (("first", "last"), ("last", "first")):
        op.create_index(
            f"neonpay_rollup_buyers_by_{first}",
            "neonpay_rollup_buyers",
            ["bot_id", f"{first}_paid_at", f"{second}_paid_at"],
        )
