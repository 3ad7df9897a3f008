"""What the ledger knows, for people and programs that ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from neonpay.core.job_states import JobState
from neonpay.core.payments import Invoice, Payment, PaymentState, Refund
from neonpay.core.whole import is_whole
from neonpay.errors import PaymentError, PaymentNotFoundError, ValidationError
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.table_kit import begins, unindexed
from neonpay.ledger.tables import IS_PARKED, invoices, jobs, payments
from neonpay.payments.consumers.selection import TELL
from neonpay.payments.waiting import is_left_alone
from neonpay.store.few_jobs import is_one_of_few
from neonpay.store.invoice_filter import InvoiceSelection
from neonpay.store.job_rows import JobRecord
from neonpay.store.newest_invoices import read_newest
from neonpay.store.payment_filter import Selection
from neonpay.store.payment_rows import find_invoice, find_payment, find_refund, invoice_of, payment_of, select_payments
from neonpay.store.stage_versions import Catalogue

_MOST_ROWS = 100_000
"""Longest list that is given at once."""
_CLOCKS_DIFFER = timedelta(days=7)
"""How far Telegram's clock, by which payments are dated, may be behind the one by which invoices are."""


class History:
    """Reads the payments and jobs of one bot."""

    def __init__(self, ledger: Ledger, bot_id: int, *, catalogue: Catalogue) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._catalogue = catalogue

    async def payment(self, charge_id: str) -> Payment:
        """The payment with this charge id.

        Raises:
            PaymentNotFoundError: the ledger has none.
        """
        return await self._ledger.read(self._get, charge_id)

    async def find(self, beginning: str) -> Payment:
        """The payment with this charge id, or the only one whose charge id begins so; see ``neonpay.payments.find``."""
        return await self._ledger.read(self._find, beginning)

    async def invoice(self, invoice_id: str) -> Invoice | None:
        """The invoice with this id, or None."""
        return await self._ledger.read(self._invoice, invoice_id)

    async def select_invoices(self, selection: InvoiceSelection, *, limit: int) -> list[Invoice]:
        """Invoices that were asked for, newest first."""
        return await self._ledger.read(self._select_invoices, selection, most_rows(limit))

    async def is_paid(self, invoice_id: str) -> bool:
        """Whether a payment of an invoice was accepted and has not gone back."""
        return await self._ledger.read(self._is_paid, invoice_id)

    async def refund(self, charge_id: str) -> Refund | None:
        """The refund of a charge, or None."""
        return await self._ledger.read(find_refund, self._bot_id, charge_id)

    async def select(self, selection: Selection, *, limit: int) -> list[Payment]:
        """The payments that are asked for, newest first."""
        return await self._ledger.read(self._list, selection, most_rows(limit))

    async def jobs_of(self, charge_id: str) -> list[JobRecord]:
        """The jobs of a payment."""
        return await self._ledger.read(self._jobs_of, charge_id)

    async def dead_letters(self) -> list[JobRecord]:
        """Jobs that failed on their last attempt; ``retry`` revives them."""
        return await self._ledger.read(_few_jobs, self._bot_id, IS_PARKED, jobs.c.state == JobState.DEAD)

    async def stranded(self) -> list[JobRecord]:
        """Unfinished jobs whose handler no program of the shop has had for a day, or that nobody has ever declared."""
        return await self._ledger.read(self._stranded)

    def _get(self, transaction: Transaction, charge_id: str) -> Payment:
        found = find_payment(transaction, self._catalogue, self._bot_id, charge_id)
        if found is None:
            raise PaymentNotFoundError(charge_id)
        return found

    def _jobs_of(self, transaction: Transaction, charge_id: str) -> list[JobRecord]:
        self._get(transaction, charge_id)
        return read_jobs(transaction, self._bot_id, about_payment(self._bot_id, charge_id))

    def _invoice(self, transaction: Transaction, invoice_id: str) -> Invoice | None:
        return find_invoice(transaction, self._catalogue, self._bot_id, invoices.c.invoice_id == invoice_id)

    def _is_paid(self, transaction: Transaction, invoice_id: str) -> bool:
        this = (invoices.c.bot_id == self._bot_id, invoices.c.invoice_id == invoice_id)
        columns = (invoices.c.user_id, invoices.c.payments_count, invoices.c.created_at)
        row = transaction.connection.execute(sa.select(*columns).where(*this)).first()
        if row is None or not row.payments_count:
            return False
        accepted = Selection(state=PaymentState.ACCEPTED, invoice_id=invoice_id)
        # By the payer whom the invoice names there is an index; another one's payment may have been accepted by a person. That
        # is looked for among what was paid since the invoice was made, as far as two clocks agree.
        ways = [] if row.user_id is None else [replace(accepted, user_id=row.user_id)]
        ways.append(replace(accepted, since=row.created_at - _CLOCKS_DIFFER))
        return any(
            transaction.connection.execute(sa.select(sa.exists().where(*paid.where(self._bot_id)))).scalar_one()
            for paid in ways
        )

    def _find(self, transaction: Transaction, beginning: str) -> Payment:
        exact = find_payment(transaction, self._catalogue, self._bot_id, beginning)
        if exact is not None:
            return exact
        begins_so = begins(payments.c.charge_id, beginning, has_ranges=transaction.connection.dialect.name == "sqlite")
        rows = transaction.connection.execute(select_payments(self._bot_id).where(begins_so).limit(2)).mappings().all()
        if not rows or not beginning:
            raise PaymentNotFoundError(beginning)
        if len(rows) > 1:
            msg = f"more than one charge id begins with {beginning!r}; give more of it"
            raise PaymentError(msg, charge_id=beginning)
        return payment_of(transaction, self._catalogue, rows[0])

    def _list(self, transaction: Transaction, selection: Selection, limit: int) -> list[Payment]:
        # What is few is found first and ordered then: by the times all would be gone through until there are enough.
        paid_at = unindexed(payments.c.paid_at) if selection.is_of_few else payments.c.paid_at
        newest_first = (paid_at.desc(), payments.c.recorded_at.desc(), payments.c.charge_id)
        query = select_payments(self._bot_id).where(*selection.where(self._bot_id)).order_by(*newest_first)
        rows = transaction.connection.execute(query.limit(limit)).mappings().all()
        return [payment_of(transaction, self._catalogue, row) for row in rows]

    def _select_invoices(self, transaction: Transaction, selection: InvoiceSelection, limit: int) -> list[Invoice]:
        rows = read_newest(transaction, self._bot_id, selection, limit)
        return [invoice_of(transaction, self._catalogue, row) for row in rows]

    def _stranded(self, transaction: Transaction) -> list[JobRecord]:
        given_up = _few_jobs(transaction, self._bot_id, IS_PARKED, jobs.c.state == JobState.STRANDED)
        return [*given_up, *_few_jobs(transaction, self._bot_id, is_left_alone())]


