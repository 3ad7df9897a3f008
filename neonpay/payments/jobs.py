"""Jobs: one row per handler and payment, which is queue, inbox marker and outbox in one.

A job is in one of these states:

* *ready*, due at ``run_at``; *leased*, somebody works on it until ``run_at``, and then it is anybody's; *done*;
* *dead*: it has failed for the last time, and a person has to ``retry`` it;
* *held*: a refund is under way and goes first; *stranded*: no program has had its consumer for a day;
* *waiting*: it is about a request for a refund that nobody has decided;
* *rejected*: a handler has rejected its payment; *dropped*, *interrupted*: a refund has ended it before or while it ran.

Each lease has a token; only the holder of the newest one can finish the job, so a worker that lost its lease cannot undo or
double what its successor did.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from neonpay.core import jsontext
from neonpay.core.clock import Clock
from neonpay.core.jsontext import JsonValue
from neonpay.errors import LeaseLostError
from neonpay.ledger import Among, Insert, Ledger, Statement, Transaction
from neonpay.ledger.tables import IS_UNFINISHED, DatabaseNow, jobs, steps

if TYPE_CHECKING:
    from neonpay.core.payments import Payment

LEASE_S = 30.0
"""How long a worker may go without a sign of life before its jobs are taken over."""
_JOB_KEY = (
    jobs.c.bot_id == sa.bindparam("job_bot_id"),
    jobs.c.event_id == sa.bindparam("job_event_id"),
    jobs.c.consumer == sa.bindparam("job_consumer"),
    jobs.c.token == sa.bindparam("job_token"),
    jobs.c.state == "leased",
)
_JOB_NAMES = ("job_bot_id", "job_event_id", "job_consumer", "job_token")

_BACKOFF_FIRST_S = 2.0
_BACKOFF_MOST_S = 6 * 3600.0

INSERT_JOB = Insert(
    jobs,
    "bot_id",
    "event_id",
    "consumer",
    "charge_id",
    "state",
    "attempts",
    "token",
    "error",
    "run_at",
    computed={"run_at": lambda delay_us: DatabaseNow() + delay_us},
)
_DONE = Statement(sa.update(jobs).where(*_JOB_KEY).values(state="done", error=None), *_JOB_NAMES)
_ALL_DONE = Among(
    lambda event_ids, tokens: (
        sa.update(jobs)
        .where(
            jobs.c.bot_id == sa.bindparam("job_bot_id"),
            jobs.c.event_id.in_(event_ids),
            jobs.c.token.in_(tokens),
            jobs.c.state == "leased",
        )
        .values(state="done", error=None)
        .returning(jobs.c.token)
    ),
    "job_bot_id",
    lists=2,
)
"""Tokens are never used twice, so each finds its own job; the event ids are there for the index."""
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
_RENEW = Statement(
    sa.update(jobs).where(*_JOB_KEY).values(run_at=DatabaseNow() + sa.bindparam("delay_us", type_=sa.BigInteger)),
    *_JOB_NAMES,
    "delay_us",
)
_RELEASE = Statement(
    sa.update(jobs).where(*_JOB_KEY).values(state="ready", attempts=jobs.c.attempts - 1, run_at=DatabaseNow()),
    *_JOB_NAMES,
)
_PUT_OFF = Statement(
    sa.update(jobs)
    .where(*_JOB_KEY)
    .values(
        state="ready",
        attempts=jobs.c.attempts - 1,
        run_at=DatabaseNow() + sa.bindparam("delay_us", type_=sa.BigInteger),
    ),
    *_JOB_NAMES,
    "delay_us",
)
_STEPS = Statement(
    sa.select(steps.c.name, steps.c.result).where(
        steps.c.bot_id == sa.bindparam("b"),
        steps.c.event_id == sa.bindparam("e"),
        steps.c.consumer == sa.bindparam("c"),
    ),
    "b",
    "e",
    "c",
)
_REMEMBER = Insert(steps, "bot_id", "event_id", "consumer", "name", "result", "finished_at")


@dataclass(frozen=True, slots=True)
class Job:
    """A lease on one job."""

    bot_id: int
    event_id: str
    consumer: str
    charge_id: str
    attempts: int
    token: int
    payment: Payment | None = None
    """The payment, when it is at hand; a job taken up after a restart has to look it up."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as the ledger has it, for people to look at."""

    charge_id: str
    consumer: str
    state: str
    attempts: int
    error: str | None


