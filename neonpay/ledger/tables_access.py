"""The tables of the dashboard's door: who may come in, who is in, and what they did.

Accounts, sessions and links are the database's and not a bot's, since one dashboard shows all bots of a ledger. They do not go
along when a bot moves to another database; what was done there does.
"""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger.table_kit import Moment, metadata, table

accounts = sa.Table(
    "neonpay_accounts",
    metadata,
    sa.Column("name", sa.Text, nullable=False),  # chosen by a person, or the Telegram user id of an owner in digits
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text),  # none: comes in by a link alone
    sa.Column("language", sa.Text),
    sa.Column("zone", sa.Text),
    sa.Column("single_keys", sa.Boolean, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("name"),
    sqlite_with_rowid=False,
)

sessions = sa.Table(
    "neonpay_sessions",
    metadata,
    sa.Column("session_hash", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("ends_at", Moment, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("revoked_at", Moment),
    sa.PrimaryKeyConstraint("session_hash"),
    sqlite_with_rowid=False,
)
sa.Index("neonpay_sessions_by_account", sessions.c.account)

login_links = sa.Table(
    "neonpay_login_links",
    metadata,
    sa.Column("link_hash", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("ends_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
    sa.PrimaryKeyConstraint("link_hash"),
    sqlite_with_rowid=False,
)

# Tries to come in since ``since``, by the digest of an account or an address.
login_tries = sa.Table(
    "neonpay_login_tries",
    metadata,
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("tries", sa.BigInteger, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.PrimaryKeyConstraint("digest"),
    sqlite_with_rowid=False,
)

# ``bot_id`` is 0 for what concerns the dashboard and no bot.
audit = table(
    "audit",
    sa.Column("audit_id", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("subject", sa.Text),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "audit_id"),
)
