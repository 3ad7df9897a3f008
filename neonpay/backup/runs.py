"""What was done with backups, as the ledger keeps it: for the dashboard, for `neonpay doctor`, and for whoever looks back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

import sqlalchemy as sa

from neonpay.core.clock import microseconds
from neonpay.core.text import clean
from neonpay.ledger import Insert, Transaction
from neonpay.ledger.tables_backup import backup_runs, restores

Act = Literal["backup", "copy", "verify", "drill"]
NOBODYS: Final = 0
"""The bot of a run: a backup is the database's."""
ADOPTED: Final = "adopted_"
"""How the id begins by which a copy of another program's is noted."""
KEPT: Final = 500
"""So many runs are kept."""
_WORDS_CHARS: Final = 500
_INSERT: Final = Insert(
    backup_runs,
    *("bot_id", "run_id", "act", "backup_id", "place", "began_at", "ended_at", "size_bytes", "added_bytes"),
    *("description", "error"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One thing that was done with backups.

    Attributes:
        place: the folder, or the target of a copy.
        error: why it failed; None when it did not.
    """

    run_id: str
    act: Act
    backup_id: str | None
    place: str
    began_at: datetime
    ended_at: datetime
    size_bytes: int = 0
    added_bytes: int = 0
    description: str = ""
    error: str | None = None


class Restore(NamedTuple):
    """A ledger was made of a backup, or of a copy that came back by other means; at what time."""

    backup_id: str
    at: datetime

    @property
    def is_of_backup(self) -> bool:
        """Whether it was a backup of neonpay's."""
        return not self.backup_id.startswith(ADOPTED)


def record(transaction: Transaction, run: Run) -> None:
    """The unit of work that keeps a run, and forgets those of long ago."""
    row = (
        *(NOBODYS, run.run_id, run.act, run.backup_id, clean(run.place, _WORDS_CHARS)),
        *(microseconds(run.began_at), microseconds(run.ended_at), run.size_bytes, run.added_bytes),
        *(clean(run.description, _WORDS_CHARS), None if run.error is None else clean(run.error, _WORDS_CHARS)),
    )
    transaction.insert(_INSERT, row)
    newest = sa.select(backup_runs.c.run_id).where(backup_runs.c.bot_id == NOBODYS)
    old = newest.order_by(backup_runs.c.run_id.desc()).offset(KEPT).limit(1)
    first = transaction.connection.execute(old).scalar()
    if first is not None:
        gone = sa.delete(backup_runs).where(backup_runs.c.bot_id == NOBODYS, backup_runs.c.run_id <= first)
        transaction.connection.execute(gone)


def runs(transaction: Transaction, *, limit: int = 50) -> list[Run]:
    """The newest runs, newest first."""
    query = _select().order_by(backup_runs.c.run_id.desc()).limit(limit)
    return [_run(row) for row in transaction.connection.execute(query)]


def last(transaction: Transaction, act: Act, *, is_good: bool = True) -> Run | None:
    """The newest run of a kind that did not fail, or that did; None when there is none."""
    fits = backup_runs.c.error.is_(None) if is_good else backup_runs.c.error.is_not(None)
    query = _select().where(backup_runs.c.act == act, fits).order_by(backup_runs.c.run_id.desc()).limit(1)
    row = transaction.connection.execute(query).first()
    return None if row is None else _run(row)


def last_restore(transaction: Transaction) -> Restore | None:
    """What the ledger was made of last; None when it is the first one still."""
    query = sa.select(restores.c.backup_id, restores.c.fence_at).order_by(restores.c.fence_at.desc()).limit(1)
    row = transaction.connection.execute(query).first()
    return None if row is None else Restore(*row)


def since(restored: Restore | None, run: Run | None) -> Run | None:
    """A run that tells something of the ledger as it is: none does that was before the backup which it was made of."""
    if run is None or restored is None or not restored.is_of_backup or run.began_at >= restored.at:
        return run
    return None


def _select() -> sa.Select[tuple[object, ...]]:
    return sa.select(*[column for column in backup_runs.c if column.name != "bot_id"]).where(
        backup_runs.c.bot_id == NOBODYS
    )


def _run(row: sa.Row[tuple[object, ...]]) -> Run:
    return Run(**row._mapping)  # noqa: SLF001  # as SQLAlchemy documents it