class JobBook:
    """Every change of a job's state."""

    def __init__(
        self, ledger: Ledger, bot_id: int, *, clock: Clock, new_token: Callable[[], int], lease_s: float
    ) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._clock = clock
        self._new_token = new_token
        self.lease_us = int(lease_s * 1_000_000)

    async def finish(
        self, job: Job, enlisted: Sequence[tuple[sa.Executable, Mapping[str, object] | None]] = ()
    ) -> None:
        """Mark a job as done, together with the statements that its handler enlisted.

        Raises:
            LeaseLostError: the job is another worker's; neither marker nor statements were kept.
        """
        if enlisted:
            await self._ledger.run(finish, job, enlisted)
        elif not await self._ledger.run_each(_finish_all, job):
            raise lease_lost(job)

    def put_back(self, transaction: Transaction, job: Job, *, error: str, delay_s: float | None) -> int:
        """Mark an attempt as failed: due again after ``delay_s`` seconds, or a dead letter when that is None.

        Returns the number of jobs that changed: 0 when the lease was lost.
        """
        state = "dead" if delay_s is None else "ready"
        delay_us = int((delay_s or 0) * 1_000_000)
        return transaction.execute(_RETRY, job.bot_id, job.event_id, job.consumer, job.token, state, error, delay_us)

    async def put_off(self, job: Job, delay_s: float) -> None:
        """Let a job that could not even be tried come up again in ``delay_s`` seconds; the attempt does not count."""
        key = (job.bot_id, job.event_id, job.consumer, job.token)
        await self._ledger.run(_put_off, key, int(delay_s * 1_000_000))

    async def release(self, held: Sequence[Job]) -> None:
        """Give jobs back untouched, for another worker to take up at once."""
        await self._ledger.run(_release, held)

    async def renew(self, held: Sequence[Job]) -> None:
        """Show that the jobs are still being worked on."""
        await self._ledger.run(_renew, held, self.lease_us)

    async def claim(self, consumers: Sequence[str], *, most: int) -> list[Job]:
        """Lease jobs of these consumers that are due, those of the first one first, longest waiting first."""
        return await self._ledger.run(_claim, self._bot_id, list(consumers), most, self._new_token, self.lease_us)

    async def due(self, consumers: Sequence[str]) -> list[tuple[str, float]]:
        """The consumers of these that have work, and the seconds until it is due, soonest first; below zero when it is due."""
        return await self._ledger.read(_due, self._bot_id, list(consumers))

    async def steps(self, job: Job) -> dict[str, JsonValue]:
        """The results of the steps that earlier attempts have finished."""
        rows = await self._ledger.read(_read_steps, job)
        return {str(name): jsontext.load(str(result)) for name, result in rows}

    async def remember(self, job: Job, name: str, result: JsonValue) -> JsonValue:
        """Store the result of a step; returns it as it will be read back."""
        text = jsontext.dump(result)
        await self._ledger.run(_remember, job, name, text, self._clock.now_us())
        return jsontext.load(text)


def backoff_s(attempts: int, rng: random.Random) -> float:
    """Seconds from one failed attempt to the next: 1–2 after the first, four times as long after each, six hours at most."""
    full_s: float = min(_BACKOFF_MOST_S, _BACKOFF_FIRST_S * 4.0 ** min(attempts - 1, 16))
    return full_s * rng.uniform(0.5, 1.0)


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
    state, attempts, delay_us = ("ready", 0, 0) if token is None else ("leased", 1, lease_us)
    row = (bot_id, event_id, consumer, charge_id, state, attempts, token, None, delay_us)
    if not transaction.insert(INSERT_JOB, row):
        under_way = sa.and_(jobs.c.state == "leased", jobs.c.run_at > DatabaseNow())
        key = (jobs.c.bot_id == bot_id, jobs.c.event_id == event_id, jobs.c.consumer == consumer)
        due = {"state": state, "attempts": attempts, "token": token, "run_at": DatabaseNow() + delay_us}
        if not transaction.connection.execute(sa.update(jobs).where(*key, sa.not_(under_way)).values(due)).rowcount:
            return []
    return [] if token is None else [Job(bot_id, event_id, consumer, charge_id, attempts, token)]


