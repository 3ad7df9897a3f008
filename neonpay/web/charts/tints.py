"""How strongly a cell of a table is tinted: five classes, since a page may not style a cell by itself."""

from __future__ import annotations

from typing import Final

TINTS: Final = 5


def tint(share: float, lowest: float = 0.0) -> str:
    """The class of a cell, ``t0`` to ``t5``: the more of ``lowest`` to 1 there is, the stronger; nothing at all has none."""
    if share <= lowest or lowest >= 1:
        return "t0"
    return f"t{min(TINTS, 1 + int((share - lowest) / (1 - lowest) * TINTS))}"
