"""Alembic scripts; they ship in the wheel and run when a ledger opens."""
