"""While a dashboard is served, what its reports have counted is kept up to date, whichever programs the shop has."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from neonpay.analytics.extension import ROLL_UP_EVERY_S
from neonpay.core.text import error_words
from neonpay.errors import BusyError, LedgerError, LedgerReadOnlyError
from neonpay.web.shops import SHOPS, Shops

logger: Final = logging.getLogger("neonpay.web")


def keep_counted(app: web.Application, *, every_s: float = ROLL_UP_EVERY_S) -> None:
    """Have an application roll up what is new when it starts and again every so many seconds, until it is cleaned up.

    Where the ledger only reads, nothing is rolled up. A turn takes the lease of the task: of several programs one is at it.
    """

    async def counting(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_count(app[SHOPS], every_s), name="neonpay-dashboard-rollup")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    app.cleanup_ctx.append(counting)


async def _count(shops: Shops, every_s: float) -> None:
    while True:
        for bot_id in shops.bot_ids:
            try:
                await shops.each[0].reports.refresh(bots=[bot_id])
            except LedgerReadOnlyError:
                return
            except BusyError:
                continue  # another program is at it
            except (LedgerError, DBAPIError) as error:
                logger.info("reports are slower for now, what is new could not be rolled up: %s", error_words(error))
        await asyncio.sleep(every_s)
