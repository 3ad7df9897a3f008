"""Time as the rest of the package sees it: microseconds since the epoch, UTC, from a clock that is passed in."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Where the time of day comes from."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        ...


def is_moved_by_hand(clock: Clock) -> bool:
    """Whether months of a clock pass at once, as a simulator's do, so that a gap between two looks is no absence."""
    return getattr(clock, "is_moved_by_hand", False) is True


stopwatch_s = time.perf_counter
"""Seconds by a watch that only goes forward, for how long things took; what decides anything asks a ``Clock``."""


class SystemClock:
    """The machine's own clock."""

    __slots__ = ()

    def now_us(self) -> int:
        """Microseconds since 1970-01-01 UTC, as the machine sees it."""
        return time.time_ns() // 1000


def moment(at_us: int) -> datetime:
    """Aware UTC time of a count of microseconds since the epoch, exact to the microsecond."""
    return _EPOCH + timedelta(microseconds=at_us)


def microseconds(at: datetime) -> int:
    """Microseconds since the epoch of an aware time; a naive one raises TypeError, because it means no moment."""
    return (at - _EPOCH) // _MICROSECOND
