"""What changes a job: it is leased, finished, put back or given up.

Each lease has a token; only the holder of the newest one can finish the job, so a worker that lost its lease cannot undo or
double what its successor did. What follows when a handler raises is ``delivery.fulfilment``; how often it may,
``handlers.registry.MAX_ATTEMPTS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.clock import Clock
from neonpay.core.job_states import JobState
from neonpay.core.jsontext import JsonValue
from neonpay.core.retrying import RetryPolicy
from neonpay.errors import LeaseLostError
from neonpay.ledger import Insert, Ledger, Statement, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import IS_UNFINISHED, in_states, jobs, steps
from neonpay.payments.foreign_code import call
from neonpay.payments.jobs_together import IS_OWN, renew_all
from neonpay.store.job_rows import INSERT_JOB, Job, job_row, leased_row

LEASE_S = 30.0
"""How long a worker may go without a sign of life before its jobs are taken over."""
_JOB_KEY = (
    jobs.c.bot_id == sa.bindparam("job_bot_id"),
    jobs.c.event_id == sa.bindparam("job_event_id"),
    jobs.c.consumer == sa.bindparam("job_consumer"),
    jobs.c.token == sa.bindparam("job_token"),
    in_states(JobState.LEASED),
)
_JOB_NAMES = ("job_bot_id", "job_event_id", "job_consumer", "job_token")

_NEVER_ENDED = "its last attempt has not ended: the process died in it, or could not write how it ended"
JOBS_AGAIN = RetryPolicy(
    on=Exception, attempts=None, first_pause_s=2.0, factor=4.0, most_pause_s=6 * 3600.0, jitter=0.5, total_s=None
)
"""Seconds from one failed attempt to the next: 1–2 after the first, four times as long after each, six hours at most. How
many there are is for each kind of job to say."""

_DONE = Statement(sa.update(jobs).where(*_JOB_KEY).values(state=JobState.DONE.value, error=None), *_JOB_NAMES)
_RETRY = Statement(
    sa.update(jobs)
    .where(*_JOB_KEY)
    .values(
        state=sa.bindparam("new_state"),
        error=sa.bindparam("new_error"),
        run_at=DatabaseNow() + sa.bindparam("delay_us", type_=sa.BigInteger),
    ),
    *_JOB_NAMES,
    "new_state",
    "new_error",
    "delay_us",
)
_RELEASE = Statement(
    sa.update(jobs)
    .where(*_JOB_KEY)
    .values(state=JobState.READY.value, attempts=jobs.c.attempts - 1, run_at=DatabaseNow()),
    *_JOB_NAMES,
)
_PUT_OFF = Statement(
    sa.update(jobs)
    .where(*_JOB_KEY)
    .values(
        state=JobState.READY.value,
        attempts=jobs.c.attempts - 1,
        run_at=DatabaseNow() + sa.bindparam("delay_us", type_=sa.BigInteger),
    ),
    *_JOB_NAMES,
    "delay_us",
)
_COMES_UP = Statement(
    sa.update(jobs)
    .where(*_JOB_KEY)
    .values(state=JobState.READY.value, attempts=jobs.c.attempts - 1, run_at=sa.bindparam("run_at_us")),
    *_JOB_NAMES,
    "run_at_us",
)
_OWN = Statement(
    sa.select(jobs.c.state).where(*_JOB_KEY[:-1], IS_OWN).with_for_update(),
    *_JOB_NAMES,
)
_OF_STEP = (steps.c.bot_id == jobs.c.bot_id, steps.c.event_id == jobs.c.event_id, steps.c.consumer == jobs.c.consumer)
_STEP = Statement(
    sa.select(steps.c.result)
    .select_from(sa.outerjoin(jobs, steps, sa.and_(*_OF_STEP, steps.c.name == sa.bindparam("step_name"))))
    .where(*_JOB_KEY),
    *_JOB_NAMES,
    "step_name",
)
_REMEMBER = Insert(steps, "bot_id", "event_id", "consumer", "name", "result", "finished_at")


Enlisted = Sequence[tuple[sa.Executable, Mapping[str, object] | None]]
"""Statements of a handler that are kept with the marker that it is done, or not at all."""


class Leasing(NamedTuple):
    """What a look for due jobs has come to.

    Attributes:
        leased: jobs that are this process's now.
        taken_over: those of them that somebody else had begun, or this process did before its lease ran out.
        worn_out: jobs that became dead letters instead, with why.
    """

    leased: list[Job]
    taken_over: list[Job]
    worn_out: list[tuple[Job, str]]


class JobStore:
    """Every change of a job's state."""

    def __init__(
        self, ledger: Ledger, bot_id: int, *, clock: Clock, new_token: Callable[[], int], lease_s: float
    ) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._clock = clock
        self.new_token = new_token
        self.lease_us = int(lease_s * 1_000_000)

    async def put_off(self, job: Job, delay_s: float) -> None:
        """Let a job that could not even be tried come up again in ``delay_s`` seconds; the attempt does not count."""
        await self._ledger.run(put_off, job, delay_s)

    async def release(self, held: Sequence[Job]) -> None:
        """Give jobs back untouched, for another worker to take up at once."""
        await self._ledger.run(release_all, held)

    async def renew(self, held: Sequence[Job]) -> None:
        """Show that the jobs are still being worked on, however many units wait for a connection."""
        await self._ledger.run_ahead(renew_all, held, self.lease_us)

    def claim(
        self,
        transaction: Transaction,
        limits: Mapping[str, int | None],
        *,
        most: int,
        running: Sequence[Job],
    ) -> Leasing:
        """The unit of work that leases due jobs of each consumer in turn.

        Args:
            limits: the consumers to look for, and how many attempts at a job of each may begin; None for any number.
            running: what this process is at; such a job is not its own successor, and is renewed.
        """
        return _claim(transaction, self._bot_id, limits, most, running, self.new_token, self.lease_us)

    async def due(self, consumers: Sequence[str]) -> list[tuple[str, float]]:
        """The consumers of these that have work, and the seconds until it is due, soonest first; below zero when it is due."""
        return await self._ledger.read(_due, self._bot_id, list(consumers))

    async def begun(self, consumers: Sequence[str]) -> list[tuple[str, float]]:
        """The consumer of each leased job of these, and the seconds that are left of the lease, least first."""
        return await self._ledger.read(_begun, self._bot_id, list(consumers))

    async def recall(self, job: Job, name: str) -> str | None:
        """The stored result of a step as JSON; None when it has none.

        Raises:
            LeaseLostError: the job is another worker's, or a refund has ended it.
        """
        return await self._ledger.read(_recall, job, name)

    async def remember(self, job: Job, name: str, result: JsonValue) -> JsonValue:
        """Store the result of a step; returns it as it will be read back.

        Raises:
            LeaseLostError: the job is another worker's, or a refund has ended it; nothing was stored.
        """
        text = jsontext.dump_whatever(result)
        return jsontext.load(await self._ledger.run(_remember, job, name, text, self._clock.now_us()))


