"""What refunds need of whoever runs jobs; delivery has it, and knows refunds, which therefore do not know delivery."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from neonpay.core.events import Event
from neonpay.payments.refunds.store import Change
from neonpay.store.job_rows import Job, SelfFinishingJob


class JobRunner(Protocol):
    """Runs the jobs of one bot."""

    changed: asyncio.Event
    """Set when there may be work to take up."""

    def add_self_finishing(
        self,
        consumer: str,
        job: SelfFinishingJob,
        *,
        unless: Callable[[], bool] = lambda: False,
        max_attempts: int | None = None,
    ) -> None:
        """Take up the jobs of a consumer, unless they are for another program; None for any number of attempts."""
        ...

    def start(self, job: Job) -> None:
        """Run a job that is leased to this process."""
        ...

    def running(self, charge_id: str, consumer: str) -> asyncio.Task[None] | None:
        """The task that runs a job of this charge in this process, or None."""
        ...

    def follow(self, change: Change) -> None:
        """Tell of what a unit has written about a refund, and run the jobs that it has leased to this process."""
        ...

    def announce(self, events: Sequence[Event]) -> None:
        """Tell the listeners of events that are durable."""
        ...
