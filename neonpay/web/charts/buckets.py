"""How many marks a chart of ours may have."""

from __future__ import annotations

from typing import Final

MARKS_MAX: Final = 400
"""More than these are slow to lay out and impossible to tell apart; coarser buckets say the same."""


def fits(buckets: int, series: int = 1) -> bool:
    """Whether so many buckets of so many series may be drawn."""
    return buckets * series <= MARKS_MAX
