"""What waits for a person is found by what waits, and reports know each buyer's sums and each subscription's periods."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0017"
works_with = "0010"

_REFUSED = sa.text("state = 'failed'")


def upgrade() -> None:
    """Add an index of refunds that were refused, which no payment enters."""
    op.create_index(
        "neonpay_refunds_refused",
        "neonpay_refunds",
        ["bot_id", "charge_id"],
        sqlite_where=_REFUSED,
        postgresql_where=_REFUSED,
    )
