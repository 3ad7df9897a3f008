"""How sure a median is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import median

_DRAWS = 10_000


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Two numbers with the true median between them in 95 of 100 such runs, drawn again from the ratios 10,000 times."""
    draw = random.Random(1)
    medians = sorted(median(draw.choices(ratios, k=len(ratios))) for _ in range(_DRAWS))
    return medians[int(0.025 * _DRAWS)], medians[int(0.975 * _DRAWS)]
