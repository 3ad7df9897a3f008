"""Tables of who was seen, and of what people have written about payments."""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger.table_kit import Moment, table

people = table(
    "people",
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("username", sa.Text),  # in lower case, without its @
    sa.Column("first_name", sa.Text),
    sa.Column("language_code", sa.Text),
    sa.Column("first_seen", Moment, nullable=False),
    sa.Column("last_seen", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "user_id"),
)
sa.Index("neonpay_people_by_username", people.c.bot_id, people.c.username)

notes = table(
    "notes",
    sa.Column("note_id", sa.Text, nullable=False),
    sa.Column("charge_id", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("written_by", sa.Text, nullable=False),
    sa.Column("written_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "charge_id", "note_id"),
)

# What a buyer wrote with /paysupport before they had chosen a payment.
request_words = table(
    "request_words",
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("written_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "user_id"),
)
