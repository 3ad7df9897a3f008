"""What watches a shop: it reads the ledger at most once in a few seconds, whoever asks how often."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neonpay.core.clock import stopwatch_s
from neonpay.core.text import error_words
from neonpay.monitoring.event_counts import EventCounts
from neonpay.monitoring.health import LEDGER_S
from neonpay.monitoring.readiness import Readiness, readiness
from neonpay.monitoring.settings import MonitoringSettings
from neonpay.monitoring.standing import Standing, read_standings

if TYPE_CHECKING:
    from neonpay.ledger import Ledger
    from neonpay.monitoring.watched import Watched

logger = logging.getLogger("neonpay.monitoring")

_COUNT_S: Final = 2.0
"""How long one look may count events; a ledger with millions is counted over several."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read from the ledger.

    Attributes:
        standings: None when the ledger did not answer.
        counts: one for each bot.
    """

    standings: tuple[Standing, ...] | None
    counts: tuple[tuple[int, EventCounts], ...]


class Monitor:
    """Watches the bots of one ledger from this process.

    Args:
        watched: the programs, at least one. Whoever made them opens and closes them.
        watches_loops: False in a program that takes up no work, whose loops never start.
        time_s: seconds that only grow.
    """

    def __init__(
        self,
        watched: Sequence[Watched],
        settings: MonitoringSettings,
        *,
        watches_loops: bool = True,
        time_s: Callable[[], float] = stopwatch_s,
    ) -> None:
        self.watched = tuple(watched)
        self.settings = settings
        self.watches_loops = watches_loops
        self._time_s = time_s
        self._counts = {shop.adapter.bot_id: EventCounts(shop.adapter.bot_id) for shop in watched}
        self._reading: asyncio.Task[Snapshot] | None = None
        self._last: Snapshot | None = None
        self._last_s = 0.0

    async def look(self) -> Snapshot:
        """What the ledger says, read ``cache_s`` seconds ago at most; those who ask together share one reading."""
        if self._last is not None and self._time_s() - self._last_s < self.settings.cache_s:
            return self._last
        if self._reading is None or self._reading.done() or self._reading.get_loop() is not asyncio.get_running_loop():
            self._reading = asyncio.ensure_future(self._read())
        return await asyncio.shield(self._reading)

    async def readiness(self) -> Readiness:
        """Whether the shop is ready."""
        snapshot = await self.look()
        return readiness(self.watched, snapshot.standings, self.settings, watches_loops=self.watches_loops)

    async def _read(self) -> Snapshot:
        standings: tuple[Standing, ...] | None = None
        try:
            async with asyncio.timeout(LEDGER_S):
                ledger = self.watched[0].pipeline.ledger
                standings = tuple(await ledger.read(read_standings, list(self._counts)))
                await self._count(ledger)
        except TimeoutError:
            logger.warning("the ledger did not answer within %g s", LEDGER_S)
        except Exception as exc:  # noqa: BLE001  # whatever a database says instead of an answer, it is none
            logger.warning("the ledger did not answer: %s", error_words(exc))
        self._last, self._last_s = Snapshot(standings, tuple(self._counts.items())), self._time_s()
        return self._last

    async def _count(self, ledger: Ledger) -> None:
        # As a report: thousands of events are no business of the connections that sell.
        began_s = self._time_s()
        for counts in self._counts.values():
            counts.add(*await ledger.report(LEDGER_S, counts.read))
            while counts.behind and self._time_s() - began_s < _COUNT_S:
                counts.add(*await ledger.report(LEDGER_S, counts.read))