def event_id_of(bot_id: int, charge_id: str) -> sa.ScalarSelect[str]:
    """The event of a payment, as a part of a statement.

    Jobs are found by it, since it starts their key; by charge id all of them would be read.
    """
    found = sa.select(payments.c.event_id).where(payments.c.bot_id == bot_id, payments.c.charge_id == charge_id)
    return found.scalar_subquery()


def about_payment(bot_id: int, charge_id: str) -> sa.ColumnElement[bool]:
    """Whether a job is about a payment, or sends a message that one of its handlers has said."""
    event_id = event_id_of(bot_id, charge_id)
    # As ``message_id`` makes them, so that one range of the key has them and the payment's own: of two parts joined by OR
    # alone, SQLite would read every job of the bot.
    beside = sa.func.substr(event_id, 1, 12, type_=sa.Text)
    said = (jobs.c.event_id >= beside + "8", jobs.c.event_id < beside + "9")
    is_its = sa.or_(jobs.c.event_id == event_id, sa.and_(*said, jobs.c.consumer == TELL, jobs.c.charge_id == charge_id))
    return sa.and_(jobs.c.event_id >= beside, jobs.c.event_id < beside + "g", is_its)


def read_jobs(transaction: Transaction, bot_id: int, where: sa.ColumnElement[bool]) -> list[JobRecord]:
    """The jobs that a condition is true of, which says of which events."""
    return _records(transaction, jobs, jobs.c.bot_id == bot_id, where)


def _few_jobs(transaction: Transaction, bot_id: int, *conditions: sa.ColumnElement[bool]) -> list[JobRecord]:
    """Jobs of one of the narrow indexes; the conditions as for ``is_one_of_few``."""
    whole = jobs.alias("whole")
    return _records(transaction, whole, whole.c.bot_id == bot_id, is_one_of_few(whole, bot_id, *conditions))


def _records(
    transaction: Transaction, whole: sa.sql.selectable.NamedFromClause, *where: sa.ColumnElement[bool]
) -> list[JobRecord]:
    columns = [whole.c[name] for name in ("charge_id", "consumer", "state", "attempts", "error", "event_id")]
    query = sa.select(*columns).where(*where).order_by(whole.c.event_id, whole.c.consumer)
    return [JobRecord(*row) for row in transaction.connection.execute(query).all()]


def most_rows(limit: int) -> int:
    """How long a list may be; raises ValidationError for a limit that is none."""
    if not is_whole(limit, 1, _MOST_ROWS):
        raise ValidationError("limit", limit, f"a whole number from 1 to {_MOST_ROWS}")
    return limit
