"""Analytics as an extension: one program of the shop at a time keeps the rollups, so that reports of long periods are quick."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from neonpay.analytics.all_rollups import ROLLUPS, Rollup
from neonpay.analytics.rollups import catch_up
from neonpay.ledger import Ledger
from neonpay.payments.extension import Extension, Host
from neonpay.store.periodic import PeriodicTask, Turn

ROLL_UP_EVERY_S = 60.0
_NOT_OPEN_S = 1.0


class Analytics(Extension):
    """Keeps the rollups: ``neonpay.use(Analytics())`` in one or all programs of the shop.

    Figures are right without it, and slower the more there is to count. It takes no part in any sale.

    Args:
        every_s: seconds between two turns; what is newer is read from the tables meanwhile.
    """

    name = "analytics"

    def __init__(self, *, every_s: float = ROLL_UP_EVERY_S) -> None:
        self._every_s = every_s
        self._ledger: Ledger | None = None

    def periodic(self) -> Sequence[PeriodicTask]:
        """The turns that roll up what is new."""
        return tuple(PeriodicTask(one.task, self._every_s, partial(self._roll_up, one)) for one in ROLLUPS)

    @asynccontextmanager
    async def running(self, host: Host) -> AsyncIterator[None]:
        """Work on the ledger of the shop while it is open."""
        self._ledger = host.ledger
        try:
            yield
        finally:
            if self._ledger is host.ledger:  # and not that of a shop which was opened on another event loop meanwhile
                self._ledger = None

    async def _roll_up(self, rollup: Rollup, turn: Turn) -> float | None:
        if self._ledger is None:
            return _NOT_OPEN_S
        await catch_up(self._ledger, turn, renew=rollup.renew, statements=rollup.statements)
        return None
