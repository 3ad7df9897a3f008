"""Tables of the collection of events: what a bot has still to send, which bots a centre has heard of, and its secrets.

Secrets are the database's and not a bot's, since one centre hears all of its bots; they do not go along when a bot moves.
"""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger.table_kit import Moment, metadata, table

# Batches that wait for the centre, at the bot. ``refused``: why the centre does not want one.
outbox = table(
    "outbox",
    sa.Column("batch_id", sa.Text, nullable=False),
    sa.Column("alias", sa.Text),  # what its program calls the bot
    sa.Column("events", sa.BigInteger, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("refused", sa.Text),
    sa.PrimaryKeyConstraint("bot_id", "batch_id"),
    with_rowid=True,
)
# How many events wait is read without a look at their bodies.
sa.Index("neonpay_outbox_waiting", outbox.c.bot_id, outbox.c.refused, outbox.c.events)

# Bots that have sent something, at the centre. ``events``: how many are kept; ``repeated``: how many came once more;
# ``moved``: how many of those that came were said to be of a time that cannot be. ``ledger_at``: when the bot last sent what
# its ledger knows, or said that it does.
collected_bots = table(
    "collected_bots",
    sa.Column("alias", sa.Text),  # what its program calls it
    sa.Column("name", sa.Text),  # what people call it
    sa.Column("first_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("events", sa.BigInteger, nullable=False),
    sa.Column("repeated", sa.BigInteger, nullable=False),
    sa.Column("moved", sa.BigInteger, nullable=False),
    sa.Column("ledger_at", Moment),
    sa.PrimaryKeyConstraint("bot_id"),
)

collection_secrets = sa.Table(
    "neonpay_collection_secrets",
    metadata,
    sa.Column("secret_id", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("secret_id"),
    sqlite_with_rowid=False,
)
