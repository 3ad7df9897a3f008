"""Units of work that tell what they have done although they run again: the answer to a COMMIT may be lost after it was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Concatenate, Generic, ParamSpec, TypeVar

import sqlalchemy as sa

from neonpay.core.events import Event
from neonpay.ledger import Among, Statement, Transaction
from neonpay.ledger.tables import events, jobs
from neonpay.store.job_rows import Job

P = ParamSpec("P")
T = TypeVar("T")

_TOLD = Statement(
    sa.select(events.c.event_id).where(events.c.bot_id == sa.bindparam("b"), events.c.event_id == sa.bindparam("e")),
    *("b", "e"),
)
_LEASED = Among(
    lambda event_ids, tokens: sa.select(jobs.c.token).where(
        jobs.c.bot_id == sa.bindparam("b"), jobs.c.event_id.in_(event_ids), jobs.c.token.in_(tokens)
    ),
    "b",
    lists=2,
)


class Once(Generic[P, T]):
    """A unit of work that changes the ledger once and tells what it has done, however often it runs.

    Its events have ids and its leases have tokens that nobody else makes. When the last run's are in the ledger, that run was
    kept, and what it came to is the answer. Make one for each call of ``Ledger.run``.

    Args:
        lock: what a run that is not the first one waits for, because a transaction whose connection was lost may still be
            about to commit.
    """

    def __init__(
        self,
        bot_id: int,
        unit: Callable[Concatenate[Transaction, P], T],
        *,
        lock: Callable[[Transaction], object] | None = None,
    ) -> None:
        self._bot_id = bot_id
        self._unit = unit
        self._lock = lock
        self._last: list[T] = []

    def __call__(self, transaction: Transaction, *args: P.args, **kwargs: P.kwargs) -> T:
        """What the run has come to that was kept, which is this one when no earlier one was."""
        if self._last:
            if self._lock is not None:
                self._lock(transaction)
            if was_kept(transaction, self._bot_id, self._last[0]):
                return self._last[0]
        self._last = [self._unit(transaction, *args, **kwargs)]
        return self._last[0]


def was_kept(transaction: Transaction, bot_id: int, outcome: object) -> bool:
    """Whether the ledger has an event or a lease that an outcome names; False when it names none."""
    traces = list(_traces(outcome))
    told = next((trace.event_id for trace in traces if isinstance(trace, Event)), None)
    if told is not None:
        return transaction.row(_TOLD, bot_id, told) is not None
    leased = [trace for trace in traces if isinstance(trace, Job)]
    event_ids, tokens = [job.event_id for job in leased], [job.token for job in leased]
    return bool(leased and transaction.rows_among(_LEASED, (bot_id,), event_ids, tokens))


def _traces(outcome: object) -> Iterator[Event | Job]:
    if isinstance(outcome, Event | Job):
        yield outcome
    elif isinstance(outcome, list | tuple):
        for part in outcome:
            yield from _traces(part)
