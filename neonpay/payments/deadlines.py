"""Calls that may take so long and no longer: one timer for all of them."""

from __future__ import annotations

import asyncio
from collections import deque


class Watched:
    """A call that may take so long and no longer.

    Attributes:
        ends_at: when it is cancelled, by the event loop's clock.
        is_over: to be set by whoever makes the call.
    """

    __slots__ = ("_cancelling", "_is_late", "ends_at", "is_over", "task")

    def __init__(self, task: asyncio.Task[object], ends_at: float) -> None:
        self.task = task
        self.ends_at = ends_at
        self.is_over = False
        self._cancelling = task.cancelling()
        self._is_late = False

    def end(self) -> None:
        """Cancel it."""
        self._is_late = True
        self.task.cancel()

    def has_run_out(self) -> bool:
        """Whether a cancellation that the call has met was for its lateness, and is done with; otherwise it goes on."""
        return self._is_late and self.task.uncancel() <= self._cancelling


class Watch:
    """Cancels calls that take too long. All may take equally long, so that one timer serves for all of them.

    Args:
        limit_s: how long a call may take.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._calls: deque[Watched] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def enter(self) -> Watched:
        """Watch what the running task does from now on until ``is_over`` is set."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None, "a coroutine runs in a task"
        watched = Watched(task, loop.time() + self._limit_s)
        calls = self._calls
        while calls and calls[0].is_over:
            calls.popleft()
        calls.append(watched)
        if self._timer is None:
            self._timer = loop.call_at(watched.ends_at, self._look)
        return watched

    def _look(self) -> None:
        self._timer = None
        calls = self._calls
        while calls:
            first = calls[0]
            loop = first.task.get_loop()
            if not first.is_over and first.ends_at > loop.time():
                self._timer = loop.call_at(first.ends_at, self._look)
                return
            calls.popleft()
            if not first.is_over:
                first.end()
