"""Reports know what each buyer has paid in each thirty days, so that cohorts are quick."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
works_with = "0010"

_AGES = "neonpay_rollup_ages"


def upgrade() -> None:
    """Add two tables, which a task fills by and by; a program of before does not touch them."""
    op.create_table(
        _AGES,
        *[sa.Column(name, sa.BigInteger, nullable=False) for name in ("bot_id", "user_id", "age", "first_at", "stars")],
        sa.PrimaryKeyConstraint("bot_id", "user_id", "age"),
        sqlite_with_rowid=False,
    )
    op.create_index("neonpay_rollup_ages_by_first", _AGES, ["bot_id", "first_at", "age", "stars"])
    op.create_table(
        "neonpay_rollup_cohorts",
        *[sa.Column(name, sa.BigInteger, nullable=False) for name in ("bot_id", "day", "age", "n", "stars")],
        sa.PrimaryKeyConstraint("bot_id", "day", "age"),
        sqlite_with_rowid=False,
    )
