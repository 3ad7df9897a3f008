"""``neonpay.jobs``: how far each handler has come, and what waits for a person."""

from __future__ import annotations

from neonpay.core.charge_ids import charge_key
from neonpay.core.namespaces import M, verb
from neonpay.payments.namespaces.served import Served
from neonpay.store.job_rows import JobRecord


class Jobs(Served[M], path="jobs"):
    """The work of handlers on payments."""

    @verb
    async def of(self, charge_id: str) -> list[JobRecord]:
        """How far each handler has come with a payment."""
        pipeline = await self._opened()
        return await pipeline.history.jobs_of(charge_key(charge_id))

    @verb
    async def dead_letters(self) -> list[JobRecord]:
        """Handlers that have failed on their last attempt."""
        pipeline = await self._opened()
        return await pipeline.history.dead_letters()

    @verb
    async def stranded(self) -> list[JobRecord]:
        """Unfinished jobs whose handler no program of the shop has had for a day; they wait for one that has it."""
        pipeline = await self._opened()
        return await pipeline.history.stranded()

    @verb
    async def retry(self, charge_id: str, *, handler: str | None = None) -> int:
        """Run the unfinished handlers of a payment again now, dead letters included.

        Returns how many there are; one that runs at this moment is counted and left alone.

        Raises:
            PaymentNotFoundError: the ledger has no such payment.
            PaymentError: it has no unfinished job of ``handler``; the message lists those that it has. Or it needs attention:
                ``neonpay.payments.accept`` gives it its handlers, ``neonpay.refund`` sends it back. Or its Stars are on their
                way back, so nothing is delivered meanwhile.
        """
        pipeline = await self._opened()
        revived = await pipeline.decisions.retry(charge_key(charge_id), handler=handler)
        pipeline.fulfilment.changed.set()
        return revived
