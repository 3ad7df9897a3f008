"""What a ledger that was restored must not do a second time is set aside, for a person to decide on.

The backup says what was waiting when it was made. What has become of that since, and what was sold since, only the ledger knew
that is gone; so nothing of it is done by itself. A charge that is found later waits behind the fence (``restores.fence_at``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from neonpay.books.sealing import seal_all, seal_anew
from neonpay.core.clock import Clock, moment
from neonpay.core.job_states import JobState
from neonpay.core.jsontext import JsonObject, dump
from neonpay.core.payments import InvoiceState
from neonpay.errors import RestoreRefusedError
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.migrate import require_program_of
from neonpay.ledger.tables import IS_PARKED, IS_UNFINISHED, consumers, duties, holds, in_states, invoices, jobs
from neonpay.ledger.tables_backup import restores
from neonpay.ledger.tables_notifications import notification_endpoints, notification_troubles, notifications
from neonpay.payments.consumers.selection import SETTLE
from neonpay.store.sequence import last_number

WORDS: Final = (
    "the ledger was restored from a backup in which this waited; it may have been done since: "
    "look, then retry it or leave it"
)
FENCED: Final = "0023"
"""The revision that brought the fence: a program that does not know it would deliver what waits behind it."""
_CLOCK_MAY_DIFFER: Final = timedelta(minutes=1)
_REPORTS: Final = ("alerts:daily", "alerts:weekly")
_RENEWALS: Final = "buyers:renewals"
_INSERT: Final = Insert(restores, "bot_id", "backup_id", "made_at", "fence_at", "parked")


def settle(transaction: Transaction, bot_id: int, *, made_us: int, now_us: int) -> Mapping[str, int]:
    """The unit of work after which a bot of a restored ledger does nothing old by itself; how much waits, by what it is.

    Args:
        made_us: the moment that the backup is of.
    """
    seal_all(transaction, bot_id)
    parked = {
        "jobs": _park_jobs(transaction, bot_id),
        "messages": _park_messages(transaction, bot_id, now_us),
        "invoices": _park_invoices(transaction, bot_id),
    }
    _begin_duties(transaction, bot_id, elapsed_us=now_us - made_us, now_us=now_us)
    newest = last_number(transaction, bot_id)
    connection = transaction.connection
    connection.execute(sa.delete(holds).where(holds.c.bot_id == bot_id))
    connection.execute(sa.delete(notification_troubles).where(notification_troubles.c.bot_id == bot_id))
    told = sa.update(notification_endpoints).where(notification_endpoints.c.bot_id == bot_id)
    connection.execute(told.values(after_number=newest))
    connection.execute(sa.update(consumers).where(consumers.c.bot_id == bot_id).values(complete_number=newest))
    return parked


def fence(
    transaction: Transaction, backup_id: str, *, made_us: int, now_us: int, parked: Mapping[int, Mapping[str, int]]
) -> None:
    """The unit of work after which nothing that was paid before ``now_us`` and is found later is delivered by itself."""
    waits: JsonObject = {str(bot_id): dict(counts) for bot_id, counts in parked.items()}
    transaction.insert(_INSERT, (0, backup_id, made_us, now_us, dump(waits)))
    require_program_of(transaction.connection, FENCED)


def refuse_slow_clock(clock: Clock, made_at: datetime, what: str) -> None:
    """What was sold since is told by its time, so that a clock that is behind would have it delivered again.

    Raises:
        RestoreRefusedError: the clock is behind.
    """
    now = moment(clock.now_us())
    if now + _CLOCK_MAY_DIFFER < made_at:
        msg = (
            f"this machine's clock says {now:%Y-%m-%d %H:%M}, which is before {what} "
            f"({made_at:%Y-%m-%d %H:%M}, UTC); set the clock, then run the command again"
        )
        raise RestoreRefusedError(msg)


def give_to_another_bot(transaction: Transaction, bot_id: int) -> None:
    """The unit of work for entries that were another bot's: their seals are this one's, and hold."""
    seal_anew(transaction, bot_id)


def _park_jobs(transaction: Transaction, bot_id: int) -> int:
    is_settling = jobs.c.consumer.like(f"{SETTLE}%")
    count = 0
    # One after the other, as the indexes have them: SQLite would look at every job for both.
    for waits in (IS_UNFINISHED, sa.and_(IS_PARKED, in_states(JobState.STRANDED))):
        mine = sa.update(jobs).where(jobs.c.bot_id == bot_id, waits)
        parked = mine.where(sa.not_(is_settling)).values(state=JobState.DEAD, token=None, error=WORDS)
        count += int(transaction.connection.execute(parked).rowcount)
        # An extension makes its rows right for what is true now, however often: that is no delivery.
        free = mine.where(is_settling).values(state=JobState.READY, token=None)
        transaction.connection.execute(free)
    return count


def _park_messages(transaction: Transaction, bot_id: int, now_us: int) -> int:
    waits = sa.update(notifications).where(notifications.c.bot_id == bot_id, notifications.c.state == "waiting")
    return int(transaction.connection.execute(waits.values(state="dead", error=WORDS, ended_at=now_us)).rowcount)


def _park_invoices(transaction: Transaction, bot_id: int) -> int:
    waits = invoices.c.state.in_((InvoiceState.CREATED.value, InvoiceState.QUEUED.value))
    query = sa.update(invoices).where(invoices.c.bot_id == bot_id, waits)
    ended = {"state": InvoiceState.FAILED.value, "sending_by": None, "sending_until": None}
    return int(transaction.connection.execute(query.values(ended)).rowcount)


def _begin_duties(transaction: Transaction, bot_id: int, *, elapsed_us: int, now_us: int) -> None:
    """Nobody has a turn at anything; what is told at a time counts as told until now."""
    mine = sa.update(duties).where(duties.c.bot_id == bot_id)
    connection = transaction.connection
    connection.execute(mine.where(duties.c.token.is_not(None)).values(token=None, run_at=now_us))
    told = duties.c.position > 0
    connection.execute(mine.where(duties.c.name.in_(_REPORTS), told).values(position=now_us))
    connection.execute(mine.where(duties.c.name == _RENEWALS, told).values(position=duties.c.position + elapsed_us))
