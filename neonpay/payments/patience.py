"""How long somebody waits for a database that cannot do what it is asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from neonpay.errors import LedgerError, LedgerFullError, LedgerLockedError, LedgerUnavailableError

logger = logging.getLogger("neonpay.payments")

T = TypeVar("T")

_PAUSE_FIRST_S = 0.05
_PAUSE_MOST_S = 5.0
_ANSWER_S = 2.0
"""How much longer an attempt may take that is under way when patience ends."""


async def patiently(attempt: Callable[[], Awaitable[T]], *, patience_s: float, what: str) -> T:
    """What an attempt gives, tried again while the database is locked, full or away, for ``patience_s`` seconds.

    An attempt that has no answer two seconds later is left to itself: what it writes may still be kept.

    Args:
        what: what is not done yet, for the log.

    Raises:
        LedgerError: the database refused, or did not answer in time.
    """
    loop = asyncio.get_running_loop()
    give_up_at, pause_s = loop.time() + patience_s, _PAUSE_FIRST_S
    try:
        async with asyncio.timeout_at(give_up_at + _ANSWER_S):
            while True:
                try:
                    return await attempt()
                except (LedgerLockedError, LedgerUnavailableError, LedgerFullError) as exc:
                    if loop.time() + pause_s > give_up_at:
                        raise
                    logger.warning("%s is not done yet, trying again: %s", what, exc)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _PAUSE_MOST_S)
    except TimeoutError as exc:
        if isinstance(exc, LedgerError):
            raise
        msg = f"the database did not answer within {patience_s:g} s"
        raise LedgerUnavailableError(msg) from exc


async def within(limit_s: float, work: Awaitable[object], what: str) -> None:
    """Wait for work that a stop would like to see done; it is given up when it takes longer, and what it raises is logged."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait([task], timeout=limit_s)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        logger.error("%s took longer than %.1f s; it is given up", what, limit_s)
        task.cancel()
    elif not task.cancelled() and (error := task.exception()) is not None:
        logger.warning("%s failed: %s", what, error)
