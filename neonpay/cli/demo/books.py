"""What the shop's ledger holds, read from its database by another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from neonpay.ledger import Transaction, open_ledger
from neonpay.ledger.tables import jobs, journal, payments, steps

_GOODS = sa.table("shop_goods", sa.column("id"), sa.column("what"), sa.column("user_id"))


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment in the ledger."""

    charge_id: str
    user_id: int
    stage_id: str
    amount_stars: int
    state: str


@dataclass(frozen=True, slots=True)
class JobRow:
    """How far a handler has come with a payment."""

    charge_id: str
    handler: str
    state: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger at one moment.

    Attributes:
        accounts: Stars by account of the journal; what came in is positive on ``stars``.
        unbalanced: journal entries whose rows do not sum to zero.
        steps: stored result of every ``ctx.step``, as JSON text, by charge id.
        goods: what the shop's own table says was handed over: (what, user id).
    """

    payments: list[PaymentRow]
    jobs: list[JobRow]
    accounts: dict[str, int]
    unbalanced: list[str]
    steps: dict[str, str]
    goods: list[tuple[str, int]]

    def payments_of(self, user_id: int) -> list[PaymentRow]:
        """A buyer's payments."""
        return [payment for payment in self.payments if payment.user_id == user_id]

    def jobs_of(self, charge_id: str) -> list[JobRow]:
        """The jobs of a payment."""
        return [job for job in self.jobs if job.charge_id == charge_id]


async def read_books(database_url: str) -> Books:
    """The ledger as it is now; a bot that runs on it is not disturbed.

    Raises:
        LedgerError: it cannot be read.
    """
    ledger = open_ledger(database_url)
    try:
        return await ledger.read(_read)
    finally:
        await ledger.close()


def _read(transaction: Transaction) -> Books:
    def rows(select: sa.Select[Any]) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in transaction.connection.execute(select)]

    paid = (payments.c.charge_id, payments.c.user_id, payments.c.stage_id, payments.c.amount_stars, payments.c.state)
    done = (jobs.c.charge_id, jobs.c.consumer, jobs.c.state, jobs.c.attempts)
    total = sa.func.sum(journal.c.amount_stars)
    of_event = sa.and_(payments.c.bot_id == steps.c.bot_id, payments.c.event_id == steps.c.event_id)
    return Books(
        payments=[PaymentRow(*row) for row in rows(sa.select(*paid).order_by(payments.c.event_id))],
        jobs=[
            JobRow(charge_id, consumer.removeprefix("handler:"), state, attempts)
            for charge_id, consumer, state, attempts in rows(
                sa.select(*done).order_by(jobs.c.event_id, jobs.c.consumer)
            )
        ],
        accounts={
            account: int(stars)
            for account, stars in rows(
                sa.select(journal.c.account, total).group_by(journal.c.account).order_by(total.desc())
            )
        },
        unbalanced=[
            row[0] for row in rows(sa.select(journal.c.event_id).group_by(journal.c.event_id).having(total != 0))
        ],
        steps=dict(rows(sa.select(payments.c.charge_id, steps.c.result).join_from(steps, payments, of_event))),
        goods=[(what, user_id) for what, user_id in rows(sa.select(_GOODS.c.what, _GOODS.c.user_id))],
    )
