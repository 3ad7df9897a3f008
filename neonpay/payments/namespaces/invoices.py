"""``neonpay.invoices``: what was offered, and whether it was paid."""

from __future__ import annotations

import builtins
from datetime import datetime

from neonpay.core.charge_ids import charge_key
from neonpay.core.namespaces import M, verb
from neonpay.core.payments import Invoice, InvoiceState
from neonpay.errors import ValidationError
from neonpay.payments.namespaces.asked import aware, known_as, named, user
from neonpay.payments.namespaces.served import Served
from neonpay.store.invoice_filter import InvoiceSelection


class Invoices(Served[M], path="invoices"):
    """Invoices by their id, and the one that a payment has paid."""

    @verb
    async def get(self, invoice_id: str) -> Invoice | None:
        """The invoice with this id, or None."""
        wanted = known_as("invoice_id", invoice_id)
        pipeline = await self._opened()
        return await pipeline.history.invoice(wanted)

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
    async def list(
        self,
        *,
        user_id: int | None = None,
        state: InvoiceState | str | None = None,
        stage_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        has_payments: bool | None = None,
        limit: int = 100,
    ) -> builtins.list[Invoice]:
        """The invoices that meet every condition that is given, newest first.

        Args:
            user_id: only those that this user alone may pay.
            state: how far they are on their way to the buyer, such as ``"sent"``.
            since, until: bounds of the time at which they were made, aware; the first is in, the second is not.
            has_payments: only those that have been paid at least once, or only those that have not.

            limit: how many at most, 1 to 100,000.

        Raises:
            ValidationError: there is no such state, the limit is none, a time has no zone, or an id is none.
        """
        if state is not None and state not in set(InvoiceState):
            raise ValidationError("state", state, ", ".join(InvoiceState))
        selection = InvoiceSelection(
            user_id=user(user_id),
            state=None if state is None else InvoiceState(state),
            stage_id=named("stage_id", stage_id),
            since=aware("since", since),
            until=aware("until", until),
            has_payments=has_payments,
        )
        pipeline = await self._opened()
        return await pipeline.history.select_invoices(selection, limit=limit)

    @verb
    async def is_paid(self, invoice_id: str) -> bool:
        """Whether the shop has Stars for an invoice: a payment of it was accepted and has not gone back."""
        wanted = known_as("invoice_id", invoice_id)
        pipeline = await self._opened()
        return await pipeline.history.is_paid(wanted)
