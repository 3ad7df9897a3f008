"""What reports keep so as not to count everything again: written by a periodic task, never by what records a payment.

All follow from the other tables and may be emptied at any time, all at once and together with the rows of ``duties`` whose
names begin with ``analytics:``, which say up to which number of event they have come.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa

from neonpay.ledger.table_kit import Moment, table


def _counts(name: str) -> sa.Table:
    return table(
        name,
        sa.Column("measure", sa.Text, nullable=False),
        sa.Column("slot", Moment, nullable=False),
        sa.Column("stage_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        # Prices are few, so that a count of each is small and still has sums, averages and medians in it.
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "measure", "slot", "stage_id", "kind", "detail", "value"),
    )


rollup_counts = _counts("rollup_counts")
"""By the quarter of an hour: zones are off by that, so days and hours of every zone are made of whole ones."""

rollup_days = _counts("rollup_days")
"""The same by the day of UTC, which long periods are made of but for their ends."""

QUARTER_US: Final = 15 * 60 * 1_000_000
DAY_US: Final = 96 * QUARTER_US
WIDTHS_US: Final[Mapping[sa.Table, int]] = MappingProxyType({rollup_counts: QUARTER_US, rollup_days: DAY_US})
"""How long a slot of each is, in microseconds."""

rollup_buyers = table(
    "rollup_buyers",
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("first_paid_at", Moment, nullable=False),
    sa.Column("last_paid_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "user_id"),
)
# Reports about people look at those who paid first, or last, in a period or after it began, and at nobody else.
sa.Index(
    "neonpay_rollup_buyers_by_first",
    rollup_buyers.c.bot_id,
    rollup_buyers.c.first_paid_at,
    rollup_buyers.c.last_paid_at,
)
sa.Index(
    "neonpay_rollup_buyers_by_last", rollup_buyers.c.bot_id, rollup_buyers.c.last_paid_at, rollup_buyers.c.first_paid_at
)

rollup_subscriptions = table(
    "rollup_subscriptions",
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("stage_id", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("until_at", Moment, nullable=False),
    sa.Column("ends_at", Moment, nullable=False),
    sa.Column("stars_before", sa.BigInteger, nullable=False),
    sa.Column("stars", sa.BigInteger, nullable=False),
    sa.Column("active_before", sa.BigInteger, nullable=False),
    sa.Column("active", sa.BigInteger, nullable=False),
    sa.Column("renews", sa.SmallInteger, nullable=False),
    sa.Column("churn", sa.SmallInteger, nullable=False),
    sa.Column("first_at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "user_id", "stage_id", "at"),
)
"""The moments at which what somebody pays for a stage has changed; see ``neonpay.analytics.subscription_steps``."""
IS_MOVING = rollup_subscriptions.c.stars != rollup_subscriptions.c.stars_before
"""Steps that change what somebody pays; a renewal does not, and most are."""
# Both have all that is asked for, so that a report reads one range of one index.
sa.Index(
    "neonpay_rollup_subscriptions_by_at",
    *[
        rollup_subscriptions.c[name]
        for name in "bot_id at user_id stars_before stars active_before active churn first_at".split()  # noqa: SIM905
    ],
    sqlite_where=IS_MOVING,
    postgresql_where=IS_MOVING,
)
sa.Index(
    "neonpay_rollup_subscriptions_by_end",
    *[rollup_subscriptions.c[name] for name in "bot_id until_at at user_id stage_id ends_at stars renews".split()],  # noqa: SIM905
)

rollup_languages = table(
    "rollup_languages",
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("language_code", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "user_id"),
)
"""Under which language payments count that have none of their own: that of their buyer when the first of them was counted."""

rollup_ages = table(
    "rollup_ages",
    sa.Column("user_id", sa.BigInteger, nullable=False),
    sa.Column("age", sa.BigInteger, nullable=False),
    sa.Column("first_at", Moment, nullable=False),
    sa.Column("stars", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "user_id", "age"),
)
"""What each buyer has paid in the first, second … thirty days since the first payment, less what went back of it."""
sa.Index("neonpay_rollup_ages_by_first", *[rollup_ages.c[name] for name in ("bot_id", "first_at", "age", "stars")])

rollup_cohorts = table(
    "rollup_cohorts",
    sa.Column("day", Moment, nullable=False),
    sa.Column("age", sa.BigInteger, nullable=False),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("stars", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("bot_id", "day", "age"),
)
"""The same by the day of UTC of the first payment: how many buyers, and their Stars."""