def finish(
    transaction: Transaction, job: Job, enlisted: Sequence[tuple[sa.Executable, Mapping[str, object] | None]] = ()
) -> None:
    """The unit of work that marks a job as done; see ``JobBook.finish``."""
    if not transaction.execute(_DONE, job.bot_id, job.event_id, job.consumer, job.token):
        raise lease_lost(job)
    for statement, parameters in enlisted:
        transaction.connection.execute(statement, parameters)


def _finish_all(transaction: Transaction, finished: Sequence[Job]) -> list[bool]:
    event_ids, tokens = [job.event_id for job in finished], [job.token for job in finished]
    rows = transaction.rows_among(_ALL_DONE, (finished[0].bot_id,), event_ids, tokens)
    held = {row[0] for row in rows}
    return [token in held for token in tokens]


def lease_lost(job: Job) -> LeaseLostError:
    """The error of an attempt whose job is somebody else's by now."""
    return LeaseLostError(
        f"the lease on {job.consumer} for charge {job.charge_id!r} was lost: another worker or a refund has ended it"
    )


def _put_off(transaction: Transaction, key: tuple[int, str, str, int], delay_us: int) -> None:
    transaction.execute(_PUT_OFF, *key, delay_us)


def _release(transaction: Transaction, held: Sequence[Job]) -> None:
    for job in held:
        transaction.execute(_RELEASE, job.bot_id, job.event_id, job.consumer, job.token)


def _renew(transaction: Transaction, held: Sequence[Job], lease_us: int) -> None:
    for job in held:
        transaction.execute(_RENEW, job.bot_id, job.event_id, job.consumer, job.token, lease_us)


def _claim(
    transaction: Transaction, bot_id: int, consumers: list[str], most: int, new_token: Callable[[], int], lease_us: int
) -> list[Job]:
    connection = transaction.connection
    claimed: list[Job] = []
    # Each consumer's queue is a range of the index of its own; asked for together, all that is due would be read and sorted.
    for consumer in consumers:
        due = (
            sa.select(jobs.c.event_id, jobs.c.consumer, jobs.c.charge_id, jobs.c.attempts)
            .where(jobs.c.bot_id == bot_id, jobs.c.consumer == consumer, IS_UNFINISHED, jobs.c.run_at <= DatabaseNow())
            .order_by(jobs.c.run_at)
            .limit(most - len(claimed))
            .with_for_update(skip_locked=True)
        )
        claimed += [
            Job(bot_id, event_id, consumer, charge_id, attempts + 1, new_token())
            for event_id, consumer, charge_id, attempts in connection.execute(due).all()
        ]
        if len(claimed) == most:
            break
    for job in claimed:
        connection.execute(
            sa.update(jobs)
            .where(jobs.c.bot_id == bot_id, jobs.c.event_id == job.event_id, jobs.c.consumer == job.consumer)
            .values(state="leased", token=job.token, attempts=job.attempts, run_at=DatabaseNow() + lease_us)
        )
    return claimed


def _due(transaction: Transaction, bot_id: int, consumers: list[str]) -> list[tuple[str, float]]:
    found = [
        sa.select(sa.literal(consumer), sa.func.min(jobs.c.run_at, type_=sa.BigInteger), DatabaseNow()).where(
            jobs.c.bot_id == bot_id, jobs.c.consumer == consumer, IS_UNFINISHED
        )
        for consumer in consumers
    ]
    rows = transaction.connection.execute(sa.union_all(*found)).all() if found else []
    return sorted(
        [(name, (soonest - now) / 1_000_000) for name, soonest, now in rows if soonest is not None], key=_wait
    )


def _wait(due: tuple[str, float]) -> float:
    return due[1]


def _read_steps(transaction: Transaction, job: Job) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in transaction.rows(_STEPS, job.bot_id, job.event_id, job.consumer)]


def _remember(transaction: Transaction, job: Job, name: str, text: str, now_us: int) -> None:
    transaction.insert(_REMEMBER, (job.bot_id, job.event_id, job.consumer, name, text, now_us))