def give_job(
    transaction: Transaction,
    consumer: str,
    *,
    bot_id: int,
    event_id: str,
    charge_id: str,
    token: int | None,
    lease_us: int,
) -> list[Job]:
    """Have a job of neonpay's own run, again if need be: leased under ``token``, or due when that is None.

    Nothing happens, and no job comes back, while somebody has it leased.
    """
    if token is None:
        given, delay_us = None, 0
        row = job_row(bot_id, event_id, consumer, charge_id)
        values: dict[str, object] = {"state": JobState.READY, "attempts": 0}
    else:
        given, delay_us = Job(bot_id, event_id, consumer, charge_id, 1, token), lease_us
        row = leased_row(given, lease_us)
        values = {"state": JobState.LEASED, "attempts": 1}
    if not transaction.insert(INSERT_JOB, row):
        under_way = sa.and_(jobs.c.state == JobState.LEASED, jobs.c.run_at > DatabaseNow())
        key = (jobs.c.bot_id == bot_id, jobs.c.event_id == event_id, jobs.c.consumer == consumer)
        due = {**values, "token": token, "run_at": DatabaseNow() + delay_us}
        if not transaction.connection.execute(sa.update(jobs).where(*key, sa.not_(under_way)).values(due)).rowcount:
            return []
    return [] if given is None else [given]


