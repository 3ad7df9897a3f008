"""Money that came by polling and is not in the ledger yet: what Telegram must not be told has arrived."""

from __future__ import annotations

import asyncio
import logging

from neonpay.adapters._common.facts import Delivery

logger = logging.getLogger("neonpay.adapters")

MOMENT_S = 1.0
"""How long a request for updates waits for the ledger, and once more when something could not be written: a host gets its
other updates this much later."""


class HeldUpdates:
    """Deliveries of updates with money, by the id of the update, until they have succeeded.

    A library asks for updates by an offset, and so tells Telegram that everything below it has arrived. It asks ``settle``
    first, and while that names an update, keeps the offset there. Where the program dies, Telegram delivers again.
    """

    def __init__(self) -> None:
        self._deliveries: dict[int, Delivery] = {}
        self._running: dict[int, asyncio.Task[None]] = {}

    def begin(self, update_id: int, delivery: Delivery) -> None:
        """Deliver in a task; an update that is held already is left to what was begun for it."""
        if update_id not in self._deliveries:
            self._deliveries[update_id] = delivery
            self._running[update_id] = asyncio.ensure_future(_run(delivery))

    async def settle(self) -> int | None:
        """Try again what failed, and wait a moment; the first update that is not delivered by then, or None."""
        if not self._deliveries:
            return None
        for update_id, delivery in self._deliveries.items():
            if update_id not in self._running:
                self._running[update_id] = asyncio.ensure_future(_run(delivery))
        await asyncio.wait(self._running.values(), timeout=MOMENT_S)
        if self._note_ends():
            await asyncio.sleep(MOMENT_S)
        return min(self._deliveries, default=None)

    def let_go(self) -> None:
        """Hold nothing any more; what still runs goes on, and reconciliation finds what it cannot record."""
        logger.error("%d payments are not recorded; reconciliation will find them", len(self._deliveries))
        self._deliveries.clear()

    async def drain(self) -> None:
        """Wait until nothing runs; what failed stays held, and is not tried again."""
        if self._running:
            await asyncio.wait(self._running.values())
            self._note_ends()

    def _note_ends(self) -> bool:
        """Forget what is delivered; whether something failed."""
        failed = False
        for update_id, task in list(self._running.items()):
            if not task.done():
                continue
            del self._running[update_id]
            if not task.cancelled() and task.exception() is None:
                self._deliveries.pop(update_id, None)
                continue
            failed = True
            why = None if task.cancelled() else task.exception()
            logger.error("the payment of update %d is not recorded yet", update_id, exc_info=why)
        return failed


async def _run(delivery: Delivery) -> None:
    await delivery()
