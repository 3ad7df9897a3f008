"""The upright axis: round steps, zero always on it, five lines at most."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

LINES_MAX: Final = 5
_ROUND: Final = (1, 2, 5)
_HINT: Final = 0.1


@dataclass(frozen=True, slots=True)
class Scale:
    """What heights mean.

    Attributes:
        top: the value at the upper edge; it is a line.
        bottom: how far the axis goes below zero, at least 0.
        lines: the values that have a line, from the lowest up; zero is one of them.
    """

    top: int
    bottom: int
    lines: tuple[int, ...]

    def y(self, value: float) -> float:
        """Where a value lies, in per cent from the upper edge."""
        return (self.top - value) / (self.top + self.bottom) * 100

    def height(self, value: float) -> float:
        """How high a bar of this value is, in per cent."""
        return value / (self.top + self.bottom) * 100


def scale(highest: int, lowest: int = 0) -> Scale:
    """The axis for values from ``-lowest`` to ``highest``; both are at least 0.

    What lies below zero has a tenth of the axis above it at least, so that it can be seen.
    """
    highest, lowest = max(0, highest), max(0, lowest)
    if not highest and not lowest:
        return Scale(4, 0, (0, 1, 2, 3, 4))
    step, up, down = next(
        (step, up, down)
        for step in _steps()
        if (up := math.ceil(highest / step) or (0 if lowest else 1)) + (down := lowest // step) < LINES_MAX
    )
    top = up * step
    bottom = max(lowest, math.ceil(top * _HINT)) if lowest else 0
    return Scale(top, bottom, tuple(n * step for n in range(-down, up + 1)))


def _steps() -> Iterator[int]:
    """1, 2, 5, 10, 20, 50 and so on."""
    return (each * 10**power for power in count() for each in _ROUND)
