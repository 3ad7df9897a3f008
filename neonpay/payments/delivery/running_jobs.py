"""The jobs that run in this process: how many more may begin, and what becomes of them when it stops."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from contextvars import Context

from neonpay.errors import LedgerError
from neonpay.payments.jobs import JobStore
from neonpay.payments.threads import Threads
from neonpay.store.job_rows import Job
from neonpay.telegram.pacing import may_wait

logger = logging.getLogger("neonpay.payments")

_LAST_S = 1.0
"""How long a stop waits for handlers after it has cancelled them; one that does not take notice is left behind."""


class RunningJobs(ABC):
    """Each job is a task of its own.

    Args:
        threads: where plain functions run, which cannot be stopped.
        context: in a copy of which each job runs.
        most_running: handlers that run at the same time in this process.
    """

    def __init__(self, jobs: JobStore, threads: Threads, context: Context, *, most_running: int) -> None:
        self._jobs = jobs
        self._threads = threads
        self._context = context.copy()
        self._context.run(may_wait.set, True)  # handlers keep nobody waiting
        self._most_running = most_running
        self._running: dict[asyncio.Task[None], Job] = {}
        self.interrupted: list[Job] = []
        """Jobs whose task was cancelled, and that are still leased to this process."""
        self._in_units: set[int] = set()
        """Tokens of jobs whose handler runs in a unit of work, which goes on when nobody waits for it any more."""
        self._unbegun: list[Job] = []
        """Jobs that were leased to this process after it had begun to stop."""
        self._is_stopping = False
        self._taken = 0
        """How much of the room is taken: by jobs, and by payments that are being recorded."""
        self.changed = asyncio.Event()
        """Set when there may be work to take up: room where there was none, or a job that runs again."""

    @abstractmethod
    async def _run(self, job: Job) -> None:
        """Run one job to its end."""

    @property
    def room(self) -> int:
        """How many more jobs may start now; one whose handler has returned takes no room while its marker is written."""
        return 0 if self._is_stopping else max(0, self._most_running - self._taken)

    @property
    def held(self) -> list[Job]:
        """The jobs that run now."""
        return list(self._running.values())

    def reserve(self) -> bool:
        """Keep room for a payment that is being recorded, until ``unreserve``; False when there is none."""
        if self._is_stopping or self._taken >= self._most_running:
            return False
        self._taken += 1
        return True

    def unreserve(self) -> None:
        """The payment is recorded, or will not be."""
        self._make_room()

    def running(self, charge_id: str, consumer: str) -> asyncio.Task[None] | None:
        """The task that runs a job of this charge in this process, or None."""
        for task, job in self._running.items():
            if job.charge_id == charge_id and job.consumer == consumer:
                return task
        return None

    def start(self, job: Job) -> None:
        """Run a leased job in a task of its own; one that comes after the stop has begun is given back by ``give_back``."""
        if self._is_stopping:
            self._unbegun.append(job)
            return
        task = asyncio.get_running_loop().create_task(self._run(job), context=self._context.copy())
        self._running[task] = job
        self._taken += 1
        task.add_done_callback(self._ended)

    async def drain(self) -> None:
        """Wait until nothing runs."""
        while self._running:
            await asyncio.wait(self._running)

    def stop_taking(self) -> None:
        """From now on nothing begins."""
        self._is_stopping = True

    async def stop(self, *, grace_s: float) -> None:
        """Let what runs finish for ``grace_s`` seconds, then cancel it; what has ended by that is given back.

        What goes on all the same keeps its lease, so that nobody begins it again beside it: a thread cannot be stopped, and a
        coroutine need not take notice.
        """
        self.stop_taking()
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        unfinished = dict(self._running)
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished, timeout=_LAST_S)
        for task, job in unfinished.items():
            if task.done() and not self._goes_on(job):
                self._unbegun.append(job)
            elif not task.done() or task.cancelled():
                logger.warning(
                    "%s for charge %s goes on beyond the stop; its lease will run out", job.consumer, job.charge_id
                )
        await self.give_back()

    async def give_back(self) -> None:
        """Have the jobs that were leased to this process and did not begin taken up by others at once."""
        unbegun, self._unbegun = self._unbegun, []
        if unbegun:
            try:
                await self._jobs.release(unbegun)
            except LedgerError as exc:
                logger.warning("%d jobs could not be given back, and their leases will run out: %s", len(unbegun), exc)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._make_room()
        job = self._running.pop(task)
        if task.cancelled() and not self._goes_on(job):
            self.interrupted.append(job)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a job could not be finished; its lease will run out and it will run again", exc_info=error)

    def _goes_on(self, job: Job) -> bool:
        """Whether the handler of a job runs where nobody can stop it."""
        return job.token in self._in_units or self._threads.is_running(job)

    def _make_room(self) -> None:
        if self._taken >= self._most_running:
            self.changed.set()
        self._taken -= 1
