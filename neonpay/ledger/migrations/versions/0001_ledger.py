"""The first shape of the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table of the first shape."""
    op.create_table(
        "neonpay_events",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("stage_id", sa.Text),
        sa.Column("invoice_id", sa.Text),
        sa.Column("charge_id", sa.Text),
        sa.Column("amount_stars", sa.BigInteger),
        sa.Column("reason", sa.Text),
        sa.Column("handler", sa.Text),
        sa.PrimaryKeyConstraint("bot_id", "event_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_invoices",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("invoice_id", sa.Text, nullable=False),
        sa.Column("stage_id", sa.Text, nullable=False),
        sa.Column("stage_version", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("price_stars", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("chat_id", sa.BigInteger),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("link", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("payments_count", sa.BigInteger, nullable=False),
        sa.Column("held_by", sa.BigInteger),
        sa.Column("held_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("bot_id", "invoice_id"),
        sa.UniqueConstraint("bot_id", "idempotency_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_jobs",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("charge_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("run_at", sa.BigInteger, nullable=False),
        sa.Column("token", sa.BigInteger),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("bot_id", "event_id", "consumer"),
        sqlite_with_rowid=False,
    )
    unfinished = sa.column("state").in_(("ready", "leased"))
    op.create_index(
        "neonpay_jobs_due", "neonpay_jobs", ["bot_id", "run_at"], sqlite_where=unfinished, postgresql_where=unfinished
    )
    op.create_table(
        "neonpay_journal",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("amount_stars", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "event_id", "account"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_keys",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "key_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_payments",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("charge_id", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("amount_stars", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attention", sa.Text),
        sa.Column("invoice_id", sa.Text),
        sa.Column("stage_id", sa.Text),
        sa.Column("stage_version", sa.BigInteger),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("paid_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("provider_charge_id", sa.Text),
        sa.Column("is_recurring", sa.SmallInteger, nullable=False),
        sa.Column("is_first_recurring", sa.SmallInteger, nullable=False),
        sa.Column("subscription_expires_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("bot_id", "charge_id"),
    )
    op.create_index("neonpay_payments_by_user", "neonpay_payments", ["bot_id", "user_id", "paid_at"])
    op.create_table(
        "neonpay_refunds",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("charge_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("amount_stars", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("requested_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("bot_id", "charge_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_stages",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("stage_id", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "stage_id", "version"),
        sa.UniqueConstraint("bot_id", "stage_id", "digest"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "neonpay_steps",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("finished_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "event_id", "consumer", "name"),
        sqlite_with_rowid=False,
    )
