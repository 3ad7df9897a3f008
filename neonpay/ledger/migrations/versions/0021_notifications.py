"""Messages to owners, buyers and programs wait in the ledger until they have arrived."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
works_with = "0010"

_WAITING = sa.text("state = 'waiting'")
_ABOUT = sa.text("user_id IS NOT NULL")


def upgrade() -> None:
    """Add five tables; what is there stays as it is."""
    op.create_table(
        "neonpay_notifications",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        *[
            sa.Column(name, sa.Text, nullable=False)
            for name in ("note_id", "channel", "recipient", "kind", "priority", "subject", "body", "data")
        ],
        sa.Column("user_id", sa.BigInteger),
        sa.Column("gathered", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        *[sa.Column(name, sa.BigInteger, nullable=False) for name in ("attempts", "made_at", "due_at")],
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("sent_as", sa.Text),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("bot_id", "note_id"),
    )
    op.create_index(
        "neonpay_notifications_waiting",
        "neonpay_notifications",
        ["bot_id", "channel", "due_at"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index("neonpay_notifications_by_time", "neonpay_notifications", ["bot_id", "made_at"])
    op.create_index("neonpay_notifications_to", "neonpay_notifications", ["bot_id", "recipient", "kind", "ended_at"])
    op.create_index(
        "neonpay_notifications_about",
        "neonpay_notifications",
        ["bot_id", "user_id"],
        sqlite_where=_ABOUT,
        postgresql_where=_ABOUT,
    )
    op.create_table(
        "neonpay_notification_attempts",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("note_id", sa.Text, nullable=False),
        *[sa.Column(name, sa.BigInteger, nullable=False) for name in ("attempt", "at", "took_us")],
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("bot_id", "note_id", "attempt"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_notification_endpoints",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        *[sa.Column(name, sa.Text, nullable=False) for name in ("endpoint_id", "url", "secret", "events")],
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        *[sa.Column(name, sa.BigInteger, nullable=False) for name in ("made_at", "after_number")],
        sa.Column("old_secret", sa.Text),
        sa.Column("old_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("bot_id", "endpoint_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_notification_rules",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("declared_at", sa.BigInteger, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("bot_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_notification_mutes",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("until_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "recipient"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_notification_troubles",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        *[sa.Column(name, sa.BigInteger, nullable=False) for name in ("since", "until_at")],
        sa.PrimaryKeyConstraint("bot_id", "subject"),
        sqlite_with_rowid=False,
    )
