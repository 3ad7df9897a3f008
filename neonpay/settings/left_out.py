"""The argument that nobody gave, where None is something to give."""

from __future__ import annotations

import enum
from typing import Final


class LeftOut(enum.Enum):
    """One value, which no caller writes."""

    LEFT_OUT = "left out"

    def __repr__(self) -> str:
        return "LEFT_OUT"


LEFT_OUT: Final = LeftOut.LEFT_OUT
