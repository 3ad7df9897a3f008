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
ANSWER_S = 2.0
"""How much longer an attempt may take that is under way when patience ends."""


AWAY = (LedgerLockedError, LedgerUnavailableError, LedgerFullError)
"""What a database says that may take the same unit a moment later."""


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
    pause_s = _PAUSE_FIRST_S
    while True:
        if refused is not None:
            if asyncio.get_running_loop().time() + pause_s > give_up_at:
                raise refused
            logger.warning("%s is not done yet, trying again: %s", what, refused)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _PAUSE_MOST_S)
        try:
            return await attempt()
        except again_on as exc:
            refused = exc


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
