"""Bars and sparklines out of characters, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_EIGHTHS: Final = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
_FULL: Final = "█"
_UNFINISHED: Final = "░"
_HEIGHTS: Final = "▁▂▃▄▅▆▇█"
_BELOW: Final = "−"
_NOTHING: Final = "·"


def bar(value: int, most: int, width: int, *, is_complete: bool = True) -> str:
    """A bar of at most ``width`` cells, from zero; what is not over yet is drawn lighter, and what is below zero is a minus."""
    if value < 0:
        return _BELOW
    if not value or most <= 0 or width <= 0:
        return ""
    eighths = max(1, round(value * width * 8 / most))
    if not is_complete:
        return _UNFINISHED * max(1, round(eighths / 8))
    return _FULL * (eighths // 8) + _EIGHTHS[eighths % 8]


def sparkline(values: Sequence[int], width: int) -> str:
    """One character for each value, or for each few of them where there are more than ``width``; a dot for nothing."""
    if not values or width <= 0:
        return ""
    size = -(-len(values) // width)
    sums = [sum(values[first : first + size]) for first in range(0, len(values), size)]
    most = max(sums)
    return "".join(_height(value, most) for value in sums)


def _height(value: int, most: int) -> str:
    if value <= 0 or most <= 0:
        return _NOTHING
    return _HEIGHTS[min(len(_HEIGHTS) - 1, value * len(_HEIGHTS) // most)]
