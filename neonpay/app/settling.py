"""What has become of a payment, and what a person decides about it."""

from __future__ import annotations

from neonpay.app.base import Application
from neonpay.core.charge_ids import charge_key
from neonpay.core.payments import Payment, Refund, RefundState
from neonpay.errors import ValidationError
from neonpay.store.job_rows import JobRecord


class Settling(Application):
    """Refunds, the history, and payments and jobs that wait for a decision."""

    async def refund(self, charge_id: str, *, reason: str | None = None, requested_by: str | None = None) -> Refund:
        """Give the Stars of a payment back, whole. A repeated call changes nothing, and one after a refusal asks again.

        The returned refund is ``refunded`` when the Stars are back. It is ``intended`` while Telegram cannot do it now, or
        another worker is at it, and ``unknown`` when Telegram's answer was lost; then it is durable all the same, and a
        worker carries on until Telegram says yes or no (``payment_refunded`` or ``refund_failed``).

        Args:
            reason: why, in words for the owner.
            requested_by: who wants it, in words for the owner.

        Raises:
            PaymentNotFoundError: the ledger has no such payment.
            RefundError: Telegram refuses for good; the Stars stay with the bot.
        """
        await self.setup()
        return await self._pipeline.refunds.refund(charge_key(charge_id), reason=reason, requested_by=requested_by)

    async def refunds(self, state: RefundState | str | None = None, *, limit: int = 100) -> list[Refund]:
        """Refunds, newest first: all of them, or those that are intended, unknown, refunded or failed.

        Raises:
            ValidationError: there is no such state.
        """
        try:
            wanted = None if state is None else RefundState(state)
        except ValueError as exc:
            raise ValidationError("state", state, f"one of {[str(known) for known in RefundState]}") from exc
        await self.setup()
        return await self._pipeline.refunds.in_state(wanted, limit=limit)

    async def get_payment(self, charge_id: str) -> Payment:
        """The payment with this charge id; raises PaymentNotFoundError when there is none."""
        await self.setup()
        return await self._pipeline.history.payment(charge_key(charge_id))

    async def jobs(self, charge_id: str) -> list[JobRecord]:
        """How far each handler has come with a payment."""
        await self.setup()
        return await self._pipeline.history.jobs_of(charge_key(charge_id))

    async def dead_letters(self) -> list[JobRecord]:
        """Handlers that have failed on their last attempt."""
        await self.setup()
        return await self._pipeline.history.dead_letters()

    async def stranded_jobs(self) -> list[JobRecord]:
        """Unfinished jobs whose handler no program of the shop has had for a day; they wait for one that has it."""
        await self.setup()
        return await self._pipeline.history.stranded()

    async def retry(self, charge_id: str, *, handler: str | None = None) -> int:
        """Run the unfinished handlers of a payment again now, dead letters included.

        Returns how many there are; one that runs at this moment is counted and left alone.

        Raises:
            PaymentNotFoundError: the ledger has no such payment.
            PaymentError: it has no unfinished job of ``handler``; the message lists those that it has. Or it needs attention:
                ``accept`` gives it its handlers, ``refund`` sends it back. Or its Stars are on their way back, so nothing is
                delivered meanwhile.
        """
        await self.setup()
        revived = await self._pipeline.history.retry(charge_key(charge_id), handler=handler)
        self._pipeline.fulfilment.changed.set()
        return revived
