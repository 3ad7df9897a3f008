"""Who has been counted anew in this turn, so that nobody is counted anew again for payments that were there already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_MOST: Final = 200_000
"""People who are remembered; then everybody is forgotten, and some are counted once more than needed."""


class Renewed:
    """People who follow from the payments as they were when events up to some number could be seen.

    Where a ledger is counted from its beginning, each has many payments in many batches; the first of these counts all of them.
    """

    def __init__(self) -> None:
        self._until: dict[int, int] = {}
        self._known = 0
        self._now: list[int] = []

    def begin(self, known: int) -> None:
        """A unit of work begins, perhaps once more, that sees all events up to this number."""
        self._known, self._now = known, []

    def left(self, users: Iterable[int], last: int) -> list[int]:
        """Those of these people of whom events up to ``last`` may say something new; the unit counts them anew."""
        self._now = sorted({user_id for user_id in users if self._until.get(user_id, 0) < last})
        return self._now

    def keep(self) -> None:
        """What the unit has done is in the ledger."""
        if len(self._until) > _MOST:
            self._until.clear()
        self._until.update(dict.fromkeys(self._now, self._known))
        self._now = []
