"""Invoices as a list shows them: with their state, and how many there are in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.core.payments import Invoice, InvoiceState
from neonpay.ledger import Transaction
from neonpay.ledger.tables import invoices
from neonpay.store.invoice_filter import NEWEST_FIRST, InvoiceSelection
from neonpay.store.payment_rows import invoice_of
from neonpay.store.stage_versions import Catalogue


@dataclass(frozen=True, slots=True)
class ListedInvoice:
    """An invoice and how far it is on its way."""

    invoice: Invoice
    state: InvoiceState


def read_invoices(
    transaction: Transaction, bots: Sequence[int], selection: InvoiceSelection, limit: int
) -> tuple[list[ListedInvoice], int]:
    """The newest of the invoices of some bots that were asked for, and how many there are."""
    found: list[ListedInvoice] = []
    total = 0
    for bot_id in bots:
        where = selection.where(bot_id)
        counted = sa.select(sa.func.count()).select_from(invoices).where(*where)
        total += transaction.connection.execute(counted).scalar_one()
        catalogue = Catalogue(bot_id)
        query = sa.select(invoices).where(*where).order_by(*NEWEST_FIRST).limit(limit)
        found += [
            ListedInvoice(invoice_of(transaction, catalogue, row), InvoiceState(row["state"]))
            for row in transaction.connection.execute(query).mappings().all()
        ]
    # Stable, so that within one bot the order stays that of the ledger.
    return sorted(found, key=lambda one: one.invoice.created_at, reverse=True)[:limit], total


def sold_stages(transaction: Transaction, bots: Sequence[int]) -> list[str]:
    """The stages that were ever offered."""
    query = sa.select(invoices.c.stage_id).where(invoices.c.bot_id.in_(bots)).distinct().order_by(invoices.c.stage_id)
    return list(transaction.connection.execute(query).scalars())
