"""Which payments somebody asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from neonpay.core.job_states import JobState
from neonpay.core.payments import PaymentState, RefundState
from neonpay.ledger.table_kit import is_text
from neonpay.ledger.tables import IS_NOT_ACCEPTED, IS_PARKED, jobs, payments, refunds
from neonpay.store.few_jobs import charges_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Payments that meet every condition that is given.

    Attributes:
        since, until: bounds of the time of payment, aware; the first is in, the second is not.
        has_dead_letters: only payments with a handler that has failed on its last attempt.
        refund: only payments whose refund has come so far.
    """

    state: PaymentState | None = None
    user_id: int | None = None
    stage_id: str | None = None
    invoice_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    has_dead_letters: bool = False
    refund: RefundState | None = None

    @property
    def is_of_few(self) -> bool:
        """Whether it asks for payments that have an index of their own, by which few are found."""
        is_not_plain = self.state not in {None, PaymentState.ACCEPTED}
        return is_not_plain or self.has_dead_letters or self.refund is not None

    def where(self, bot_id: int) -> list[sa.ColumnElement[bool]]:
        """The conditions on rows of the payments of a bot."""
        where = [payments.c.bot_id == bot_id]
        if self.state is not None:
            where.append(is_text(payments.c.state, self.state.value))
            if self.state is not PaymentState.ACCEPTED:
                where.append(IS_NOT_ACCEPTED)
        if self.user_id is not None:
            where.append(payments.c.user_id == self.user_id)
        if self.stage_id is not None:
            where.append(payments.c.stage_id == self.stage_id)
        if self.invoice_id is not None:
            where.append(payments.c.invoice_id == self.invoice_id)
        where += self.between(payments.c.paid_at)
        if self.has_dead_letters:
            is_dead = jobs.c.state == JobState.DEAD
            is_its_job = (jobs.c.bot_id == bot_id, jobs.c.event_id == payments.c.event_id, is_dead)
            # Few are found by the narrow index; of these, the ones whose own jobs are dead, and not a message beside them.
            where += [payments.c.charge_id.in_(charges_of(bot_id, IS_PARKED, is_dead)), sa.exists().where(*is_its_job)]
        if self.refund is not None:
            is_it = (refunds.c.bot_id == bot_id, refunds.c.state == self.refund.value)
            where.append(payments.c.charge_id.in_(sa.select(refunds.c.charge_id).where(*is_it)))
        return where

    def between(self, at: sa.ColumnElement[datetime]) -> list[sa.ColumnElement[bool]]:
        """The condition on a time: not before ``since``, and before ``until``."""
        where = [] if self.since is None else [at >= self.since]
        return where if self.until is None else [*where, at < self.until]
