"""Invoices as a list shows them: with their state, and how many there are in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neonpay.cli.counted import Total
from neonpay.cli.reading.totals import count_rows
from neonpay.core.payments import Invoice, InvoiceState
from neonpay.ledger import Transaction
from neonpay.ledger.tables import invoices
from neonpay.store.invoice_filter import InvoiceSelection
from neonpay.store.newest_invoices import read_newest
from neonpay.store.payment_rows import invoice_of
from neonpay.store.stage_versions import Catalogue


@dataclass(frozen=True, slots=True)
class ListedInvoice:
    """An invoice and how far it is on its way."""

    invoice: Invoice
    state: InvoiceState


def read_invoices(
    transaction: Transaction, bots: Sequence[int], selection: InvoiceSelection, limit: int
) -> tuple[list[ListedInvoice], Total]:
    """The newest of the invoices of some bots that were asked for, and how many there are."""
    found: list[ListedInvoice] = []
    total = Total(0)
    for bot_id in bots:
        rows = read_newest(transaction, bot_id, selection, limit)
        total += count_rows(transaction, invoices, selection.where(bot_id), shown=len(rows), limit=limit)
        catalogue = Catalogue(bot_id)
        found += [ListedInvoice(invoice_of(transaction, catalogue, row), InvoiceState(row["state"])) for row in rows]
    # Stable, so that within one bot the order stays that of the ledger.
    return sorted(found, key=lambda one: one.invoice.created_at, reverse=True)[:limit], total
