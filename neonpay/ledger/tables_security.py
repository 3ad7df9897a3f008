"""Tables of people who are blocked or trusted, and of what limits count."""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger.table_kit import Moment, table

standings = table(
    "standings",
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("until", Moment),
    sa.Column("reason", sa.Text),
    sa.Column("since", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "user_id"),
)

conduct = table(
    "conduct",
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("amount_stars", sa.BigInteger, nullable=False),
    sa.Column("note", sa.Text),
    sa.PrimaryKeyConstraint("bot_id", "user_id", "kind", "at", "entry_id"),
)
