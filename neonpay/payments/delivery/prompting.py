"""Subscribers are told soon after a fact of their kind, and not only when it is time for the next sweep."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from neonpay.core.events import Event
from neonpay.errors import LedgerError
from neonpay.payments.extensions_used import Extensions

logger = logging.getLogger("neonpay.payments")

_PAUSE_S = 0.5
"""From one sweep to the next, however much is announced: each makes a seal and moves every consumer on."""


class Prompter:
    """Has the sweep run when something was announced that a subscriber of this program waits for.

    Args:
        sweep: gives subscribers their jobs.
        wake: called when there may be new ones.
    """

    def __init__(self, extensions: Extensions, sweep: Callable[[], Awaitable[int]], wake: Callable[[], None]) -> None:
        self._extensions = extensions
        self._sweep = sweep
        self._wake = wake
        self._awaited: frozenset[str] = frozenset()
        self.waits = False
        """Whether some kind of event is waited for."""
        self._task: asyncio.Task[None] | None = None
        self._has_more = False

    def look(self) -> None:
        """Read which kinds of events are waited for."""
        subscribers = self._extensions.subscribers().values()
        self._awaited = frozenset(name for subscriber in subscribers for name in subscriber.events)
        self.waits = bool(self._awaited)

    def announced(self, event: Event) -> None:
        """An event is durable; must be called on the event loop of the shop."""
        if event.name not in self._awaited:
            return
        self._has_more = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Prompt nothing more; what was not told yet is told by the next sweep."""
        self._awaited, self.waits = frozenset(), False
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while self._has_more:
            self._has_more = False
            try:
                if await self._sweep():
                    self._wake()
            except LedgerError as exc:
                logger.warning("subscribers are told by the next sweep: %s", exc)
                return
            await asyncio.sleep(_PAUSE_S)
