"""Takes up jobs that are due: retries, what a dead process left behind, what did not fit in at once."""

from __future__ import annotations

import asyncio
import logging

from neonpay.errors import LedgerError
from neonpay.payments.fulfilment import Fulfilment
from neonpay.payments.jobs import JobBook

logger = logging.getLogger("neonpay.payments")


class Worker:
    """The loop that claims jobs and renews leases.

    Args:
        poll_s: longest pause between two looks at the queue. Looking is what finds work; anything else only wakes it earlier.
    """

    def __init__(self, jobs: JobBook, fulfilment: Fulfilment, *, poll_s: float = 1.0) -> None:
        self._jobs = jobs
        self._fulfilment = fulfilment
        self._poll_s = poll_s
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to look for work."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._take_up()), loop.create_task(self._keep_leases())]

    async def stop(self, *, grace_s: float) -> None:
        """Take up nothing more, and let what runs finish or give it back."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._fulfilment.stop(grace_s=grace_s)

    async def _take_up(self) -> None:
        while True:
            pause_s = self._poll_s
            try:
                pause_s = await self._once()
            except LedgerError as exc:
                logger.warning("cannot look for due jobs: %s", exc)
            if pause_s > 0:
                self._fulfilment.changed.clear()
                try:
                    async with asyncio.timeout(pause_s):
                        await self._fulfilment.changed.wait()
                except TimeoutError:
                    pass

    async def _once(self) -> float:
        """Start what is due; seconds until the next look."""
        consumers = self._fulfilment.consumers
        # Half of the room, because payments that arrive now are to find some too.
        most = (self._fulfilment.room + 1) // 2
        if not consumers or not most:
            return self._poll_s
        due_in_s = await self._jobs.due_in_s(consumers)
        if due_in_s > 0:
            return min(due_in_s, self._poll_s)
        claimed = await self._fulfilment.claim(most=most)
        for job in claimed:
            self._fulfilment.start(job)
        return 0.0 if len(claimed) == most else min(0.05, self._poll_s)

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(self._jobs.lease_us / 3_000_000)
            try:
                if held := self._fulfilment.held:
                    await self._jobs.renew(held)
            except LedgerError as exc:
                logger.warning("cannot renew leases: %s", exc)
