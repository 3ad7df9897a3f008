"""What people of the shop have written about a payment, for each other."""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger.table_kit import Moment, table

notes = table(
    "notes",
    sa.Column("note_id", sa.Text, nullable=False),
    sa.Column("charge_id", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("written_by", sa.Text, nullable=False),
    sa.Column("written_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "charge_id", "note_id"),
)
