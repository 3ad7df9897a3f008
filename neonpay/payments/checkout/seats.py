"""Seats: how often an invoice may still be paid when its stage says how often it may be.

A seat is taken by a payment, or held for somebody who was let through to pay. Taken and held together never exceed
``max_payments``, because a seat is given out, and a payment is recorded, under the lock of the invoice's row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.core.checkout import Decline
from neonpay.core.payments import Invoice
from neonpay.ledger import Among, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import invoices
from neonpay.payments.checkout import holds
from neonpay.payments.checkout.holds import Hold

_LOCK = Among(
    lambda ids: (
        sa.select(invoices.c.invoice_id, invoices.c.seats_taken, invoices.c.expires_at <= DatabaseNow())
        .where(invoices.c.bot_id == sa.bindparam("b"), invoices.c.invoice_id.in_(ids))
        .order_by(invoices.c.invoice_id)
        .with_for_update()
    ),
    "b",
)


def resource_of(invoice_id: str) -> str:
    """What holds call the seats of an invoice."""
    return f"seats:{invoice_id}"


@dataclass(slots=True)
class Seats:
    """The seats of one invoice, which nobody else gives out until the unit ends."""

    most: int
    taken: int
    held: int
    has_expired: bool

    def refusal(self) -> Decline | None:
        """Why nobody more may be let through, or None when somebody may."""
        if self.has_expired:
            return Decline.EXPIRED
        if self.taken >= self.most:
            return Decline.ALREADY_PAID
        return Decline.BEING_PAID if self.taken + self.held >= self.most else None


def lock(transaction: Transaction, bot_id: int, limited: Sequence[Invoice]) -> dict[str, Seats]:
    """The seats of these invoices, whose stages limit them, by invoice id; their rows are locked in the order of the ids."""
    most = {invoice.invoice_id: invoice.stage.max_payments or 0 for invoice in limited}
    ids = sorted(most)
    rows = transaction.rows_among(_LOCK, (bot_id,), ids)
    held = holds.held(transaction, bot_id, [resource_of(invoice_id) for invoice_id in ids])
    return {
        invoice_id: Seats(most[invoice_id], taken, held.get(resource_of(invoice_id), 0), bool(has_expired))
        for invoice_id, taken, has_expired in rows
    }


def pay(
    transaction: Transaction, bot_id: int, payers: Sequence[tuple[str, int]], left: Mapping[str, int]
) -> list[bool]:
    """For each payment of a limited invoice, in their order, whether it takes a seat; the hold that it uses up is gone.

    Args:
        payers: invoice and buyer of each payment. The invoices' rows are locked.
        left: seats that no payment has taken yet, by invoice.
    """
    if not payers:
        return []
    buyers = [(resource_of(invoice_id), user_id) for invoice_id, user_id in payers]
    held = Counter(holds.held(transaction, bot_id, sorted({resource for resource, _ in buyers})))
    own = holds.of_buyers(transaction, bot_id, buyers)
    free = Counter({resource_of(invoice_id): seats for invoice_id, seats in left.items()})
    free.subtract(held)
    used: list[tuple[str, str]] = []
    seated: list[bool] = []
    for resource, user_id in buyers:
        mine = own[resource, user_id]
        if mine:
            hold_id, quantity = mine.pop(0)
            used.append((resource, hold_id))
            free[resource] += quantity
        seated.append(free[resource] > 0)
        free[resource] -= seated[-1]
    holds.use_up(transaction, bot_id, used)
    return seated


def hold_of(invoice_id: str, user_id: int, sale_id: str, delivery: str) -> Hold:
    """One seat of an invoice for somebody who is let through to pay."""
    return Hold(resource_of(invoice_id), sale_id, invoice_id, user_id, delivery)
