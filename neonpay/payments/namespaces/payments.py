"""``neonpay.payments``: what a person looks for among the payments, and decides about one."""

from __future__ import annotations

import builtins
from datetime import datetime

from neonpay.core.charge_ids import charge_key
from neonpay.core.namespaces import M, verb
from neonpay.core.payments import Payment, PaymentState, RefundState
from neonpay.payments.namespaces.asked import aware, named, user
from neonpay.payments.namespaces.served import Served
from neonpay.store.payment_filter import Selection


class Payments(Served[M], path="payments"):
    """Payments by id and by what they have in common, and those that wait for a decision."""

    @verb
    async def get(self, charge_id: str) -> Payment:
        """The payment with this charge id; raises PaymentNotFoundError when there is none."""
        pipeline = await self._opened()
        return await pipeline.history.payment(charge_key(charge_id))

    @verb
    async def find(self, beginning: str) -> Payment:
        """The payment with this charge id, or the only one whose charge id begins so.

        Raises:
            PaymentNotFoundError: the ledger has no such payment.
            PaymentError: several begin so.
        """
        pipeline = await self._opened()
        return await pipeline.history.find(charge_key(beginning))

    @verb
    async def list(
        self,
        *,
        state: PaymentState | str | None = None,
        user_id: int | None = None,
        stage_id: str | None = None,
        invoice_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        has_dead_letters: bool = False,
        refund: RefundState | str | None = None,
        limit: int = 100,
    ) -> builtins.list[Payment]:
        """The payments that meet every condition that is given, newest first.

        Args:
            since, until: bounds of the time of payment, aware; the first is in, the second is not.
            has_dead_letters: only payments with a handler that has failed on its last attempt.
            refund: only payments whose refund has come so far, such as ``"unknown"``.

        Raises:
            ValueError: there is no such state. A ValidationError, which is one: a time has no zone, or an id is none.
        """
        selection = Selection(
            state=None if state is None else PaymentState(state),
            user_id=user(user_id),
            stage_id=named("stage_id", stage_id),
            invoice_id=named("invoice_id", invoice_id),
            since=aware("since", since),
            until=aware("until", until),
            has_dead_letters=has_dead_letters,
            refund=None if refund is None else RefundState(refund),
        )
        return await self._select(selection, limit)

    @verb
    async def history(self, user_id: int, *, limit: int = 100) -> builtins.list[Payment]:
        """A user's payments, newest first."""
        return await self._select(Selection(user_id=user(user_id)), limit)

    @verb
    async def needs_attention(self, *, limit: int = 100) -> builtins.list[Payment]:
        """Payments that were recorded and that a person has to decide on, newest first."""
        return await self._select(Selection(state=PaymentState.NEEDS_ATTENTION), limit)

    @verb
    async def accept(self, charge_id: str, *, is_delivered: bool = False) -> Payment:
        """Have a payment that needs attention delivered: it counts as earned from now on, and its handlers get their jobs.

        Returns the payment as it is now. One that is accepted already stays as it is.

        Args:
            is_delivered: its buyer has what was paid for, so that no handler runs: a ledger that was restored from a backup
                does not know of what was delivered after that was made.

        Raises:
            PaymentNotFoundError: the ledger has no such payment.
            PaymentError: no handler takes its stage, or its Stars have gone back or are on their way; nothing was changed.
        """
        pipeline = await self._opened()
        accepted, _ = await pipeline.decisions.accept(charge_key(charge_id), is_delivered=is_delivered)
        pipeline.fulfilment.changed.set()
        return accepted

    async def _select(self, selection: Selection, limit: int) -> builtins.list[Payment]:
        pipeline = await self._opened()
        return await pipeline.history.select(selection, limit=limit)
