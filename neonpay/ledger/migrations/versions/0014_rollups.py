"""Payments are found by their time, and those that wait for a decision without a look at the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
works_with = "0010"
"""A program of before keeps the indexes right without knowing them."""

_IS_WAITING = "state = 'needs_attention' OR state = 'refund_due'"


def upgrade() -> None:
    """Add the indexes. Payments come in the order of their time, so the first grows at its end, which costs little."""
    op.create_index("neonpay_payments_by_time", "neonpay_payments", ["bot_id", "paid_at"])
    op.create_index(
        "neonpay_payments_waiting",
        "neonpay_payments",
        ["bot_id", "paid_at"],
        sqlite_where=sa.text(_IS_WAITING),
        postgresql_where=sa.text(_IS_WAITING),
    )
