"""What waits for a person is found by what waits, and reports know each buyer's sums and each subscription's periods."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
works_with = "0010"

_REFUSED = sa.text("state = 'failed'")
_MOVING = sa.text("stars != stars_before")
_STEPS = "neonpay_rollup_subscriptions"
_BY_AT = ["bot_id", "at", "user_id", "stars_before", "stars", "active_before", "active", "churn", "first_at"]
_BY_END = ["bot_id", "until_at", "at", "user_id", "stage_id", "ends_at", "stars", "renews"]


def upgrade() -> None:
    """Add an index of refunds that were refused, which no payment enters, and a rollup of subscriptions; the others begin anew.

    Until they have come to the end again, reports read from the tables, and are right and slower.
    """
    op.create_index(
        "neonpay_refunds_refused",
        "neonpay_refunds",
        ["bot_id", "charge_id"],
        sqlite_where=_REFUSED,
        postgresql_where=_REFUSED,
    )
    op.create_table(
        _STEPS,
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("stage_id", sa.Text, nullable=False),
        *[sa.Column(name, sa.BigInteger, nullable=False) for name in ("at", "until_at", "ends_at")],
        *[
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("stars_before", "stars", "active_before", "active")
        ],
        *[sa.Column(name, sa.SmallInteger, nullable=False) for name in ("renews", "churn")],
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "user_id", "stage_id", "at"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "neonpay_rollup_subscriptions_by_at", _STEPS, _BY_AT, sqlite_where=_MOVING, postgresql_where=_MOVING
    )
    op.create_index("neonpay_rollup_subscriptions_by_end", _STEPS, _BY_END)
    for name in ("counts", "days", "buyers"):
        op.execute(f"DELETE FROM neonpay_rollup_{name}")  # noqa: S608
    op.execute("UPDATE neonpay_duties SET position = 0 WHERE name = 'analytics:rollup'")
