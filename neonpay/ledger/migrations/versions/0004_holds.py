"""What is set aside for buyers who were let through to pay: a row for each, instead of the last seat of an invoice alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_INVOICES = sa.table(
    "neonpay_invoices",
    sa.column("bot_id", sa.BigInteger),
    sa.column("invoice_id", sa.Text),
    sa.column("payments_count", sa.BigInteger),
    sa.column("seats_taken", sa.BigInteger),
)
_PAYMENTS = sa.table(
    "neonpay_payments",
    sa.column("bot_id", sa.BigInteger),
    sa.column("invoice_id", sa.Text),
    sa.column("is_recurring", sa.SmallInteger),
    sa.column("is_first_recurring", sa.SmallInteger),
)


def upgrade() -> None:
    """Add the table of holds and count the seats that are taken; checkouts that are under way hold no seat."""
    op.create_table(
        "neonpay_holds",
        sa.Column("bot_id", sa.BigInteger, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("hold_id", sa.Text, nullable=False),
        sa.Column("invoice_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("delivery", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "resource", "hold_id"),
        sqlite_with_rowid=False,
    )
    op.add_column("neonpay_invoices", sa.Column("seats_taken", sa.BigInteger, nullable=False, server_default="0"))
    op.drop_column("neonpay_invoices", "held_by")
    op.drop_column("neonpay_invoices", "held_until")
    _count_seats(op.get_bind())


def _count_seats(connection: sa.Connection) -> None:
    paid = sa.update(_INVOICES).where(_INVOICES.c.payments_count > 0)
    connection.execute(paid.values(seats_taken=_INVOICES.c.payments_count))
    renewals = (
        sa.select(_PAYMENTS.c.bot_id, _PAYMENTS.c.invoice_id, sa.func.count())
        .where(_PAYMENTS.c.is_recurring == 1, _PAYMENTS.c.is_first_recurring == 0, _PAYMENTS.c.invoice_id.is_not(None))
        .group_by(_PAYMENTS.c.bot_id, _PAYMENTS.c.invoice_id)
    )
    for bot_id, invoice_id, count in connection.execute(renewals).all():
        of_invoice = (_INVOICES.c.bot_id == bot_id, _INVOICES.c.invoice_id == invoice_id)
        connection.execute(sa.update(_INVOICES).where(*of_invoice).values(seats_taken=_INVOICES.c.seats_taken - count))
