"""Tables of backups: which were made, read back and tried out, and when a ledger was made of one."""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger.table_kit import Moment, table

# One thing that was done with backups; ``bot_id`` is 0, since a backup is the database's. ``act``: backup, copy, verify, drill.
backup_runs = table(
    "backup_runs",
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("backup_id", sa.Text),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("began_at", Moment, nullable=False),
    sa.Column("ended_at", Moment, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("added_bytes", sa.BigInteger, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
    sa.PrimaryKeyConstraint("bot_id", "run_id"),
)

# The ledger was made of a backup; ``bot_id`` is 0, since it is so for bots as well that the backup does not have. A charge of
# before ``fence_at`` that it does not have may have been delivered by the one of before: it waits for a person. ``parked``:
# how much waited then, by bot and by what it is.
restores = table(
    "restores",
    sa.Column("backup_id", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("fence_at", Moment, nullable=False),
    sa.Column("parked", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "fence_at"),
)