def finish(transaction: Transaction, job: Job, enlisted: Enlisted = ()) -> None:
    """Mark a job as done, together with the statements that its handler enlisted.

    Raises:
        LeaseLostError: the job is another worker's; neither marker nor statements were kept.
    """
    if not transaction.execute(_DONE, job.bot_id, job.event_id, job.consumer, job.token):
        is_left(transaction, job)  # raises, unless this very unit has finished it
        return
    if enlisted:
        transaction.lend(lambda connection: call(lambda: _execute(connection, enlisted)))


def _execute(connection: sa.Connection, enlisted: Enlisted) -> None:
    for statement, parameters in enlisted:
        connection.execute(statement, parameters)


def require(transaction: Transaction, job: Job) -> None:
    """Raise LeaseLostError unless the job is its holder's still; nobody else takes it until the unit ends."""
    if not is_left(transaction, job):
        raise lease_lost(job)


def is_left(transaction: Transaction, job: Job) -> bool:
    """Whether an attempt is still to be finished; False when its own unit has done that, and the answer was lost.

    Raises:
        LeaseLostError: the job is another worker's, or a refund has ended it.
    """
    row = transaction.row(_OWN, job.bot_id, job.event_id, job.consumer, job.token)
    if row is None:
        raise lease_lost(job)
    return bool(row[0] == JobState.LEASED)


def end_job(transaction: Transaction, job: Job, state: JobState, *, error: str, delay_s: float = 0.0) -> int:
    """End an attempt with an error that is fit to be kept; the number of jobs that changed, 0 when the lease was lost."""
    delay_us = int(delay_s * 1_000_000)
    return transaction.execute(_RETRY, job.bot_id, job.event_id, job.consumer, job.token, state.value, error, delay_us)


def lease_lost(job: Job) -> LeaseLostError:
    """The error of an attempt whose job is somebody else's by now."""
    return LeaseLostError(
        f"the lease on {job.consumer} for charge {job.charge_id!r} was lost: another worker or a refund has ended it"
    )


def put_off(transaction: Transaction, job: Job, delay_s: float) -> None:
    """The unit of work that lets a job that could not even be tried come up again later; the attempt does not count."""
    transaction.execute(_PUT_OFF, job.bot_id, job.event_id, job.consumer, job.token, int(delay_s * 1_000_000))


def come_up_at(transaction: Transaction, job: Job, at_us: int) -> None:
    """The unit of work that lets a job come up again at a moment; the attempt does not count.

    For a job that has read the clock and decided by it: a second reading might be of another time.
    """
    transaction.execute(_COMES_UP, job.bot_id, job.event_id, job.consumer, job.token, at_us)


def release_all(transaction: Transaction, held: Sequence[Job]) -> None:
    """The unit of work that gives jobs back untouched."""
    for job in held:
        transaction.execute(_RELEASE, job.bot_id, job.event_id, job.consumer, job.token)


