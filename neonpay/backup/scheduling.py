"""One turn at the backups that come round: whichever program has it makes the one that is due, and what was missed once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

from neonpay.backup.config import BackupConfig
from neonpay.backup.keeping import Keeper
from neonpay.backup.runs import Run, last
from neonpay.backup.schedule import Every
from neonpay.core.clock import Clock, microseconds, moment
from neonpay.errors import BackupBusyError, BackupCopyError, ConfigurationError, NeonPayError
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.beside import beside
from neonpay.store.periodic import Turn

T = TypeVar("T")
logger = logging.getLogger("neonpay.backup")

TASK: Final = "scheduled"
LOOK_S: Final = 60.0
"""Between two looks, so that a clock that is set is noticed."""
_AGAIN_S: Final = 300.0
"""After a failure."""
_RENEW_S: Final = 15.0
_REST_S: Final = 0.001
_SCHEDULED: Final = "scheduled"


def rest() -> None:
    """Let a payment pass that waits for this thread: it has the interpreter for some milliseconds at a time."""
    time.sleep(_REST_S)


async def turn_at(turn: Turn, ledger: Ledger, config: BackupConfig, clock: Clock) -> float:
    """Make the backup that is due, if one is; seconds until the next look.

    What was due several times while nobody was there is made once. A failure is told in the ledger, and tried again.
    """
    now = moment(clock.now_us())
    made = await ledger.read(last, "backup")
    due = _due(turn, None if made is None else made.began_at, config, now)
    if due > now:
        if not 0 < turn.position <= microseconds(now):
            await ledger.run(_reach, turn, microseconds(now))  # counted from here on
        if await _is_copy_due(ledger, config, made, now):
            return await _copy(turn, ledger, config, clock)
        return min((due - now).total_seconds(), LOOK_S)
    try:
        await _while_leased(turn, ledger, lambda: _make(ledger, config, clock))
    except BackupBusyError:
        return LOOK_S  # somebody makes one, whose end the next look sees
    except BackupCopyError as error:
        logger.error("the scheduled backup was made, and is copied again in %.0f s: %s", _AGAIN_S, error)  # noqa: TRY400
    except (NeonPayError, ConfigurationError) as error:
        logger.error("the scheduled backup has failed and is tried again in %.0f s: %s", _AGAIN_S, error)  # noqa: TRY400
        return _AGAIN_S
    await ledger.run(_reach, turn, microseconds(now))
    return min((config.times.next(now) - now).total_seconds(), LOOK_S)


def _due(turn: Turn, made_at: datetime | None, config: BackupConfig, now: datetime) -> datetime:
    times = config.times
    reached = [one for one in (moment(turn.position) if turn.position else None, made_at) if one is not None]
    if not reached:
        return now if isinstance(times, Every) else times.next(now)
    # A clock that was set back: what was made later than now says nothing about when the next one is due.
    return times.next(max((one for one in reached if one <= now), default=now))


async def _is_copy_due(ledger: Ledger, config: BackupConfig, made: Run | None, now: datetime) -> bool:
    """Whether the newest backup was not copied, for a while."""
    if config.copy_to is None or made is None:
        return False
    copied, failed = await ledger.read(last, "copy"), await ledger.read(_last_failed_copy)
    if copied is not None and copied.began_at >= made.began_at:
        return False
    tried = [made, *([] if failed is None else [failed])]
    return all(not timedelta() <= now - one.ended_at < timedelta(seconds=_AGAIN_S) for one in tried)


async def _copy(turn: Turn, ledger: Ledger, config: BackupConfig, clock: Clock) -> float:
    try:
        await _while_leased(turn, ledger, lambda: _with_keeper(ledger, config, clock, lambda k: k.copy(config.target)))
    except (NeonPayError, ConfigurationError) as error:
        logger.error("backups are copied again in %.0f s: %s", _AGAIN_S, error)  # noqa: TRY400
    return LOOK_S


def _last_failed_copy(transaction: Transaction) -> Run | None:
    return last(transaction, "copy", is_good=False)


def _make(ledger: Ledger, config: BackupConfig, clock: Clock) -> None:
    _with_keeper(ledger, config, clock, lambda keeper: keeper.make(description=_SCHEDULED))


def _with_keeper(ledger: Ledger, config: BackupConfig, clock: Clock, work: Callable[[Keeper], object]) -> None:
    own = beside(ledger)
    try:
        work(Keeper(own, config, clock, rest=rest))
    finally:
        own.close_sync()


async def _while_leased(turn: Turn, ledger: Ledger, work: Callable[[], T]) -> T:
    """What the work returned, in a thread; the lease on the turn is kept meanwhile."""
    working = asyncio.ensure_future(asyncio.to_thread(work))
    while True:
        done, _ = await asyncio.wait({working}, timeout=_RENEW_S)
        if done:
            return working.result()
        await ledger.run(_reach, turn, turn.position)


def _reach(transaction: Transaction, turn: Turn, position: int) -> None:
    turn.save(transaction, position=position)
