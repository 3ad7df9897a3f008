"""What a centre has been told goes when its time is over, as ``[tracking]`` says; the bots themselves are not here to do it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy.exc import DBAPIError

from neonpay.collection.figures import bots
from neonpay.core.text import error_words
from neonpay.errors import LedgerError
from neonpay.ledger import Ledger
from neonpay.tracking.retention import clean
from neonpay.tracking.settings import TrackingSettings

logger = logging.getLogger("neonpay.collection")

EVERY_S: Final = 3600.0


@contextlib.asynccontextmanager
async def cleaning(ledger: Ledger, settings: TrackingSettings, *, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Clean at once and every so many seconds, inside the block."""
    task = asyncio.create_task(_clean(ledger, settings, every_s), name="neonpay centre cleaning")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _clean(ledger: Ledger, settings: TrackingSettings, every_s: float) -> None:
    while True:
        try:
            for bot in await ledger.read(bots):
                await clean(ledger, bot.bot_id, settings.keep_days, settings.keep_days_of)
        except (LedgerError, DBAPIError) as error:
            logger.warning("old events of the centre stay for now: %s", error_words(error))
        await asyncio.sleep(every_s)