def _claim(
    transaction: Transaction,
    bot_id: int,
    limits: Mapping[str, int | None],
    most: int,
    running: Sequence[Job],
    new_token: Callable[[], int],
    lease_us: int,
) -> Leasing:
    connection = transaction.connection
    mine = {(job.event_id, job.consumer): job for job in running}
    claimed: list[Job] = []
    taken_over: list[Job] = []
    worn_out: list[tuple[Job, str]] = []
    # Each consumer's queue is a range of the index of its own; asked for together, all that is due would be read and sorted.
    for consumer, limit in limits.items():
        if len(claimed) == most:
            break
        for event_id, charge_id, attempts, error, state in _due_of(transaction, bot_id, consumer, most + len(running)):
            if (event_id, consumer) in mine:
                # A clock that was put forward, or a lease that could not be renewed in time.
                renew_all(transaction, [mine[event_id, consumer]], lease_us)
            elif limit is not None and attempts >= limit:
                job, reason = Job(bot_id, event_id, consumer, charge_id, attempts, 0), error or _NEVER_ENDED
                dead = {"state": JobState.DEAD, "token": None, "error": reason}
                connection.execute(sa.update(jobs).where(*_row_of(job)).values(dead))
                worn_out.append((job, reason))
            elif len(claimed) < most:
                claimed.append(Job(bot_id, event_id, consumer, charge_id, attempts + 1, new_token()))
                if state == JobState.LEASED:
                    taken_over.append(claimed[-1])
    for job in claimed:
        values = {
            "state": JobState.LEASED,
            "token": job.token,
            "attempts": job.attempts,
            "run_at": DatabaseNow() + lease_us,
        }
        connection.execute(sa.update(jobs).where(*_row_of(job)).values(values))
    return Leasing(claimed, taken_over, worn_out)


def _row_of(job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return (jobs.c.bot_id == job.bot_id, jobs.c.event_id == job.event_id, jobs.c.consumer == job.consumer)


def _due_of(
    transaction: Transaction, bot_id: int, consumer: str, most: int
) -> list[tuple[str, str, int, str | None, str]]:
    # In a select of its own the time is one value, which bounds the range of the index; as a call it is asked for each row.
    now = sa.select(DatabaseNow()).scalar_subquery()
    due = (
        sa.select(jobs.c.event_id, jobs.c.charge_id, jobs.c.attempts, jobs.c.error, jobs.c.state)
        .where(jobs.c.bot_id == bot_id, jobs.c.consumer == consumer, IS_UNFINISHED, jobs.c.run_at <= now)
        .order_by(jobs.c.run_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [tuple(row) for row in transaction.connection.execute(due).all()]


def _due(transaction: Transaction, bot_id: int, consumers: list[str]) -> list[tuple[str, float]]:
    found = [
        sa.select(sa.literal(consumer), sa.func.min(jobs.c.run_at, type_=sa.BigInteger), DatabaseNow()).where(
            jobs.c.bot_id == bot_id, jobs.c.consumer == consumer, IS_UNFINISHED
        )
        for consumer in consumers
    ]
    rows = transaction.connection.execute(sa.union_all(*found)).all() if found else []
    waits = [(name, (soonest - now) / 1_000_000) for name, soonest, now in rows if soonest is not None]
    return sorted(waits, key=itemgetter(1))


def _begun(transaction: Transaction, bot_id: int, consumers: list[str]) -> list[tuple[str, float]]:
    found = (
        sa.select(jobs.c.consumer, sa.type_coerce(jobs.c.run_at, sa.BigInteger), DatabaseNow())
        .where(jobs.c.bot_id == bot_id, jobs.c.consumer.in_(consumers), IS_UNFINISHED, in_states(JobState.LEASED))
        .order_by(jobs.c.run_at)
    )
    return [(name, (until - now) / 1_000_000) for name, until, now in transaction.connection.execute(found)]


def _recall(transaction: Transaction, job: Job, name: str) -> str | None:
    row = transaction.row(_STEP, job.bot_id, job.event_id, job.consumer, job.token, name)
    if row is None:
        raise lease_lost(job)
    return None if row[0] is None else str(row[0])


def _remember(transaction: Transaction, job: Job, name: str, text: str, now_us: int) -> str:
    require(transaction, job)
    if transaction.insert(_REMEMBER, (job.bot_id, job.event_id, job.consumer, name, text, now_us)):
        return text
    # Stored already: by this unit, whose answer was lost, or by the same step beside this one.
    return _recall(transaction, job, name) or text
