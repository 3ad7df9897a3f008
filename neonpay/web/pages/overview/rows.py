"""Payments that the first page names: those that wait for a person, and the newest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from neonpay.analytics.measures import microseconds_of
from neonpay.core.payments import Payment
from neonpay.ledger import Transaction
from neonpay.ledger.table_kit import unindexed
from neonpay.ledger.tables import jobs, payments
from neonpay.payments.waiting import count_waiting, needs_person
from neonpay.store.job_rows import JobRecord
from neonpay.store.payment_rows import payment_of, select_payments
from neonpay.store.stage_versions import Catalogue
from neonpay.web.names import Person, read_people
from neonpay.web.pages.payments.life import Life, life_of

JOBS_SHOWN: Final = 5
NEWEST_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One payment on the page."""

    payment: Payment
    person: Person
    life: Life

    @property
    def product(self) -> str | None:
        """What was sold: its title, else its id; None when neither is known."""
        return self.payment.title


@dataclass(frozen=True, slots=True)
class Lines:
    """What the first page shows of payments.

    Attributes:
        waiting: newest first, ``JOBS_SHOWN`` at most.
        waiting_count: how many there are.
        newest: ``NEWEST_SHOWN`` at most.
    """

    waiting: Sequence[Line]
    waiting_count: int
    newest: Sequence[Line]


def read_lines(transaction: Transaction, bots: Sequence[int]) -> Lines:
    """The payments of these bots that wait for a person, and the newest of all."""
    waiting: list[tuple[Payment, str]] = []
    newest: list[tuple[Payment, str]] = []
    count = count_waiting(transaction, bots)
    for bot_id in bots:
        # Found first and ordered then: by the index of times SQLite would go through all until it has met enough that wait.
        found_first = unindexed(microseconds_of(payments.c.paid_at))
        waiting += _payments(transaction, bot_id, JOBS_SHOWN, found_first, needs_person(bot_id))
        newest += _payments(transaction, bot_id, NEWEST_SHOWN, payments.c.paid_at)
    waiting = sorted(waiting, key=_newest_first)[:JOBS_SHOWN]
    newest = sorted(newest, key=_newest_first)[:NEWEST_SHOWN]
    names = read_people(transaction, {(one.bot_id, one.user_id) for one, _ in (*waiting, *newest)})
    of_event = _jobs(transaction, [*waiting, *newest])
    waits_too = _among(transaction, newest) | {(one.bot_id, one.charge_id) for one, _ in waiting}

    def line(payment: Payment, event_id: str) -> Line:
        key = (payment.bot_id, payment.charge_id)
        life = life_of(payment, of_event.get((payment.bot_id, event_id), ()), needs_person=key in waits_too)
        return Line(payment, names[payment.bot_id, payment.user_id], life)

    return Lines([line(*one) for one in waiting], count, [line(*one) for one in newest])


def _newest_first(one: tuple[Payment, str]) -> tuple[float, str]:
    at: datetime = one[0].paid_at
    return -at.timestamp(), one[0].charge_id


def _payments(
    transaction: Transaction, bot_id: int, limit: int, at: sa.ColumnElement[Any], *where: sa.ColumnElement[bool]
) -> list[tuple[Payment, str]]:
    order = (at.desc(), payments.c.charge_id.desc())
    query = select_payments(bot_id).where(*where).order_by(*order).limit(limit)
    catalogue = Catalogue(bot_id)
    rows = transaction.connection.execute(query).mappings().all()
    return [(payment_of(transaction, catalogue, row), row["event_id"]) for row in rows]


def _among(transaction: Transaction, found: Sequence[tuple[Payment, str]]) -> set[tuple[int, str]]:
    """Those of some payments that wait for a person."""
    waiting: set[tuple[int, str]] = set()
    for bot_id, charge_ids in _by_bot((one.bot_id, one.charge_id) for one, _ in found).items():
        query = sa.select(payments.c.charge_id).where(
            payments.c.bot_id == bot_id, payments.c.charge_id.in_(charge_ids), needs_person(bot_id)
        )
        waiting |= {(bot_id, charge_id) for charge_id in transaction.connection.execute(query).scalars()}
    return waiting


def _jobs(transaction: Transaction, found: Sequence[tuple[Payment, str]]) -> Mapping[tuple[int, str], list[JobRecord]]:
    columns = (jobs.c.charge_id, jobs.c.consumer, jobs.c.state, jobs.c.attempts, jobs.c.error, jobs.c.event_id)
    of_event: dict[tuple[int, str], list[JobRecord]] = {}
    for bot_id, event_ids in _by_bot((one.bot_id, event_id) for one, event_id in found).items():
        query = sa.select(*columns).where(jobs.c.bot_id == bot_id, jobs.c.event_id.in_(event_ids))
        for row in transaction.connection.execute(query.order_by(jobs.c.consumer)):
            record = JobRecord(*row)
            of_event.setdefault((bot_id, record.event_id), []).append(record)
    return of_event


def _by_bot(each: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for bot_id, key in each:
        found.setdefault(bot_id, []).append(key)
    return found
