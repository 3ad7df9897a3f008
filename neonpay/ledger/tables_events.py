"""The events, and how far they have got numbers."""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger.table_kit import Moment, is_text, table

events = table(
    "events",
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("stage_id", sa.Text),
    sa.Column("invoice_id", sa.Text),
    sa.Column("charge_id", sa.Text),
    sa.Column("amount_stars", sa.BigInteger),
    sa.Column("reason", sa.Text),
    sa.Column("handler", sa.Text),
    sa.Column("data", sa.Text),
    sa.Column("number", sa.BigInteger),
    # Whether it is found by an index until it has a number; a program that knows nothing of it writes events that are.
    sa.Column("is_indexed", sa.SmallInteger, server_default="1"),
    sa.PrimaryKeyConstraint("bot_id", "event_id"),
)
IS_NUMBERED = events.c.number.is_not(None)
sa.Index(
    "neonpay_events_by_number",
    events.c.bot_id,
    events.c.number,
    events.c.event_id,
    sqlite_where=IS_NUMBERED,
    postgresql_where=IS_NUMBERED,
)
# Those that wait for a number. In SQLite, which has one writer at a time, nearly all of them are found without an index, for
# which every payment would pay: see ``numbered_until``.
_IS_IN_INDEX = sa.and_(events.c.is_indexed == sa.literal_column("1"), events.c.number.is_(None))
sa.Index(
    "neonpay_events_unnumbered",
    events.c.bot_id,
    # The same in all of it: SQLite prefers it to the primary key where what is looked for is in it.
    *(events.c.is_indexed, events.c.number),
    events.c.event_id,
    sqlite_where=_IS_IN_INDEX,
    postgresql_where=events.c.number.is_(None),  # all of them, also those that an SQLite file had without an index
)
# What one person did, and what has become of it: ids of events go by time. An event enters it with its number, which it gets
# after the transaction that wrote it, so that no payment pays for it.
sa.Index(
    "neonpay_events_by_user",
    events.c.bot_id,
    events.c.user_id,
    events.c.event_id,
    events.c.number,
    sqlite_where=IS_NUMBERED,
    postgresql_where=IS_NUMBERED,
)
IS_DECLINED = is_text(events.c.name, "checkout_declined")
"""Checkouts that did not become payments."""
sa.Index(
    "neonpay_events_declined",
    events.c.bot_id,
    events.c.at,
    events.c.event_id,
    sqlite_where=IS_DECLINED,
    postgresql_where=IS_DECLINED,
)

sequences = table(
    "sequences",
    sa.Column("last_number", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("bot_id"),
)

numbered_until = table(
    "numbered_until",
    sa.Column("event_id", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("bot_id"),
)
"""In SQLite, the event before which none is without a number, but for those in the index: one that is written with a smaller id
goes there. It is true of one database, and is brought into no other."""
