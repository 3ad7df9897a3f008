"""Who is about to send an invoice, so that two workers do not send it twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the lease on sending to invoices; what is there stays as it is."""
    op.add_column("neonpay_invoices", sa.Column("sending_by", sa.BigInteger))
    op.add_column("neonpay_invoices", sa.Column("sending_until", sa.BigInteger))
