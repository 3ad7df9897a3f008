"""Indexes that cost a payment less.

Which jobs they are about is said without a list, as SQLite builds one of three members anew for every job that it writes; and
one index has payments by time instead of two.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_UNFINISHED = sa.text("state = 'ready' OR state = 'leased'")
_PARKED = sa.text("state = 'held' OR state = 'stranded' OR state = 'dead'")


def upgrade() -> None:
    """Make the indexes anew; they find the same rows."""
    op.drop_index("neonpay_payments_unlisted", "neonpay_payments")
    op.drop_index("neonpay_payments_by_time", "neonpay_payments")
    op.create_index("neonpay_payments_by_time", "neonpay_payments", ["bot_id", "is_listed", "recorded_at"])
    op.drop_index("neonpay_jobs_due", "neonpay_jobs")
    op.create_index(
        "neonpay_jobs_due",
        "neonpay_jobs",
        ["bot_id", "consumer", "run_at"],
        sqlite_where=_UNFINISHED,
        postgresql_where=_UNFINISHED,
    )
    op.drop_index("neonpay_jobs_parked", "neonpay_jobs")
    op.create_index(
        "neonpay_jobs_parked", "neonpay_jobs", ["bot_id", "consumer"], sqlite_where=_PARKED, postgresql_where=_PARKED
    )
