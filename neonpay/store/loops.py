"""Loops that go on for as long as a process sells, whatever one of their turns raises."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from neonpay.core.retrying import RetryPolicy
from neonpay.core.text import error_words
from neonpay.errors import LedgerError

logger = logging.getLogger("neonpay.payments")

_PAUSE_MOST_S = 10.0
_STOP_S = 5.0
"""How long a turn may take to end when it is told to."""


@dataclass(frozen=True, slots=True)
class LoopHealth:
    """How one of the loops that do the work of a process is.

    Attributes:
        name: ``jobs`` takes up what is due, ``leases`` shows that running handlers are alive, ``presence`` that the program is,
            ``periodic`` looks for periodic tasks that are due, and each of those has its own for its turns.
        is_alive: whether it runs.
        failures: turns that have failed since the last one that did not.
        last_error: what the last of them raised; None when the last turn was well.
    """

    name: str
    is_alive: bool
    failures: int
    last_error: str | None


class Loop:
    """Repeats a turn until it is stopped.

    What a turn raises is logged once for each kind of error until a turn is well, and the next turn comes after a pause that
    grows. When its task ends in spite of that, another one is started.

    Args:
        name: what it is called in logs and in its health.
        turn: does one turn; seconds until the next.
        wait: waits for so many seconds or for a reason to begin earlier.
        first_s: pause after the first turn that fails.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], Awaitable[float]],
        *,
        first_s: float,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._name = name
        self._turn = turn
        self._wait = wait
        self._again = RetryPolicy(
            on=Exception,
            attempts=None,
            first_pause_s=first_s,
            most_pause_s=max(_PAUSE_MOST_S, first_s),
            jitter=0.0,
            total_s=None,
        )
        self._is_wanted = False
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._last_error: str | None = None
        self._told: set[type[BaseException]] = set()

    @property
    def health(self) -> LoopHealth:
        """How it is now."""
        is_alive = self._task is not None and not self._task.done()
        return LoopHealth(self._name, is_alive, self._failures, self._last_error)

    def start(self) -> None:
        """Begin with the first turn; does nothing while it goes on."""
        if self._task is not None and not self._task.done():
            return
        self._is_wanted = True
        self._begin(asyncio.get_running_loop())

    async def stop(self) -> None:
        """End the turn where it is; one that does not end within five seconds is left to itself."""
        self._is_wanted = False
        if self._task is None:
            return
        self._task.cancel()
        _, unended = await asyncio.wait([self._task], timeout=_STOP_S)
        if unended:
            logger.error("%s did not end in time; it is left to itself", self._name)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._is_wanted:
            self._task = loop.create_task(self._repeat(), name=f"neonpay {self._name}")
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._is_wanted:
            # Later, so that a program which cancels all its tasks in order to end does end, and without a word.
            loop = task.get_loop()
            loop.call_later(self._again.first_pause_s, self._begin_again, loop, _error(task))

    def _begin_again(self, loop: asyncio.AbstractEventLoop, error: BaseException) -> None:
        if self._is_wanted and (self._task is None or self._task.done()):
            self._note(error)
            self._begin(loop)

    async def _repeat(self) -> None:
        while True:
            try:
                pause_s = await self._turn()
            except asyncio.CancelledError as exc:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # Nobody wants the loop to end: something inside the turn was cancelled, or raised it.
                self._note(exc)
            except Exception as exc:  # noqa: BLE001  # without this loop payments would wait for a restart
                self._note(exc)
            else:
                if self._failures:
                    logger.info("%s works again", self._name)
                self._failures, self._last_error = 0, None
                self._told.clear()
                await self._wait(pause_s)
                continue
            await asyncio.sleep(self._again.pause_s(self._failures))

    def _note(self, error: BaseException) -> None:
        self._failures += 1
        self._last_error = error_words(error)
        if type(error) in self._told:
            return
        self._told.add(type(error))
        if isinstance(error, LedgerError):
            logger.warning("%s failed and goes on: %s", self._name, error)
        else:
            logger.error("%s failed and goes on", self._name, exc_info=error)


def _error(task: asyncio.Task[None]) -> BaseException:
    if task.cancelled():
        return asyncio.CancelledError("the task of the loop was cancelled")
    return task.exception() or RuntimeError("the task of the loop came to an end")
