"""``neonpay.invoices``: what was offered, and whether it was paid."""

from __future__ import annotations

from neonpay.core.charge_ids import charge_key
from neonpay.core.namespaces import M, verb
from neonpay.core.payments import Invoice
from neonpay.payments.namespaces.served import Served


class Invoices(Served[M], path="invoices"):
    """Invoices by their id, and the one that a payment has paid."""

    @verb
    async def get(self, invoice_id: str) -> Invoice | None:
        """The invoice with this id, or None."""
        pipeline = await self._opened()
        return await pipeline.history.invoice(invoice_id)

    @verb
    async def of(self, charge_id: str) -> Invoice | None:
        """The invoice that a payment has paid, or None when it was none of the ledger's.

        ``chat_id`` and ``message_id`` say where its message is, once it was sent as one: to be edited or deleted.

        Raises:
            PaymentNotFoundError: the ledger has no such payment.
        """
        pipeline = await self._opened()
        payment = await pipeline.history.payment(charge_key(charge_id))
        return None if payment.invoice_id is None else await pipeline.history.invoice(payment.invoice_id)

    @verb
    async def is_paid(self, invoice_id: str) -> bool:
        """Whether the shop has Stars for an invoice: a payment of it was accepted and has not gone back."""
        pipeline = await self._opened()
        return await pipeline.history.is_paid(invoice_id)
