"""Numbers that come from a program, which may be anything."""

from __future__ import annotations

import math
from typing import TypeGuard


def is_whole(value: object, least: int, most: int) -> bool:
    """Whether a value is a whole number within these bounds; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a number, whole or not; True and False, infinities and what is not a number are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
