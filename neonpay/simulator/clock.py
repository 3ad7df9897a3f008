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


def in_seconds(seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> float:
    """A length of time in seconds."""
    return seconds + 60 * minutes + 3_600 * hours + 86_400 * days


class TimerAction(Protocol):
    """What a timer does; a coroutine that it returns is awaited by ``advance`` before time goes on."""

    def __call__(self) -> Coroutine[None, None, None] | None:
        """Act."""


@dataclass(order=True, slots=True)
class Timer:
    """Something that happens at one moment of virtual time, unless cancelled before.

    Attributes:
        when: virtual Unix time.
        what: what it is, for people who look at what comes next.
    """

    when: float
    number: int
    act: TimerAction = field(compare=False)
    what: str = field(default="", compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Never fire."""
        self.cancelled = True


class BeforeTimePasses(Protocol):
    """Awaited before time is moved to a moment, as often as that is done."""

    async def __call__(self, until: float) -> None:
        """Let what is under way come to its end."""


class SteppedClock:
    """Time that stands still until :meth:`advance` is called.

    Args:
        start: Unix time at which it stands first; the real time of construction when left out.

    Attributes:
        before_time_passes: awaited by ``advance`` and ``step`` before each moment that they move to.
    """

    def __init__(self, start: float | None = None) -> None:
        self._now = float(int(_real_unix_time())) if start is None else float(start)
        self._timers: list[Timer] = []
        self._numbered = 0
        self._advancing = asyncio.Lock()
        self.before_time_passes: BeforeTimePasses | None = None

    def now(self) -> float:
        """Virtual Unix time in seconds."""
        return self._now

    def moment(self) -> datetime:
        """Virtual time as an aware UTC datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    @property
    def frozen(self) -> bool:
        """Whether time stands still until it is moved."""
        return True

    @property
    def can_run(self) -> bool:
        """Whether :meth:`run` makes time pass by itself."""
        return False

    def call_at(self, when: float, act: TimerAction, *, what: str = "") -> Timer:
        """Have ``act`` called once virtual time reaches ``when``; ``what`` says to people what that is."""
        self._numbered += 1
        timer = Timer(when, self._numbered, act, what)
        heapq.heappush(self._timers, timer)
        self._timers_changed()
        return timer

    def call_after(self, delay_s: float, act: TimerAction, *, what: str = "") -> Timer:
        """Have ``act`` called ``delay_s`` virtual seconds from now."""
        return self.call_at(self.now() + delay_s, act, what=what)

    def next_due(self) -> Timer | None:
        """What falls due next; None when nothing waits for time to pass."""
        while self._timers and self._timers[0].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0] if self._timers else None

    def freeze(self) -> None:
        """Have time stand still until it is moved, or runs again."""

    def run(self) -> None:
        """Have time pass by itself.

        Raises:
            SimulatorError: this clock cannot; it was made to be moved by hand.
        """
        raise SimulatorError(
            "this time moves only by advance() and step(); give the simulator a RunningClock to have it run"
        )

    async def step(self) -> Timer | None:
        """Move to the moment of :meth:`next_due` and fire everything that falls due then; None when nothing waits."""
        timer = self.next_due()
        if timer is not None:
            async with self._advancing:
                await self._pass_until(max(self.now(), timer.when))
        return timer

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` of virtual time pass and fire, in order, every timer that falls due on the way.

        Raises:
            SimulatorError: ``seconds`` is negative; time has not moved.
        """
        if not seconds >= 0:
            raise SimulatorError(f"time only goes forward: advance() takes seconds >= 0, not {seconds!r}")
        async with self._advancing:
            await self._pass_until(self.now() + seconds)

    def start(self) -> None:
        """Begin to run, for clocks that run by themselves."""

    def stop(self) -> None:
        """Fire no timer any more."""
        self._timers.clear()

    async def _pass_until(self, until: float) -> None:
        awaited: float | None = None
        while True:
            due = self.next_due()
            moment = until if due is None or due.when > until else due.when
            if self.before_time_passes is not None and moment != awaited and moment > self.now():
                awaited = moment
                await self.before_time_passes(moment)
                continue  # timers may have come and gone meanwhile
            timer = self._next_due(moment)
            self._move_to(max(self.now(), moment))
            if timer is not None:
                await self._fire(timer)
            elif moment >= until:
                return

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
    """Real time plus an offset that :meth:`advance` makes larger; it can be frozen, and run again from where it stood.

    Args:
        start: Unix time at which it begins; the real time of construction when left out.
        monotonic: the source of real seconds.
    """

    def __init__(self, start: float | None = None, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(start)
        self._monotonic = monotonic
        self._offset = self._now - monotonic()
        self._frozen_at: float | None = None
        self._started = False
        self._alarm: asyncio.TimerHandle | None = None
        self._firing: set[asyncio.Task[None]] = set()

    @property
    @override
    def frozen(self) -> bool:
        return self._frozen_at is not None

    @property
    @override
    def can_run(self) -> bool:
        return True

    @override
    def now(self) -> float:
        return self._monotonic() + self._offset if self._frozen_at is None else self._frozen_at

    @override
    def freeze(self) -> None:
        self._frozen_at = self.now()
        self._timers_changed()

    @override
    def run(self) -> None:
        if self._frozen_at is not None:
            self._offset = self._frozen_at - self._monotonic()
            self._frozen_at = None
            self._timers_changed()

    @override
    def start(self) -> None:
        self._started = True
        self._set_alarm()

    @override
    def stop(self) -> None:
        super().stop()
        self._started = False
        if self._alarm is not None:
            self._alarm.cancel()
        for task in self._firing:
            task.cancel()

    @override
    def _move_to(self, when: float) -> None:
        ahead_s = max(0.0, when - self.now())
        if self._frozen_at is None:
            self._offset += ahead_s
        else:
            self._frozen_at += ahead_s

    @override
    def _timers_changed(self) -> None:
        if self._started:
            self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._timers and self._frozen_at is None:
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
