"""Something that is done soon after it was asked for, and once for all who ask meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from neonpay.errors import LedgerError

logger = logging.getLogger("neonpay.payments")

_PAUSE_S = 0.5
"""From one time to the next, however often it is asked for."""
_LAST_S = 2.0


class Soon:
    """Does something at once, and again after a pause if it was asked for again.

    Args:
        act: looks at the ledger for subscribers; when that is away, the next sweep tells them.
    """

    def __init__(self, act: Callable[[], Awaitable[None]]) -> None:
        self._act = act
        self._task: asyncio.Task[None] | None = None
        self._is_asked = False
        self._ends = asyncio.Event()

    def ask(self) -> None:
        """Have it done; must be called on the event loop of the shop."""
        self._is_asked = True
        if self._task is None or self._task.done():
            self._ends.clear()
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def finish(self) -> None:
        """Have it done a last time if it is asked for, without a pause, for which two seconds are left; then ``stop``."""
        if self._task is not None:
            self._ends.set()
            await asyncio.wait({self._task}, timeout=_LAST_S)
        await self.stop()

    async def stop(self) -> None:
        """Do nothing more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while self._is_asked:
            self._is_asked = False
            try:
                await self._act()
            except LedgerError as exc:
                logger.warning("subscribers are told by the next sweep: %s", exc)
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE_S):
                    await self._ends.wait()
