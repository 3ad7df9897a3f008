"""The sweep that gives payments, refunds and subscribers the jobs that they lack, and sets aside what nobody takes up.

A payment is planned from the registry as its transaction saw it, so one that commits beside a declaration may miss the new
consumer. The sweep goes through the events in the order in which they became visible, once for each consumer, and inserts what
is missing; a job that is there is never inserted again.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta

import sqlalchemy as sa

from neonpay.core.clock import moment
from neonpay.core.events import PaymentCompleted, PaymentRefunded
from neonpay.core.job_states import JobState
from neonpay.core.payments import PaymentState, RefundState
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.table_kit import DatabaseNow, is_text
from neonpay.ledger.tables import IS_UNFINISHED, consumers, events, jobs, payments, refunds
from neonpay.payments.consumers.registry import Consumer, ConsumerKind, read_consumers
from neonpay.payments.handlers.registry import ON_PAYMENT
from neonpay.payments.jobs import give_job
from neonpay.store.job_rows import INSERT_JOB, job_row
from neonpay.store.periodic import PeriodicTask, Turn
from neonpay.store.sequence import last_number

logger = logging.getLogger("neonpay.payments")

_GET_JOBS = frozenset({ConsumerKind.DELIVERS, ConsumerKind.REVOKES})
"""Who has a job of every payment or refund. A thank-you that is missing keeps nobody from their goods, and hooks for requests
are asked when there is a request."""
FAN_OUT = "fan_out"
"""Name of the periodic task."""
FAN_OUT_EVERY_S = 60.0
UNSEEN_US = 24 * 3600 * 1_000_000
"""How long no program may have a consumer before its jobs are set aside."""
_STALE_FOR = timedelta(minutes=15)
"""How long a transaction may be under way that has read the registry before it was changed."""
_EVENTS_AT_ONCE = 500
"""Numbers that one statement looks at."""
_GONE = (
    "%d payments wait for %s, which no program of this shop has had for a day; start one that has it, or: "
    "neonpay handlers rename %s NEW"
)

Missing = tuple[str, str | None]
"""Event id and charge id of what has no job that it should have."""


class FanOut:
    """Completes the jobs of one bot's payments.

    Args:
        number: gives every event that is visible its number.
        own: the consumers of this program, which is alive, whatever its clock says about when it was last heard of.
    """

    def __init__(
        self,
        ledger: Ledger,
        bot_id: int,
        *,
        number: Callable[[], Awaitable[object]],
        own: Callable[[], Collection[str]],
        new_token: Callable[[], int],
    ) -> None:
        self._own = own
        self._ledger = ledger
        self._number = number
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
        await self._number()
        now_us, newest, known = await self._ledger.read(self._read)
        active = [consumer for consumer in known if consumer.retired_at is None]
        added = 0
        for consumer in active:
            if consumer.kind is ConsumerKind.SETTLES:
                added += await self._settle_young(consumer, newest)
            elif consumer.kind in _GET_JOBS or consumer.kind is ConsumerKind.SUBSCRIBES:
                added += await self._add_missing(consumer, newest)
        unseen = {consumer.consumer for consumer in known if consumer.seen_at <= moment(now_us - UNSEEN_US)}
        gone = sorted(unseen - set(self._own())) if unseen else []
        if gone or any(consumer.complete_number < newest for consumer in active):
            for name, count in (await self._ledger.read(self._waiting, gone)).items() if gone else ():
                logger.error(_GONE, count, name, name)
            names = [consumer.consumer for consumer in active]
            await self._ledger.run(self._conclude, names, gone, newest)
        return added

    def _read(self, transaction: Transaction) -> tuple[int, int, list[Consumer]]:
        now_us = int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
        return now_us, last_number(transaction, self._bot_id), read_consumers(transaction, self._bot_id)

    async def _add_missing(self, consumer: Consumer, newest: int) -> int:
        added = 0
        for first in range(consumer.complete_number + 1, newest + 1, _EVENTS_AT_ONCE):
            last = min(first + _EVENTS_AT_ONCE - 1, newest)
            # The look is a reader's, so that payments wait for it only when something is to be written.
            missing = await self._ledger.read(self._missing, consumer, first, last)
            if not missing:
                continue
            written = await self._ledger.run(self._add, consumer.consumer, missing, self._new_token())
            if written and consumer.kind in _GET_JOBS:  # else another worker was quicker
                logger.warning("%d payments had no job for %s; they have one now", written, consumer.consumer)
            added += written
        return added

    async def _settle_young(self, consumer: Consumer, newest: int) -> int:
        """Have an extension look at what was told when it had just been declared: a program may not have known of it yet."""
        return await self._ledger.run(self._give_young, consumer, newest) if consumer.complete_number < newest else 0

    def _give_young(self, transaction: Transaction, consumer: Consumer, newest: int) -> int:
        is_its = sa.and_(payments.c.bot_id == events.c.bot_id, payments.c.charge_id == events.c.charge_id)
        query = sa.select(payments.c.event_id, payments.c.charge_id).join_from(events, payments, is_its).distinct()
        young = events.c.at.between(consumer.since, consumer.since + _STALE_FOR)
        told = (events.c.number > consumer.complete_number, events.c.number <= newest, young)
        rows = transaction.connection.execute(query.where(events.c.bot_id == self._bot_id, *told)).all()
        for row in rows:
            about = {"event_id": row.event_id, "charge_id": row.charge_id}
            give_job(transaction, consumer.consumer, bot_id=self._bot_id, **about, token=None, lease_us=0)
        return len(rows)

    def _missing(self, transaction: Transaction, consumer: Consumer, first: int, last: int) -> Sequence[Missing]:
        if consumer.kind is ConsumerKind.SUBSCRIBES:
            return self._untold(transaction, consumer, first, last)
        query = self._refunded(consumer) if consumer.kind is ConsumerKind.REVOKES else self._paid(consumer)
        there = sa.exists().where(
            jobs.c.bot_id == self._bot_id,
            jobs.c.event_id == payments.c.event_id,
            jobs.c.consumer == consumer.consumer,
        )
        query = query.where(events.c.number.between(first, last), sa.not_(there)).distinct()
        return [(row.event_id, row.charge_id) for row in transaction.connection.execute(query)]

    def _untold(self, transaction: Transaction, consumer: Consumer, first: int, last: int) -> Sequence[Missing]:
        there = sa.exists().where(
            jobs.c.bot_id == self._bot_id,
            jobs.c.event_id == events.c.event_id,
            jobs.c.consumer == consumer.consumer,
        )
        query = sa.select(events.c.event_id, events.c.charge_id).where(
            events.c.bot_id == self._bot_id,
            events.c.number.between(first, last),
            events.c.name.in_(sorted(consumer.event_names)),
            events.c.at >= consumer.since,
            sa.not_(there),
        )
        return [(row.event_id, row.charge_id) for row in transaction.connection.execute(query)]

    def _paid(self, consumer: Consumer) -> sa.Select[tuple[str, str]]:
        goes_back = sa.exists().where(
            refunds.c.bot_id == self._bot_id,
            refunds.c.charge_id == payments.c.charge_id,
            refunds.c.state != RefundState.FAILED.value,
        )
        is_owed = payments.c.state == PaymentState.ACCEPTED.value
        return self._told_by(PaymentCompleted.name, consumer).where(is_owed, sa.not_(goes_back))

    def _refunded(self, consumer: Consumer) -> sa.Select[tuple[str, str]]:
        granted = sa.exists().where(
            jobs.c.bot_id == self._bot_id,
            jobs.c.event_id == payments.c.event_id,
            jobs.c.consumer.startswith(f"{ON_PAYMENT}:"),
            jobs.c.state.in_((JobState.DONE, JobState.INTERRUPTED)),
        )
        is_back = payments.c.state == PaymentState.REFUNDED.value
        return self._told_by(PaymentRefunded.name, consumer).where(is_back, granted)

    def _told_by(self, name: str, consumer: Consumer) -> sa.Select[tuple[str, str]]:
        """The payments that events with this name are about, of those that the consumer takes."""
        is_its = sa.and_(payments.c.bot_id == events.c.bot_id, payments.c.charge_id == events.c.charge_id)
        query = sa.select(payments.c.event_id, payments.c.charge_id).join_from(events, payments, is_its)
        query = query.where(
            events.c.bot_id == self._bot_id, is_text(events.c.name, name), events.c.at >= consumer.since
        )
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

    def _conclude(self, transaction: Transaction, active: Sequence[str], gone: Sequence[str], newest: int) -> None:
        """Note how far the look has come, and set aside what waits for those that are gone."""
        mine = (
            consumers.c.bot_id == self._bot_id,
            consumers.c.consumer.in_(active),
            consumers.c.complete_number < newest,
        )
        transaction.connection.execute(sa.update(consumers).where(*mine).values(complete_number=newest))
        if gone:
            transaction.connection.execute(sa.update(jobs).where(*self._wait_for(gone)).values(state=JobState.STRANDED))

    def _wait_for(self, gone: Sequence[str]) -> tuple[sa.ColumnElement[bool], ...]:
        return (jobs.c.bot_id == self._bot_id, jobs.c.consumer.in_(gone), IS_UNFINISHED, jobs.c.state == JobState.READY)
