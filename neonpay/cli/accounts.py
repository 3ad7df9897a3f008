"""The accounts of the journal as people read them: two sides of positive figures, which are equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from neonpay.store.entries import REVENUE, UNSETTLED

CAME_IN: Final = frozenset({REVENUE, UNSETTLED})
"""Accounts on which the journal has a minus for Stars that came in, so that every entry adds up to zero."""
_NANO: Final = 1_000_000_000


def two_sides(accounts: Mapping[str, tuple[int, int]]) -> str:
    """Where the Stars are or have gone, and where they came from.

    Args:
        accounts: Stars and nanostars by account, as the journal has them.
    """
    sums = {name: stars * _NANO + nanostars for name, (stars, nanostars) in accounts.items()}
    left = [f"{name} {amount(total)}" for name, total in sums.items() if total > 0]
    right = [f"{name} {amount(-total)}" for name, total in sums.items() if total < 0]
    if not left and not right:
        return "none"
    sign = "=" if sum(sums.values()) == 0 else "≠"
    return f"{', '.join(left) or '0'} {sign} {', '.join(right) or '0'}"


def amount(nanostars: int) -> str:
    """An amount that is not negative, in Stars."""
    stars, rest = divmod(nanostars, _NANO)
    return f"{stars:,}" + (f".{rest:09d}".rstrip("0") if rest else "")
