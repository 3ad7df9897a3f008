"""A program that leaves all jobs to others has them look soon for whom to tell of what it did."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from neonpay.core.events import Event
from neonpay.errors import LedgerError
from neonpay.ledger import Ledger
from neonpay.payments.consumers.fan_out import FAN_OUT
from neonpay.store.periodic import poke

logger = logging.getLogger("neonpay.payments")

_PAUSE_S = 0.5
"""From one nudge to the next, however much is announced."""
_END_S = 2.0
"""How long a command that ends waits for the last one."""


class Nudger:
    """Makes the sweep due that gives subscribers their jobs, whenever something was announced.

    Subscribers are those of the programs that run, which look for what is due every few seconds. Without it they would be told
    by the sweep of each minute.
    """

    waits = False
    """Whether some kind of event is waited for here."""

    def __init__(self, ledger: Ledger, bot_id: int) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._task: asyncio.Task[None] | None = None
        self._has_more = False
        self._ends = asyncio.Event()

    def announced(self, event: Event) -> None:
        """An event is durable; must be called on the event loop of the shop."""
        self._has_more = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Nudge a last time for what was announced since the last time."""
        task, self._task = self._task, None
        if task is None:
            return
        self._ends.set()
        await asyncio.wait({task}, timeout=_END_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while self._has_more:
            self._has_more = False
            try:
                await self._ledger.run(poke, self._bot_id, [FAN_OUT])
            except LedgerError as exc:
                logger.warning("subscribers are told by the next sweep: %s", exc)
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE_S):
                    await self._ends.wait()
