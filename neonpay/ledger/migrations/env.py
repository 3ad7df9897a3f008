"""Runs the scripts on the connection that ``neonpay.ledger.migrate`` holds a lock and a transaction on."""

from __future__ import annotations

from alembic import context

from neonpay.ledger.migrate import VERSION_TABLE
from neonpay.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
