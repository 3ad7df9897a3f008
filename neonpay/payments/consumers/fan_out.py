"""The sweep that gives payments and refunds the jobs that they lack, and sets aside jobs that nobody takes up.

A payment is planned from the registry as its transaction saw it, so one that commits beside a declaration may miss the new
consumer. The sweep looks at what was recorded since each consumer was declared, as often as it takes, and inserts what is
missing; a job that is there is never inserted again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa

from neonpay.core.clock import moment
from neonpay.core.job_states import JobState
from neonpay.core.payments import PaymentState, RefundState
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.tables import IS_UNFINISHED, DatabaseNow, consumers, jobs, payments, recorded_since, refunds
from neonpay.payments.consumers.registry import Consumer, ConsumerKind, read_consumers
from neonpay.payments.handlers.registry import ON_PAYMENT
from neonpay.store.job_rows import INSERT_JOB, job_row
from neonpay.store.periodic import PeriodicTask, Turn

logger = logging.getLogger("neonpay.payments")

_GET_JOBS = frozenset({ConsumerKind.DELIVERS, ConsumerKind.REVOKES})
"""Who has a job of every payment or refund. A thank-you that is missing keeps nobody from their goods, and hooks for requests
are asked when there is a request."""
FAN_OUT = "fan_out"
"""Name of the periodic task."""
FAN_OUT_EVERY_S = 60.0
_LOOK_BACK_US = 15 * 60 * 1_000_000
"""How long a transaction that records may be under way before the sweep passes over what it has recorded."""
UNSEEN_US = 24 * 3600 * 1_000_000
"""How long no program may have a consumer before its jobs are set aside."""
_AT_ONCE = 500
_GONE = (
    "%d payments wait for %s, which no program of this shop has had for a day; start one that has it, or: "
    "neonpay handlers rename %s NEW"
)

Missing = tuple[str, str]
"""Event id and charge id of a payment without a job that it should have."""


class FanOut:
    """Completes the jobs of one bot's payments."""

    def __init__(self, ledger: Ledger, bot_id: int, *, new_token: Callable[[], int]) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._new_token = new_token

    @property
    def task(self) -> PeriodicTask:
        """Look again and again."""
        return PeriodicTask(FAN_OUT, FAN_OUT_EVERY_S, self.work, at_start=True)

    async def work(self, turn: Turn) -> None:
        """One turn at the periodic task."""
        await self.complete()

    async def complete(self) -> int:
        """Everything that was recorded has its jobs, and those of consumers that are gone wait aside; how many were missing."""
        now_us, known = await self._ledger.read(self._read)
        active = [consumer for consumer in known if consumer.retired_at is None]
        added = 0
        for consumer in active:
            if consumer.kind in _GET_JOBS:
                added += await self._add_missing(consumer)
        gone = [consumer.consumer for consumer in known if consumer.seen_at <= moment(now_us - UNSEEN_US)]
        if active or gone:
            for name, count in (await self._ledger.read(self._waiting, gone)).items() if gone else ():
                logger.error(_GONE, count, name, name)
            names = [consumer.consumer for consumer in active]
            await self._ledger.run(self._conclude, names, gone, now_us - _LOOK_BACK_US)
        return added

    def _read(self, transaction: Transaction) -> tuple[int, list[Consumer]]:
        now_us = int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
        return now_us, read_consumers(transaction, self._bot_id)

    async def _add_missing(self, consumer: Consumer) -> int:
        added = 0
        # The look is a reader's, so that payments wait for it only when something is to be written.
        while missing := await self._ledger.read(self._missing, consumer):
            written = await self._ledger.run(self._add, consumer.consumer, missing, self._new_token())
            if written:  # else another worker was quicker
                logger.warning("%d payments had no job for %s; they have one now", written, consumer.consumer)
            added += written
        return added

    def _missing(self, transaction: Transaction, consumer: Consumer) -> Sequence[Missing]:
        queries = [self._refunded(consumer)] if consumer.kind is ConsumerKind.REVOKES else self._paid(consumer)
        there = sa.exists().where(
            jobs.c.bot_id == self._bot_id,
            jobs.c.event_id == payments.c.event_id,
            jobs.c.consumer == consumer.consumer,
        )
        found: list[Missing] = []
        for query in queries:
            rows = transaction.connection.execute(query.where(sa.not_(there)).limit(_AT_ONCE))
            found += [(row.event_id, row.charge_id) for row in rows]
        return found

    def _paid(self, consumer: Consumer) -> list[sa.Select[tuple[str, str]]]:
        goes_back = sa.exists().where(
            refunds.c.bot_id == self._bot_id,
            refunds.c.charge_id == payments.c.charge_id,
            refunds.c.state != RefundState.FAILED.value,
        )
        query = self._of(consumer).where(payments.c.state == PaymentState.ACCEPTED.value, sa.not_(goes_back))
        return [query.where(recorded) for recorded in recorded_since(_from(consumer))]

    def _refunded(self, consumer: Consumer) -> sa.Select[tuple[str, str]]:
        is_its = sa.and_(refunds.c.bot_id == payments.c.bot_id, refunds.c.charge_id == payments.c.charge_id)
        granted = sa.exists().where(
            jobs.c.bot_id == self._bot_id,
            jobs.c.event_id == payments.c.event_id,
            jobs.c.consumer.startswith(f"{ON_PAYMENT}:"),
            jobs.c.state.in_((JobState.DONE, JobState.INTERRUPTED)),
        )
        done = (refunds.c.state == RefundState.REFUNDED.value, refunds.c.finished_at >= _from(consumer))
        return self._of(consumer).join(refunds, is_its).where(*done, granted)

    def _of(self, consumer: Consumer) -> sa.Select[tuple[str, str]]:
        query = sa.select(payments.c.event_id, payments.c.charge_id).where(payments.c.bot_id == self._bot_id)
        if consumer.stage_ids is not None:
            query = query.where(payments.c.stage_id.in_(sorted(consumer.stage_ids)))
        return query

    def _add(self, transaction: Transaction, consumer: str, missing: Sequence[Missing], token: int) -> int:
        """Insert what is missing, marked with a token, by which a run that is not the first one counts what is its own."""
        rows = [job_row(self._bot_id, event_id, consumer, charge_id, token=token) for event_id, charge_id in missing]
        if written := transaction.insert(INSERT_JOB, *rows):
            return written
        event_ids = [event_id for event_id, _ in missing]
        own = (jobs.c.event_id.in_(event_ids), jobs.c.consumer == consumer, jobs.c.token == token)
        count = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.bot_id == self._bot_id, *own)
        return int(transaction.connection.execute(count).scalar_one())

    def _waiting(self, transaction: Transaction, gone: Sequence[str]) -> dict[str, int]:
        """How many jobs wait for each of those that are gone, when some do."""
        query = sa.select(jobs.c.consumer, sa.func.count()).where(*self._wait_for(gone)).group_by(jobs.c.consumer)
        return {name: int(count) for name, count in transaction.connection.execute(query)}

    def _conclude(self, transaction: Transaction, active: Sequence[str], gone: Sequence[str], until_us: int) -> None:
        """Note how far the look has come, and set aside what waits for those that are gone."""
        mine = (
            consumers.c.bot_id == self._bot_id,
            consumers.c.consumer.in_(active),
            consumers.c.complete_until < until_us,
        )
        transaction.connection.execute(sa.update(consumers).where(*mine).values(complete_until=until_us))
        if gone:
            transaction.connection.execute(sa.update(jobs).where(*self._wait_for(gone)).values(state=JobState.STRANDED))

    def _wait_for(self, gone: Sequence[str]) -> tuple[sa.ColumnElement[bool], ...]:
        return (jobs.c.bot_id == self._bot_id, jobs.c.consumer.in_(gone), IS_UNFINISHED, jobs.c.state == JobState.READY)


def _from(consumer: Consumer) -> datetime:
    return max(consumer.since, consumer.complete_until)
