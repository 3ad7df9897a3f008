"""One look at the ledger a second for all who watch, and none while nobody does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from neonpay.core.text import error_words
from neonpay.monitoring.health import LEDGER_S
from neonpay.web.pages.live.query import Happened, Look, since
from neonpay.web.shops import Shops

logger = logging.getLogger("neonpay.web")

EVERY_S: Final = 1.0
MOST_LISTENERS: Final = 64
MOST_WAITING: Final = 50
"""Looks whose events may wait for a reader; one that is slower is let go."""
_REMEMBERED: Final = 5_000


class Listener:
    """Somebody who watches some bots, and has been told of what they saw before they began."""

    def __init__(self, bots: Sequence[int], seen: Sequence[Happened]) -> None:
        self.bots = frozenset(bots)
        self._seen = frozenset(one.event_id for one in seen)
        self.waiting: asyncio.Queue[Sequence[Happened]] = asyncio.Queue(MOST_WAITING)
        self.is_let_go = asyncio.Event()

    def news(self, happened: Sequence[Happened]) -> list[Happened]:
        """Of what has happened, what is about these bots and was not seen."""
        return [one for one in happened if one.bot_id in self.bots and one.event_id not in self._seen]


class Feed:
    """Tells listeners of each event once, in the order in which it was seen."""

    def __init__(self, shops: Shops, *, every_s: float = EVERY_S) -> None:
        self._shops = shops
        self._every_s = every_s
        self._listeners: set[Listener] = set()
        self._numbers: dict[int, int] = {}
        self._told: dict[str, None] = {}
        self._looking: asyncio.Task[None] | None = None

    @property
    def is_looking(self) -> bool:
        """Whether it reads the ledger at all."""
        return self._looking is not None

    @property
    def is_full(self) -> bool:
        """Whether nobody more may listen."""
        return len(self._listeners) >= MOST_LISTENERS

    @asynccontextmanager
    async def listening(self, bots: Sequence[int], seen: Look) -> AsyncIterator[Listener]:
        """Somebody who is told, inside the block, of what comes after a look of theirs."""
        listener = Listener(bots, seen.happened)
        fresh: Mapping[int, int] = {bot: number for bot, number in seen.numbers.items() if bot not in self._numbers}
        self._numbers.update(fresh)
        if not self._listeners:
            self._numbers = dict(seen.numbers)
        self._listeners.add(listener)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_on(), name="neonpay-live")
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners and self._looking is not None:
                self._looking.cancel()
                self._looking = None
                self._numbers.clear()
                self._told.clear()

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.look()
            except Exception as exc:  # noqa: BLE001  # whatever the database says, it is asked again
                logger.debug("live events: the ledger did not answer: %s", error_words(exc))

    async def look(self) -> None:
        """Tell each listener of what has happened since the last look; raises what the database says instead of an answer."""
        look = await self._shops.ledger.report(LEDGER_S, since, dict(self._numbers))
        self._numbers.update(look.numbers)
        fresh = [one for one in look.happened if one.event_id not in self._told]
        self._remember(fresh)
        for listener in [*self._listeners]:
            self._tell(listener, listener.news(fresh))

    def _tell(self, listener: Listener, happened: Sequence[Happened]) -> None:
        if not happened:
            return
        try:
            listener.waiting.put_nowait(happened)
        except asyncio.QueueFull:
            listener.is_let_go.set()
            self._listeners.discard(listener)

    def _remember(self, happened: Sequence[Happened]) -> None:
        self._told.update(dict.fromkeys(one.event_id for one in happened))
        for event_id in [*self._told][: max(0, len(self._told) - _REMEMBERED)]:
            del self._told[event_id]


FEED: Final = web.AppKey("FEED", Feed)
