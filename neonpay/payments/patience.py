"""How long somebody waits for a database that cannot do what it is asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from neonpay.core.retrying import RetryPolicy
from neonpay.errors import LedgerError, LedgerFullError, LedgerLockedError, LedgerUnavailableError

logger = logging.getLogger("neonpay.payments")

T = TypeVar("T")

ANSWER_S = 2.0
"""How much longer an attempt may take that is under way when patience ends."""


AWAY = (LedgerLockedError, LedgerUnavailableError, LedgerFullError)
"""What a database says that may take the same unit a moment later."""
_AGAIN = RetryPolicy(on=AWAY, attempts=None, first_pause_s=0.05, most_pause_s=5.0, jitter=0.0, total_s=None)


async def patiently(
    attempt: Callable[[], Awaitable[T]],
    *,
    give_up_at: float,
    what: str,
    refused: LedgerError | None = None,
    again_on: tuple[type[LedgerError], ...] = AWAY,
) -> T:
    """What an attempt gives, tried again while the database is locked, full or away.

    Args:
        give_up_at: when nothing is tried again any more, by the event loop's clock.
        what: what is not done yet, for the log.
        refused: what an attempt before has come to, one of ``again_on``.
        again_on: what is worth another attempt.

    Raises:
        LedgerError: the database refused.
    """
    now_s = asyncio.get_running_loop().time
    policy = replace(_AGAIN, on=again_on, total_s=max(0.0, give_up_at - now_s()), now_s=now_s)
    async for trying in policy:
        with trying:
            if trying.error is not None:
                logger.warning("%s is not done yet, trying again: %s", what, trying.error)
            elif refused is not None:
                raise refused
            return await attempt()
    raise AssertionError  # pragma: no cover  # the last attempt returns or raises


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
