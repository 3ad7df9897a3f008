"""A job as a row: one per handler and payment, which is queue, inbox marker and outbox in one.

``JobState`` says what a job can be. What changes a job that is there is in ``neonpay.payments.jobs``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neonpay.core.job_states import JobState
from neonpay.ledger import Insert
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import jobs

if TYPE_CHECKING:
    from neonpay.core.payments import Payment

_COLUMNS = ("bot_id", "event_id", "consumer", "charge_id", "state", "attempts", "run_at", "token")
INSERT_JOB = Insert(jobs, *_COLUMNS, computed={"run_at": lambda delay_us: DatabaseNow() + delay_us})
INSERT_JOB_AT = Insert(jobs, *_COLUMNS)
"""For units that have asked the database for its time already: rows have the time itself instead of a delay."""
_READY, _LEASED = JobState.READY.value, JobState.LEASED.value  # looked up once: rows are written for every payment


@dataclass(frozen=True, slots=True)
class Job:
    """A lease on one job."""

    bot_id: int
    event_id: str
    consumer: str
    charge_id: str | None
    attempts: int
    token: int
    payment: Payment | None = None
    """The payment, when it is at hand; a job taken up after a restart has to look it up."""
    is_alone: bool = False
    """Whether the payment was recorded with no other handler that delivers it, as far as is known here."""

    @property
    def of_charge(self) -> str:
        """The charge that the job is about; an error of neonpay's own for a job that is about another event."""
        assert self.charge_id is not None, f"{self.consumer} is about event {self.event_id}, and no payment"
        return self.charge_id


SelfFinishingJob = Callable[[Job], Awaitable[None]]
"""Runs a job of neonpay's own and writes itself what has become of it, such as a refund."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as the ledger has it, for people to look at; one without a charge id is about an event that is no payment's."""

    charge_id: str | None
    consumer: str
    state: str
    attempts: int
    error: str | None
    event_id: str


def job_row(
    bot_id: int,
    event_id: str,
    consumer: str,
    charge_id: str | None,
    *,
    state: str = _READY,
    run_at_us: int = 0,
    token: int | None = None,
) -> tuple[object, ...]:
    """A job that nobody holds, as a row for ``INSERT_JOB`` or ``INSERT_JOB_AT``.

    Args:
        run_at_us: when it is due, in microseconds from now; for ``INSERT_JOB_AT`` since the epoch.
        token: by which the unit that writes it knows its own when it runs again.
    """
    return (bot_id, event_id, consumer, charge_id, state, 0, run_at_us, token)


def leased_row(job: Job, until_us: int) -> tuple[object, ...]:
    """A job that is leased as it is written, for so long; otherwise as ``job_row``."""
    return (job.bot_id, job.event_id, job.consumer, job.charge_id, _LEASED, job.attempts, until_us, job.token)
