"""Paid periods are found by their end, so that the end of a subscription can be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
works_with = "0010"
"""Nothing older: a stage may have a range of prices from here on, which a program of before cannot read."""

_HAS_END = sa.text("subscription_expires_at IS NOT NULL")


def upgrade() -> None:
    """Add an index of the payments of subscriptions; no other payment pays for it."""
    op.create_index(
        "neonpay_payments_ending",
        "neonpay_payments",
        ["bot_id", "subscription_expires_at"],
        sqlite_where=_HAS_END,
        postgresql_where=_HAS_END,
    )
