"""What the shops leave in the database, as anybody can read it there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from neonpay.core.payments import Source
from neonpay.ledger import Transaction
from neonpay.ledger.tables import IS_PARKED, IS_UNFINISHED, jobs, journal, payments, refunds
from tests.failure.proving.oddity import misdeed

SEATS = 3
"""How often an invoice of the stage ``few`` can be paid."""


@dataclass
class Remains:
    """The ledger and the shop's own table."""

    payments: Counter[str]
    states: dict[str, str]
    effects: Counter[tuple[str, str]]
    stars: int
    unbalanced: list[str]
    job_states: Counter[str]
    refund_states: dict[str, str]
    recovered: int
    oversold: list[str]
    """Invoices of which more was kept than there was."""
    dead: list[tuple[str, str, str]]
    """Jobs that were given up although their handler does as it should: consumer, charge and why."""


def create_effects(transaction: Transaction) -> None:
    transaction.connection.execute(sa.text("CREATE TABLE shop_effects (what TEXT, charge_id TEXT)"))


def unfinished(transaction: Transaction) -> int:
    """How many jobs wait or run."""
    query = sa.select(sa.func.count()).select_from(jobs).where(IS_UNFINISHED)
    return int(transaction.connection.execute(query).scalar_one())


def recorded(transaction: Transaction) -> int:
    """How many payments there are."""
    return int(transaction.connection.execute(sa.select(sa.func.count()).select_from(payments)).scalar_one())


def read_remains(transaction: Transaction) -> Remains:
    def rows(query: sa.Executable) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in transaction.connection.execute(query).all()]

    total = sa.func.sum(journal.c.amount_stars)
    return Remains(
        payments=Counter(charge_id for (charge_id,) in rows(sa.select(payments.c.charge_id))),
        states=dict(rows(sa.select(payments.c.charge_id, payments.c.state))),
        effects=Counter(rows(sa.text("SELECT what, charge_id FROM shop_effects"))),
        stars=int(rows(sa.select(total).where(journal.c.account == "stars"))[0][0] or 0),
        unbalanced=[
            entry for (entry,) in rows(sa.select(journal.c.event_id).group_by(journal.c.event_id).having(total != 0))
        ],
        job_states=Counter(state for (state,) in rows(sa.select(jobs.c.state))),
        refund_states=dict(rows(sa.select(refunds.c.charge_id, refunds.c.state))),
        oversold=[
            invoice
            for invoice, kept in rows(
                sa.select(payments.c.invoice_id, sa.func.count())
                .where(payments.c.stage_id == "few", payments.c.state == "accepted")
                .group_by(payments.c.invoice_id)
            )
            if kept > SEATS
        ],
        dead=[
            (consumer, charge_id, f"after {attempts} attempts: {error}")
            for consumer, charge_id, attempts, error in rows(
                sa.select(jobs.c.consumer, jobs.c.charge_id, jobs.c.attempts, jobs.c.error).where(IS_PARKED)
            )
            if consumer != "handler:odd" or misdeed(charge_id) is None
        ],
        recovered=sum(source == Source.RECONCILE for (source,) in rows(sa.select(payments.c.source))),
    )
