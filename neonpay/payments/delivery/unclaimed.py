"""Payments that nobody in the shop takes: looked at again until somebody does, or until a person has to decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from neonpay.core.clock import moment
from neonpay.core.events import Event
from neonpay.core.payments import Attention
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.payments.consumers.selection import ConsumerSelection
from neonpay.payments.jobs import come_up_at, finish
from neonpay.payments.refunds.store import RefundStore
from neonpay.store.job_rows import INSERT_JOB, Job, job_row
from neonpay.store.once import Once

PATIENCE_S = 600.0
"""How long a payment waits for somebody who takes it: a deploy, or handlers that are imported after the first payment."""
LOOK_EVERY_S = 5.0


class _Look(NamedTuple):
    """What a look has found.

    Attributes:
        has_jobs: whether somebody takes the payment, or it is nobody's to deliver any more.
        events: that it needs attention, when its time is over.
    """

    has_jobs: bool
    events: Sequence[Event] = ()


class Unclaimed:
    """Finds somebody for the payments of one bot that nobody took when they were recorded."""

    def __init__(
        self,
        ledger: Ledger,
        refund_store: RefundStore,
        plan: ConsumerSelection,
        *,
        bot_id: int,
        announce: Callable[[Event], None],
        wake: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._refund_store = refund_store
        self._plan = plan
        self._bot_id = bot_id
        self._announce = announce
        self._wake = wake

    async def look(self, job: Job) -> None:
        """The job of one payment: it gives it its jobs, or comes up again, or has a person decide."""
        look = await self._ledger.run(Once(self._bot_id, self._look), job)
        for event in look.events:
            self._announce(event)
        if look.has_jobs:
            self._wake()

    def _look(self, transaction: Transaction, job: Job) -> _Look:
        payment, event_id = self._refund_store.lock(transaction, job.of_charge)
        if self._refund_store.hold_back(transaction, job):
            return _Look(has_jobs=True)
        self._plan.read(transaction)
        if self._plan.delivers(payment.stage_id):
            finish(transaction, job)
            takers = self._plan.takers(payment.state, payment.stage_id)
            rows = [job_row(self._bot_id, event_id, one.name, payment.charge_id) for one in takers]
            transaction.insert(INSERT_JOB, *rows)
            return _Look(has_jobs=True)
        now_us = int(transaction.connection.execute(sa.select(DatabaseNow())).scalar_one())
        if (moment(now_us) - payment.recorded_at).total_seconds() < PATIENCE_S:
            come_up_at(transaction, job, now_us + int(LOOK_EVERY_S * 1_000_000))
            return _Look(has_jobs=False)
        finish(transaction, job)
        facts = self._refund_store.set_aside(transaction, payment, event_id, Attention.NO_HANDLER)
        return _Look(has_jobs=False, events=facts)
