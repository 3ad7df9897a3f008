"""What reports keep so as not to count everything again: written by a periodic task, never by what records a payment.

Both follow from the other tables and may be emptied at any time, together with the row ``analytics:rollup`` of ``duties``,
which says up to which number of event they have come.
"""

from __future__ import annotations

import sqlalchemy as sa

from neonpay.ledger.table_kit import Moment, table

rollup_counts = table(
    "rollup_counts",
    sa.Column("measure", sa.Text, nullable=False),
    # The quarter of an hour: zones are off by that, so days and hours of every zone are made of whole ones.
    sa.Column("slot", Moment, nullable=False),
    sa.Column("stage_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    # Prices are few, so that a count of each is small and still has sums, averages and medians in it.
    sa.Column("value", sa.BigInteger, nullable=False),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "measure", "slot", "stage_id", "kind", "detail", "value"),
)

rollup_buyers = table(
    "rollup_buyers",
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("first_paid_at", Moment, nullable=False),
    sa.Column("last_paid_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "user_id"),
)
