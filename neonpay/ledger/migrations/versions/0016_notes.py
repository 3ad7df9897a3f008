"""Payments that are not accepted, declined checkouts and what one person did have indexes; notes on payments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
works_with = "0010"

_UNACCEPTED = sa.text("state != 'accepted'")
_NUMBERED = sa.text("number IS NOT NULL")
_DECLINED = sa.text("name = 'checkout_declined'")


def upgrade() -> None:
    """Add a table and three indexes; what is there stays as it is."""
    op.create_index(
        "neonpay_payments_unaccepted",
        "neonpay_payments",
        ["bot_id", "state", "paid_at", "charge_id"],
        sqlite_where=_UNACCEPTED,
        postgresql_where=_UNACCEPTED,
    )
    op.create_index(
        "neonpay_events_declined",
        "neonpay_events",
        ["bot_id", "at", "event_id"],
        sqlite_where=_DECLINED,
        postgresql_where=_DECLINED,
    )
    op.create_index(
        "neonpay_events_by_user",
        "neonpay_events",
        ["bot_id", "user_id", "event_id", "number"],
        sqlite_where=_NUMBERED,
        postgresql_where=_NUMBERED,
    )
    op.create_table(
        "neonpay_notes",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("note_id", sa.Text, nullable=False),
        sa.Column("charge_id", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("written_by", sa.Text, nullable=False),
        sa.Column("written_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "charge_id", "note_id"),
        sqlite_with_rowid=False,
    )
