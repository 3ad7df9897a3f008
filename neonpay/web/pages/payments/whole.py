"""Everything that the ledger has of one payment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from neonpay.core.payments import Invoice, Payment, Refund
from neonpay.core.requests import RefundRequest, RequestState
from neonpay.ledger import Transaction
from neonpay.ledger.table_kit import DatabaseNow
from neonpay.ledger.tables import events, invoices, journal, notes, payments, refund_requests
from neonpay.payments.history import about_payment, read_jobs
from neonpay.payments.waiting import needs_person
from neonpay.store.entries import STARS
from neonpay.store.job_rows import JobRecord
from neonpay.store.payment_rows import find_invoice, find_payment, find_refund
from neonpay.store.persons_events import of_person
from neonpay.store.stage_versions import Catalogue
from neonpay.web.names import Person, read_people
from neonpay.web.pages.payments.life import Life, life_of

_MOST_EVENTS: Final = 500
_MOST_NOTES: Final = 200


@dataclass(frozen=True, slots=True)
class Fact:
    """An event, as its row has it.

    Attributes:
        is_of_charge: False for one of the checkout, when there was no charge yet.
    """

    event_id: str
    name: str
    at: datetime
    reason: str | None
    handler: str | None
    amount_stars: int | None
    is_of_charge: bool


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody of the shop has written."""

    words: str
    written_by: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Whole:
    """A payment with all that belongs to it.

    Attributes:
        facts: its events and those of its checkout, in the order in which they happened.
        accounts: Stars by account of the journal; they sum to zero.
        is_listed: whether Telegram's own list has the charge.
        needs_person: whether it goes on without a person; see ``neonpay.payments.waiting``.
    """

    payment: Payment
    invoice: Invoice | None
    person: Person
    life: Life
    facts: Sequence[Fact]
    jobs: Sequence[JobRecord]
    refund: Refund | None
    request: RefundRequest | None
    notes: Sequence[Note]
    accounts: Mapping[str, int]
    is_listed: bool
    needs_person: bool
    now: datetime

    @property
    def product(self) -> str | None:
        """What was sold, as its buyer knows it; None when that is not known."""
        return self.payment.title


_FACTS: Final = sa.select(
    events.c.event_id,
    events.c.name,
    events.c.at,
    events.c.reason,
    events.c.handler,
    events.c.amount_stars,
    events.c.charge_id.is_not(None).label("is_of_charge"),
)


def read_whole(transaction: Transaction, bot_id: int, charge_id: str) -> Whole | None:
    """The payment with this charge id and everything about it, or None."""
    catalogue = Catalogue(bot_id)
    payment = find_payment(transaction, catalogue, bot_id, charge_id)
    if payment is None:
        return None
    is_it = (payments.c.bot_id == bot_id, payments.c.charge_id == charge_id)
    is_listed, event_id, waits, now = transaction.connection.execute(
        sa.select(
            payments.c.is_listed,
            payments.c.event_id,
            needs_person(bot_id),
            sa.type_coerce(DatabaseNow(), payments.c.paid_at.type),
        ).where(*is_it)
    ).one()
    facts = _facts(transaction, payment)
    jobs = read_jobs(transaction, bot_id, about_payment(bot_id, charge_id))
    who = (bot_id, payment.user_id)
    return Whole(
        payment=payment,
        invoice=None
        if payment.invoice_id is None
        else find_invoice(transaction, catalogue, bot_id, invoices.c.invoice_id == payment.invoice_id),
        person=read_people(transaction, {who})[who],
        life=life_of(payment, jobs, needs_person=bool(waits)),
        facts=facts,
        jobs=jobs,
        refund=find_refund(transaction, bot_id, charge_id),
        request=_request(transaction, bot_id, charge_id),
        notes=_notes(transaction, bot_id, charge_id),
        accounts=_accounts(transaction, bot_id, {event_id, *(fact.event_id for fact in facts)}),
        is_listed=bool(is_listed),
        needs_person=bool(waits),
        now=now,
    )


def _facts(transaction: Transaction, payment: Payment) -> list[Fact]:
    about = [events.c.charge_id == payment.charge_id]
    if payment.invoice_id is not None:
        of_checkout = (events.c.charge_id.is_(None), events.c.invoice_id == payment.invoice_id)
        about.append(sa.and_(*of_checkout, sa.type_coerce(events.c.at, sa.BigInteger) <= payments_at(payment)))
    query = _FACTS.where(*of_person(payment.bot_id, payment.user_id), sa.or_(*about))
    rows = transaction.connection.execute(query.order_by(events.c.event_id).limit(_MOST_EVENTS))
    return [Fact(*row) for row in rows]


def payments_at(payment: Payment) -> int:
    """The last moment in which a checkout can have led to a payment; Telegram tells whole seconds."""
    return int(max(payment.paid_at, payment.recorded_at).timestamp() * 1_000_000) + 1_000_000


def _request(transaction: Transaction, bot_id: int, charge_id: str) -> RefundRequest | None:
    query = sa.select(refund_requests).where(
        refund_requests.c.bot_id == bot_id,
        refund_requests.c.charge_id == charge_id,
        refund_requests.c.state != RequestState.DRAFT.value,
    )
    row = transaction.connection.execute(query).mappings().first()
    return None if row is None else RefundRequest(**{**row, "state": RequestState(row["state"])})


def _notes(transaction: Transaction, bot_id: int, charge_id: str) -> list[Note]:
    query = sa.select(notes.c.words, notes.c.written_by, notes.c.written_at).where(
        notes.c.bot_id == bot_id, notes.c.charge_id == charge_id
    )
    rows = transaction.connection.execute(query.order_by(notes.c.note_id).limit(_MOST_NOTES))
    return [Note(*row) for row in rows]


def _accounts(transaction: Transaction, bot_id: int, event_ids: set[str]) -> dict[str, int]:
    query = (
        sa.select(journal.c.account, sa.func.sum(journal.c.amount_stars))
        .where(journal.c.bot_id == bot_id, journal.c.event_id.in_(sorted(event_ids)))
        .group_by(journal.c.account)
        .order_by(journal.c.account)
    )
    found = {account: int(stars) for account, stars in transaction.connection.execute(query)}
    return {**({STARS: found.pop(STARS)} if STARS in found else {}), **found}
