"""Tables of what people did beside buying, as far as somebody counts it, and of where they came from."""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger.table_kit import Moment, table

soft_events = table(
    "soft_events",
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("subject", sa.Text),  # a product or a stage
    sa.Column("source", sa.Text),
    sa.Column("stars", sa.BigInteger),  # as a program told it, and no figure of the books
    sa.Column("data", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "event_id"),
)
# Who it was stands in the index, so that people are counted without a look at the rows.
sa.Index(
    "neonpay_soft_events_by_kind", soft_events.c.bot_id, soft_events.c.kind, soft_events.c.at, soft_events.c.user_id
)
sa.Index("neonpay_soft_events_by_user", soft_events.c.bot_id, soft_events.c.user_id, soft_events.c.at)

first_touches = table(
    "first_touches",
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("source", sa.Text),  # None for whoever came by no link
    sa.Column("at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "user_id"),
)

# Of whom nothing is kept that was up to this time. ``person``: a digest of the user id.
forgotten = table(
    "forgotten",
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "person"),
)
