"""The simulator's own time: deadlines and lifetimes pass when a test says so, without sleeping.

Everything that Telegram measures in its own time (the ten seconds of a pre-checkout, the lifetime of an undelivered update, the
pause before a webhook is tried again) is a timer here. What a client measures, such as the length of its long poll, is
real time and is not.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

from typing_extensions import override

from neonpay.errors import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

PATIENCE_S: Final = 1.0
"""Real seconds for which ``advance`` waits for what is under way, so that a webhook which never answers cannot hang it."""


class TimerAction(Protocol):
    """What a timer does; a coroutine that it returns is awaited by ``advance`` before time goes on."""

    def __call__(self) -> Coroutine[None, None, None] | None:
        """Act."""


@dataclass(order=True, slots=True)
class Timer:
    """Something that happens at one moment of virtual time, unless cancelled before."""

    when: float
    number: int
    act: TimerAction = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Never fire."""
        self.cancelled = True


class SteppedClock:
    """Time that stands still until :meth:`advance` is called.

    Args:
        start: Unix time at which it stands first; the real time of construction when left out.
    """

    def __init__(self, start: float | None = None) -> None:
        self._now = float(int(_real_unix_time())) if start is None else float(start)
        self._timers: list[Timer] = []
        self._numbered = 0
        self._advancing = asyncio.Lock()

    def now(self) -> float:
        """Virtual Unix time in seconds."""
        return self._now

    def moment(self) -> datetime:
        """Virtual time as an aware UTC datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    def call_at(self, when: float, act: TimerAction) -> Timer:
        """Have ``act`` called once virtual time reaches ``when``."""
        self._numbered += 1
        timer = Timer(when, self._numbered, act)
        heapq.heappush(self._timers, timer)
        self._timers_changed()
        return timer

    def call_after(self, delay_s: float, act: TimerAction) -> Timer:
        """Have ``act`` called ``delay_s`` virtual seconds from now."""
        return self.call_at(self.now() + delay_s, act)

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` of virtual time pass and fire, in order, every timer that falls due on the way.

        Raises:
            SimulatorError: ``seconds`` is negative; time has not moved.
        """
        if not seconds >= 0:
            raise SimulatorError(f"time only goes forward: advance() takes seconds >= 0, not {seconds!r}")
        async with self._advancing:
            until = self.now() + seconds
            while (timer := self._next_due(until)) is not None:
                self._move_to(max(self.now(), timer.when))
                await self._fire(timer)
            self._move_to(max(until, self.now()))

    def start(self) -> None:
        """Begin to run, for clocks that run by themselves."""

    def stop(self) -> None:
        """Fire no timer any more."""
        self._timers.clear()

    def _next_due(self, until: float) -> Timer | None:
        while self._timers and self._timers[0].when <= until:
            timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                return timer
        return None

    async def _fire(self, timer: Timer) -> None:
        work = timer.act()
        if work is not None:
            await asyncio.wait({asyncio.ensure_future(work)}, timeout=PATIENCE_S)

    def _move_to(self, when: float) -> None:
        self._now = when

    def _timers_changed(self) -> None:
        """Timers were added; a running clock may have to wake earlier."""


class RunningClock(SteppedClock):
    """Real time plus an offset that :meth:`advance` makes larger.

    Args:
        start: Unix time at which it begins; the real time of construction when left out.
        monotonic: the source of real seconds.
    """

    def __init__(self, start: float | None = None, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(start)
        self._monotonic = monotonic
        self._offset = self._now - monotonic()
        self._alarm: asyncio.TimerHandle | None = None
        self._firing: set[asyncio.Task[None]] = set()

    @override
    def now(self) -> float:
        return self._monotonic() + self._offset

    @override
    def start(self) -> None:
        self._set_alarm()

    @override
    def stop(self) -> None:
        super().stop()
        if self._alarm is not None:
            self._alarm.cancel()
        for task in self._firing:
            task.cancel()

    @override
    def _move_to(self, when: float) -> None:
        self._offset += max(0.0, when - self.now())

    @override
    def _timers_changed(self) -> None:
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._timers:
            delay_s = max(0.0, self._timers[0].when - self.now())
            self._alarm = asyncio.get_running_loop().call_later(delay_s, self._ring)

    def _ring(self) -> None:
        while (timer := self._next_due(self.now())) is not None:
            work = timer.act()
            if work is not None:
                task = asyncio.ensure_future(work)
                self._firing.add(task)
                task.add_done_callback(self._firing.discard)
        self._set_alarm()


def _real_unix_time() -> float:
    return time.time()  # noqa: TID251 - this is where the simulator's time begins
