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
        loop = asyncio.get_running_loop()
        wait = _Wait(timeout_s)
        try:
            while True:
                seen = look()
                if seen is not None and seen is not False:
                    return seen
                if wait.left_s <= 0:
                    raise SimulatorTimeoutError(what, timeout_s)
                wait.changed = changed = loop.create_future()
                self._waiting.add(changed)
                wait.count(loop)
                try:
                    await changed
                finally:
                    self._waiting.discard(changed)
        finally:
            wait.end()


class _Wait:
    """How much of a wait is left, by a timer for each slice: a purchase has many waits, and ``asyncio.timeout`` costs more."""

    __slots__ = ("_timer", "changed", "left_s")

    def __init__(self, timeout_s: float) -> None:
        self.left_s = timeout_s
        self.changed: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def count(self, loop: asyncio.AbstractEventLoop) -> None:
        """Count the slice that runs, or the next one."""
        if self._timer is None:
            slice_s = min(_SLICE_S, self.left_s)
            self._timer = loop.call_later(slice_s, self._is_over, slice_s)

    def _is_over(self, slice_s: float) -> None:
        self._timer = None
        self.left_s -= slice_s
        if self.changed is not None and not self.changed.done():
            self.changed.set_result(None)

    def end(self) -> None:
        """Count no more."""
        if self._timer is not None:
            self._timer.cancel()
