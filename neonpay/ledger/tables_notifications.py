"""Tables of notifications: messages, each attempt at one, programs that are told, who wants quiet, and what is wrong."""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger.table_kit import Moment, table

# One message to one recipient. ``state``: waiting, sent, merged (it went as a part of ``sent_as``), dead.
# ``gathered``: messages of one recipient with the same one go out together.
notifications = table(
    "notifications",
    sa.Column("note_id", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("gathered", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.BigInteger, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("sent_as", sa.Text),
    sa.Column("error", sa.Text),
    sa.PrimaryKeyConstraint("bot_id", "note_id"),
    with_rowid=True,
)
IS_WAITING = notifications.c.state == sa.literal_column("'waiting'")
sa.Index(
    "neonpay_notifications_waiting",
    notifications.c.bot_id,
    notifications.c.channel,
    notifications.c.due_at,
    sqlite_where=IS_WAITING,
    postgresql_where=IS_WAITING,
)
sa.Index("neonpay_notifications_by_time", notifications.c.bot_id, notifications.c.made_at)
# How many of a kind somebody had of late, and what was said to or about a person, without a look at all the others.
sa.Index(
    "neonpay_notifications_to",
    notifications.c.bot_id,
    notifications.c.recipient,
    notifications.c.kind,
    notifications.c.ended_at,
)
IS_ABOUT_SOMEBODY = notifications.c.user_id.is_not(None)
sa.Index(
    "neonpay_notifications_about",
    notifications.c.bot_id,
    notifications.c.user_id,
    sqlite_where=IS_ABOUT_SOMEBODY,
    postgresql_where=IS_ABOUT_SOMEBODY,
)

notification_attempts = table(
    "notification_attempts",
    sa.Column("note_id", sa.Text, nullable=False),
    sa.Column("attempt", sa.BigInteger, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("took_us", sa.BigInteger, nullable=False),
    sa.Column("error", sa.Text),
    sa.PrimaryKeyConstraint("bot_id", "note_id", "attempt"),
)

# A program that is told of the events which come after number ``after_number``. ``old_secret`` signs, too, until ``old_until``.
notification_endpoints = table(
    "notification_endpoints",
    sa.Column("endpoint_id", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("events", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("is_on", sa.Boolean, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("after_number", sa.BigInteger, nullable=False),
    sa.Column("old_secret", sa.Text),
    sa.Column("old_until", Moment),
    sa.PrimaryKeyConstraint("bot_id", "endpoint_id"),
)

# What the program that opened last tells of, as JSON.
notification_rules = table(
    "notification_rules",
    sa.Column("declared_at", Moment, nullable=False),
    sa.Column("rules", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("bot_id"),
)

# Until when a recipient is only told of what is critical.
notification_mutes = table(
    "notification_mutes",
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("until_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "recipient"),
)

# What is wrong with the shop for as long as somebody sees it: nobody has seen it since ``until_at`` when it is over.
notification_troubles = table(
    "notification_troubles",
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("until_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "subject"),
)
