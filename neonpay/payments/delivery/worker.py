"""Takes up jobs that are due: retries, what a dead process left behind, what did not fit in at once."""

from __future__ import annotations

import asyncio

from neonpay.payments.delivery.fulfilment import Fulfilment
from neonpay.payments.jobs import JobStore
from neonpay.payments.patience import within
from neonpay.store.loops import Loop, LoopHealth

_GIVE_BACK_S = 2.0
"""How long a stop waits for handlers that it has cancelled, and until their jobs are given back."""


class Worker:
    """The loops that claim jobs and renew leases.

    Args:
        poll_s: longest pause between two looks at the queue. Looking is what finds work; anything else only wakes it earlier.
    """

    def __init__(self, jobs: JobStore, fulfilment: Fulfilment, *, poll_s: float = 1.0) -> None:
        self._jobs = jobs
        self._fulfilment = fulfilment
        self._poll_s = poll_s
        self._renew_s = jobs.lease_us / 3_000_000
        self._loops = (
            Loop("jobs", self._once, first_s=poll_s, wait=self._wait),
            Loop("leases", self._keep_leases, first_s=min(1.0, self._renew_s)),
        )

    @property
    def health(self) -> list[LoopHealth]:
        """How the loops are."""
        return [loop.health for loop in self._loops]

    def start(self) -> None:
        """Begin to look for work."""
        for loop in self._loops:
            loop.start()

    async def stop(self, *, grace_s: float) -> None:
        """Take up nothing more, and let what runs finish or give it back."""
        await asyncio.gather(*[loop.stop() for loop in self._loops])
        await within(grace_s + _GIVE_BACK_S, self._fulfilment.stop(grace_s=grace_s), "stopping the handlers that run")

    async def _wait(self, pause_s: float) -> None:
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
        waits = await self._jobs.due(consumers)
        due = [consumer for consumer, due_in_s in waits if due_in_s <= 0]
        if not due:
            return min([due_in_s for _, due_in_s in waits[:1]] + [self._poll_s])
        claimed = await self._fulfilment.claim(due, most=most)
        for job in claimed:
            self._fulfilment.start(job)
        return 0.0 if len(claimed) == most else min(0.05, self._poll_s)

    async def _keep_leases(self) -> float:
        """Renew the leases of what runs; seconds until the next time."""
        if held := self._fulfilment.held:
            await self._jobs.renew(held)
        return self._renew_s
