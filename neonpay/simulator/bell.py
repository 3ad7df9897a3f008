"""Waiting for a condition instead of sleeping."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from neonpay.errors import SimulatorTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE_S: Final = 30.0
"""Real seconds that a wait takes at most unless it is told otherwise: far more than a busy machine needs, as only a test that
fails waits so long."""
_SLICE_S: Final = 1.0
"""A wait is counted in slices, so that a process that was stopped for a while (a machine that paused it, an import that took
its time) has one slice less and not none left: the bot that is waited for stood still as well."""


class Bell:
    """Rung whenever anything changes, so that whoever waits looks again.

    Attributes:
        rings: how often it has rung.
    """

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self._listeners: list[Callable[[], None]] = []
        self.rings = 0

    def listen(self, hear: Callable[[], None]) -> None:
        """Have ``hear`` called at every ring, before those who wait look again."""
        self._listeners.append(hear)

    def ring(self) -> None:
        """Something changed."""
        self.rings += 1
        for hear in self._listeners:
            hear()
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait_for(self, look: Callable[[], T | None], *, timeout_s: float, what: str) -> T:
        """Return the first thing other than None or False that ``look`` sees; it is called after every change.

        Args:
            look: called now and after each change.
            timeout_s: real seconds in which this event loop ran; seconds in which it stood still are not counted.
            what: what is waited for, for the message.

        Raises:
            SimulatorTimeoutError: it was not seen within ``timeout_s``.
        """
        left_s = timeout_s
        while True:
            slice_s = min(_SLICE_S, left_s)
            try:
                async with asyncio.timeout(slice_s):
                    return await self._seen(look)
            except TimeoutError as error:
                left_s -= slice_s
                if left_s <= 0:
                    raise SimulatorTimeoutError(what, timeout_s) from error

    async def _seen(self, look: Callable[[], T | None]) -> T:
        while True:
            seen = look()
            if seen is not None and seen is not False:
                return seen
            changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(changed)
            try:
                await changed
            finally:
                self._waiting.discard(changed)
