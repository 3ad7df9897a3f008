"""Events are numbered in the order in which they became visible, and jobs may be about any of them.

Whoever looks at what has happened since it looked last goes by the number. Two indexes that served such looks, and that every
payment paid for, are not needed any more. The tables of extensions are listed, so that what moves
or backs up a ledger knows them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
works_with = "0009"
"""Nothing older: a column of consumers is gone that programs of before write."""

_UNFINISHED = sa.text("state = 'ready' OR state = 'leased'")
_PARKED = sa.text("state = 'held' OR state = 'stranded' OR state = 'dead'")
_EXPIRES = sa.text("expires_at IS NOT NULL AND (state = 'created' OR state = 'queued' OR state = 'sent')")


def upgrade() -> None:
    """Add columns, an index and a table; events that are there get their numbers from the task that seals."""
    op.add_column("neonpay_events", sa.Column("data", sa.Text))
    op.add_column("neonpay_events", sa.Column("number", sa.BigInteger))
    op.create_index("neonpay_events_by_number", "neonpay_events", ["bot_id", "number", "event_id"])
    op.create_table(
        "neonpay_sequences",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("last_number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id"),
        sqlite_with_rowid=False,
    )
    op.drop_index("neonpay_journal_unsealed", "neonpay_journal")
    op.drop_index("neonpay_payments_by_time", "neonpay_payments")
    op.execute("UPDATE neonpay_consumers SET since = complete_until WHERE complete_until > since")
    op.drop_column("neonpay_consumers", "complete_until")
    op.add_column("neonpay_consumers", sa.Column("complete_number", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("neonpay_consumers", sa.Column("events", sa.Text))
    op.add_column("neonpay_invoices", sa.Column("terms", sa.Text))
    op.create_index(
        "neonpay_invoices_expiring",
        "neonpay_invoices",
        ["bot_id", "expires_at"],
        sqlite_where=_EXPIRES,
        postgresql_where=_EXPIRES,
    )
    op.create_table(
        "neonpay_extension_tables",
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("extension", sa.Text, nullable=False),
        sa.Column("package", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("table_name"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("neonpay_jobs", "charge_id", nullable=True)
    else:
        _rebuild_jobs()


def _rebuild_jobs() -> None:
    op.rename_table("neonpay_jobs", "neonpay_jobs_before")
    op.drop_index("neonpay_jobs_due", "neonpay_jobs_before")
    op.drop_index("neonpay_jobs_parked", "neonpay_jobs_before")
    op.create_table(
        "neonpay_jobs",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("charge_id", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("run_at", sa.BigInteger, nullable=False),
        sa.Column("token", sa.BigInteger),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("bot_id", "event_id", "consumer"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO neonpay_jobs (bot_id, event_id, consumer, charge_id, state, attempts, run_at, token, error)"
        " SELECT bot_id, event_id, consumer, charge_id, state, attempts, run_at, token, error FROM neonpay_jobs_before"
    )
    op.drop_table("neonpay_jobs_before")
    for name, keys, where in (
        ("neonpay_jobs_due", ["bot_id", "consumer", "run_at"], _UNFINISHED),
        ("neonpay_jobs_parked", ["bot_id", "consumer"], _PARKED),
    ):
        op.create_index(name, "neonpay_jobs", keys, sqlite_where=where)
