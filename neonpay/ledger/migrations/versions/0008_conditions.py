"""Which jobs the indexes are about, said without a list: SQLite builds one of three members anew for every job it writes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_UNFINISHED = sa.text("state = 'ready' OR state = 'leased'")
_PARKED = sa.text("state = 'held' OR state = 'stranded' OR state = 'dead'")


def upgrade() -> None:
    """Make the indexes anew; they have the same jobs in them."""
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
