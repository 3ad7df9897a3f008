"""While a dashboard is served, what its reports have counted is kept up to date, whichever programs the shop has.

A page that would have to count very much by itself says how far the counting is instead of its figures, and is there at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from neonpay.analytics.extension import ROLL_UP_EVERY_S
from neonpay.core.text import error_words
from neonpay.errors import BusyError, LedgerError, LedgerReadOnlyError
from neonpay.web.shops import SHOPS, Shops

if TYPE_CHECKING:
    from neonpay.analytics.behind import HowFar

logger: Final = logging.getLogger("neonpay.web")

SOON: Final = 1_000
"""How many events are counted as soon as somebody looks, and not when it is time."""
LEFT_MOST: Final = 20_000
"""How many events a page counts by itself: about a second's work for each of its reports."""


class StillCountingError(Exception):
    """A page has no figures yet, since too much of the ledger is not counted; ``how_far`` says how much is."""

    def __init__(self, how_far: HowFar) -> None:
        super().__init__("the ledger is being counted")
        self.how_far = how_far


class Counting:
    """The counting of one dashboard.

    Attributes:
        is_under_way: whether somebody counts: this program, or another one that has the lease.
    """

    def __init__(self, *, is_under_way: bool) -> None:
        self.is_under_way = is_under_way
        self._wanted = asyncio.Event()

    def look_at(self, how_far: HowFar) -> None:
        """Have what is left counted soon where it is much.

        Raises:
            StillCountingError: it is so much that a page does not count it by itself, and somebody is at it.
        """
        if not self.is_under_way:
            return
        if how_far.left > SOON:
            self._wanted.set()
        if how_far.left > LEFT_MOST:
            raise StillCountingError(how_far)

    async def wait(self, seconds: float) -> None:
        """Wait for so long, or until somebody wants more to be counted."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        self._wanted.clear()


COUNTING: Final = web.AppKey("COUNTING", Counting)


def keep_counted(app: web.Application, counting: Counting, *, every_s: float = ROLL_UP_EVERY_S) -> None:
    """Have an application roll up what is new when it starts and again every so many seconds, until it is cleaned up.

    Where it is not under way, or the ledger only reads, nothing is rolled up. A turn takes the lease of the task: of several
    programs one is at it.
    """
    app[COUNTING] = counting
    if not counting.is_under_way:
        return

    async def keep(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_count(app[SHOPS], counting, every_s), name="neonpay-dashboard-rollup")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    app.cleanup_ctx.append(keep)


async def _count(shops: Shops, counting: Counting, every_s: float) -> None:
    while True:
        is_under_way = True
        for bot_id in shops.bot_ids:
            try:
                await shops.each[0].reports.refresh(bots=[bot_id])
            except LedgerReadOnlyError:
                counting.is_under_way = False
                return
            except BusyError:
                continue  # another program is at it
            except (LedgerError, DBAPIError) as error:
                is_under_way = False
                logger.info("reports are slower for now, what is new could not be rolled up: %s", error_words(error))
        counting.is_under_way = is_under_way
        await counting.wait(every_s)
