"""What can be wrong with a shop without any event that tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

import sqlalchemy as sa

from neonpay.core.job_states import JobState
from neonpay.core.jsontext import JsonValue
from neonpay.core.text import clean
from neonpay.core.words import Words
from neonpay.ledger import Transaction
from neonpay.ledger.tables import IS_PARKED, IS_UNFINISHED, duties, jobs
from neonpay.ledger.tables_backup import backup_runs, restores
from neonpay.notifications.troubles import Trouble
from neonpay.payments.handlers.registry import handler_name
from neonpay.payments.waiting import is_left_alone, is_of_handler
from neonpay.reconcile.checkpoint import Tally
from neonpay.reconcile.reconciler import RECONCILE
from neonpay.store.loops import LoopHealth

FAILURES: Final = 5
"""So often in a row a loop fails, or a handler for one payment, before anybody is told; a handler within three minutes."""
_FREE_LEAST_BYTES: Final = 2**30
_FREE_LEAST_SHARE: Final = 20
_ROOM_AGAIN: Final = 1.5
"""The disk has room again when so many times as much is free as it takes to be nearly full."""
_BLIND_LEAST_S: Final = 3600.0
_BLIND_TURNS: Final = 6
_HANDLERS_MOST: Final = 10
_WORDS_CHARS: Final = 300
_STOPPED: Final = Words("It does not run.")
_FAILS: Final = Words(
    "It has failed {count} time in a row: {error}", "It has failed {count} times in a row: {error}", counted="count"
)
_WAIT: Final = Words(
    "{count} payment waits for it. Start the program that has it, or rename or retire it: neonpay handlers",
    "{count} payments wait for it. Start the program that has it, or rename or retire it: neonpay handlers",
    counted="count",
)
_FAILING: Final = Words(
    "{count} payment waits for it: {error}. Mend that; it is tried again by itself.",
    "{count} payments wait for it: {error}. Mend that; they are tried again by themselves.",
    counted="count",
)
_FREE: Final = Words(
    "{count} MB is free in {folder}. When there is none, payments cannot be recorded.",
    "{count} MB are free in {folder}. When there is none, payments cannot be recorded.",
    counted="count",
)
_MEND: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "backup": Words("{error}. Mend that, then: neonpay backup create"),
        "copy": Words("{error}. Mend that, then: neonpay backup copy"),
        "verify": Words("{error}. Mend that, or make a new one, then: neonpay backup verify"),
        "drill": Words("{error}. Mend that, or make a new one, then: neonpay backup drill"),
    }
)
"""By what was done with backups."""
_BLIND: Final = Words("Payments whose update was lost are not found meanwhile. See: neonpay doctor")


class DiskUsage(Protocol):
    """Bytes of a disk."""

    @property
    def total(self) -> int:
        """All of them."""
        ...

    @property
    def free(self) -> int:
        """Those that can be written."""
        ...


def about_loops(loops: Sequence[LoopHealth]) -> list[Trouble]:
    """Loops that have stopped, or fail again and again."""
    found = []
    for loop in loops:
        if loop.is_alive and loop.failures < FAILURES:
            continue
        error = clean(loop.last_error or "?", _WORDS_CHARS)
        details = _FAILS if loop.is_alive else _STOPPED
        found.append(
            Trouble(kind="loop", name=loop.name, values={"count": loop.failures, "error": error}, details=details)
        )
    return found


def about_disk(folder: Path, usage: DiskUsage) -> list[Trouble]:
    """A disk of which less than a gigabyte is free, or of a small one less than a twentieth; slight up to half as much more."""
    least = min(_FREE_LEAST_BYTES, usage.total // _FREE_LEAST_SHARE)
    if usage.free >= least * _ROOM_AGAIN:
        return []
    values: dict[str, str | int] = {"count": usage.free // 2**20, "folder": str(folder)}
    return [Trouble(kind="disk", values=values, details=_FREE, is_slight=usage.free >= least)]


def about_webhook(error: JsonValue) -> Trouble:
    """Updates that Telegram could not deliver."""
    words = clean(str(error or "?"), _WORDS_CHARS)
    return Trouble(kind="webhook", values={"error": words}, details=words)


def about_ledger(transaction: Transaction, bot_id: int, now_us: int, reconcile_every_s: float | None) -> list[Trouble]:
    """The unit of work that looks for handlers that are gone or fail, failed backups, and a comparison without an end."""
    found = [
        Trouble(kind="stranded", name=handler_name(consumer), values={"count": count}, details=_WAIT)
        for consumer, count in sorted(_left_alone(transaction, bot_id).items())[:_HANDLERS_MOST]
    ]
    found += _failing_handlers(transaction, bot_id)
    found += _failed_backups(transaction)
    return found if reconcile_every_s is None else [*found, *_blind(transaction, bot_id, now_us, reconcile_every_s)]


def _failing_handlers(transaction: Transaction, bot_id: int) -> list[Trouble]:
    """Handlers that have failed several times for one payment, hours before its job is a dead letter; slight from then on."""
    is_tried_again = sa.and_(IS_UNFINISHED, jobs.c.attempts >= FAILURES, jobs.c.error.is_not(None))
    is_dead = sa.and_(IS_PARKED, jobs.c.state == sa.literal_column(f"'{JobState.DEAD.value}'"))
    found: dict[str, Trouble] = {}
    for which, is_slight in ((is_tried_again, False), (is_dead, True)):
        mine = (jobs.c.bot_id == bot_id, which, is_of_handler())
        query = sa.select(jobs.c.consumer, sa.func.count(), sa.func.max(jobs.c.error)).where(*mine)
        rows = transaction.connection.execute(query.group_by(jobs.c.consumer).order_by(jobs.c.consumer)).all()
        for consumer, count, error in rows[:_HANDLERS_MOST]:
            name, words = handler_name(consumer), clean(error or "?", _WORDS_CHARS)
            trouble = Trouble(
                kind="failing",
                name=name,
                values={"count": int(count), "error": words},
                details=_FAILING,
                is_slight=is_slight,
            )
            found.setdefault(name, trouble)
    return list(found.values())


def _failed_backups(transaction: Transaction) -> list[Trouble]:
    """What was done last with backups, where that has failed, and since the ledger itself was made of one."""
    row = backup_runs.c
    made_at = sa.select(sa.func.coalesce(sa.func.max(restores.c.fence_at), 0)).scalar_subquery()
    found = []
    for act, details in _MEND.items():
        mine = (row.bot_id == 0, row.act == act, row.began_at >= made_at)
        error = transaction.connection.execute(
            sa.select(row.error).where(*mine).order_by(row.run_id.desc()).limit(1)
        ).scalar()
        if error is not None:
            words = clean(error, _WORDS_CHARS)
            found.append(Trouble(kind="backup", name=act, values={"error": words}, details=details))
    return found


def _left_alone(transaction: Transaction, bot_id: int) -> Mapping[str, int]:
    found: dict[str, int] = {}
    stranded = jobs.c.state == sa.literal_column(f"'{JobState.STRANDED.value}'")
    for which in (sa.and_(IS_PARKED, stranded), is_left_alone()):
        count = sa.select(jobs.c.consumer, sa.func.count()).where(jobs.c.bot_id == bot_id, which)
        for consumer, number in transaction.connection.execute(count.group_by(jobs.c.consumer)).all():
            found[consumer] = found.get(consumer, 0) + int(number)
    return found


def _blind(transaction: Transaction, bot_id: int, now_us: int, every_s: float) -> list[Trouble]:
    query = sa.select(duties.c.position, duties.c.memo).where(duties.c.bot_id == bot_id, duties.c.name == RECONCILE)
    row = transaction.connection.execute(query).first()
    tally = None if row is None else Tally.read(row.position, row.memo)
    if tally is None or tally.balance is None:
        return []  # never compared yet, and so nothing has ended
    age_s = (now_us - tally.compared_us) / 1_000_000
    if age_s < max(_BLIND_LEAST_S, _BLIND_TURNS * every_s):
        return []
    return [Trouble(kind="blind", values={"count": int(age_s // 3600)}, details=_BLIND)]
