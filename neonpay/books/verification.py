"""The proof of the books: everything that has to add up is added up again, from one state of the ledger."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

import sqlalchemy as sa

from neonpay.books.sealing import ENTRY_COLUMNS, GENESIS, EntryRow, seal_hash, select_left_out
from neonpay.core.events import (
    PaymentCompleted,
    PaymentNeedsAttention,
    PaymentRefunded,
    PaymentRejected,
    RefundRequested,
)
from neonpay.core.limits import CURRENCY
from neonpay.core.payments import PaymentState, RefundState
from neonpay.ledger import Transaction
from neonpay.ledger.tables import events, jobs, journal, payments, refunds, seals
from neonpay.store.entries import REFUNDS, REVENUE, STARS, UNSETTLED

_MOST_FINDINGS = 100
_ROWS_AT_A_TIME = 1000
_OF_PAYMENTS = tuple(
    kind.name for kind in (PaymentCompleted, PaymentNeedsAttention, RefundRequested, PaymentRejected, PaymentRefunded)
)
"""Events whose journal entries move the Stars of a payment."""


class FindingKind(enum.StrEnum):
    """What does not add up."""

    ALTERED_SEAL = "altered_seal"
    """The rows under a seal, or the seal itself, are not those that were sealed: changed, removed or added."""
    BROKEN_LINK = "broken_link"
    """A seal does not follow the one before it."""
    MISSING_SEAL = "missing_seal"
    """Numbers of seals are left out."""
    UNKNOWN_SEAL = "unknown_seal"
    """Rows name a seal that is not there."""
    UNKNOWN_HEAD = "unknown_head"
    """The head that was kept elsewhere is not in the chain: the books were cut off or written anew since."""
    UNSEALED_ENTRY = "unsealed_entry"
    """An entry has no seal although its event has a number, and both are given in one transaction."""
    UNBALANCED_ENTRY = "unbalanced_entry"
    """The rows of an entry do not add up to zero."""
    ENTRY_WITHOUT_EVENT = "entry_without_event"
    """An entry belongs to no event."""
    ENTRY_WITHOUT_PAYMENT = "entry_without_payment"
    """Entries are about a charge that is not there."""
    PAYMENT_DIFFERS = "payment_differs"
    """The entries of a payment are not those of its amount and state."""
    PAYMENT_WITHOUT_JOB = "payment_without_job"
    """Nobody was told to deliver an accepted payment, or to send back one that is due for a refund."""
    REFUND_DIFFERS = "refund_differs"
    """A refund and its payment contradict each other."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up.

    Attributes:
        subject: number of the seal, event id or charge id that it is about.
        words: what was expected, and what is there.
    """

    kind: FindingKind
    subject: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a look at all the books has shown.

    Attributes:
        head: hash of the newest seal, which stands for all that is sealed; None before the first one. Kept elsewhere, it shows
            later whether the books were cut off or written anew.
        seals: number of seals.
        sealed_rows, unsealed_rows: journal rows with a seal, and those that wait for one.
        entries: journal entries.
        payments, refunds: rows of these kinds that were compared with the journal.
        accounts: Stars and nanostars by account; what Telegram holds is on ``stars``, and all accounts add up to zero.
        findings: what does not add up, at most a hundred of each check.
        findings_count: how many there are.
    """

    bot_id: int
    head: str | None
    seals: int
    sealed_rows: int
    unsealed_rows: int
    entries: int
    payments: int
    refunds: int
    accounts: Mapping[str, tuple[int, int]]
    findings: tuple[Finding, ...]
    findings_count: int

    @property
    def is_clean(self) -> bool:
        """Whether everything adds up."""
        return self.findings_count == 0


class _Findings:
    def __init__(self) -> None:
        self.kept: list[Finding] = []
        self.counts: dict[FindingKind, int] = {}

    def note(self, kind: FindingKind, subject: object, words: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= _MOST_FINDINGS:
            self.kept.append(Finding(kind, str(subject), words))


_LEFT_OUT = (
    "it has no seal although its event has a number: it was written past neonpay, or a development version left it out, which "
    "`await neonpay.books.seal()` mends"
)
_SUMS = ("received", STARS, REVENUE, UNSETTLED, REFUNDS)
_Note = Callable[[FindingKind, object, str], None]


def prove(transaction: Transaction, bot_id: int, head: str | None = None) -> Proof:
    """The unit of work that looks at all books of a bot, a bounded number of rows at a time.

    Args:
        head: a head that an earlier proof gave, which has to be in the chain.
    """
    found = _Findings()
    numbers = _prove_chain(transaction, bot_id, head, found.note)
    entries, unsealed = _prove_entries(transaction, bot_id, found.note)
    counted = _prove_payments(transaction, bot_id, found.note)
    _prove_jobs(transaction, bot_id, found.note)
    refunded = _prove_refunds(transaction, bot_id, found.note)
    return Proof(
        bot_id=bot_id,
        head=numbers.head,
        seals=numbers.seals,
        sealed_rows=numbers.rows,
        unsealed_rows=unsealed,
        entries=entries,
        payments=counted,
        refunds=refunded,
        accounts=_accounts(transaction, bot_id),
        findings=tuple(found.kept),
        findings_count=sum(found.counts.values()),
    )


def _stream(transaction: Transaction, query: sa.Select[Any]) -> Iterator[sa.Row[Any]]:
    # By the thousand, since SQLAlchemy's way to a single row takes longer than what is done with it.
    result = transaction.connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))
    return chain.from_iterable(result.partitions())


@dataclass(slots=True)
class _Chain:
    head: str | None = None
    seals: int = 0
    rows: int = 0


def _prove_chain(transaction: Transaction, bot_id: int, head: str | None, note: _Note) -> _Chain:
    proved, is_known = _Chain(), head is None
    sealed_at_us = sa.type_coerce(seals.c.sealed_at, sa.BigInteger).label("sealed_at_us")
    query = sa.select(
        seals.c.number, seals.c.rows.label("sealed_rows"), seals.c.previous_hash, seals.c.hash, sealed_at_us
    )
    batches = _Batches(transaction, bot_id)
    number = 0
    for seal in _stream(transaction, query.where(seals.c.bot_id == bot_id).order_by(seals.c.number)):
        if seal.number != number + 1:
            note(FindingKind.MISSING_SEAL, number + 1, f"the seal before {seal.number} is {number}")
        number = seal.number
        for unknown, rows in batches.before(number):
            proved.rows += len(rows)
            _note_unknown(note, unknown, rows)
        rows = batches.take(number)
        previous_hash = proved.head or GENESIS
        if seal.previous_hash != previous_hash:
            note(FindingKind.BROKEN_LINK, number, "it does not follow the seal before it")
        if len(rows) != seal.sealed_rows:
            note(FindingKind.ALTERED_SEAL, number, f"{seal.sealed_rows} rows were sealed and {len(rows)} are there")
        elif seal_hash(bot_id, number, seal.sealed_at_us, seal.previous_hash, rows) != seal.hash:
            note(FindingKind.ALTERED_SEAL, number, f"its {len(rows)} rows are not those that were sealed")
        proved.head = seal.hash
        proved.seals += 1
        proved.rows += len(rows)
        is_known = is_known or seal.hash == head
    for unknown, rows in batches.before(None):
        proved.rows += len(rows)
        _note_unknown(note, unknown, rows)
    if not is_known:
        note(FindingKind.UNKNOWN_HEAD, head, "no seal has this hash")
    return proved


class _Batches:
    """The sealed rows of the journal by seal, in the order of seals; each seal can be asked for once."""

    def __init__(self, transaction: Transaction, bot_id: int) -> None:
        query = sa.select(journal.c.seal, *ENTRY_COLUMNS).where(journal.c.bot_id == bot_id, journal.c.seal.is_not(None))
        rows = _stream(transaction, query.order_by(journal.c.seal))
        self._groups = groupby(rows, key=lambda row: int(row.seal))
        self._next = self._read()

    def _read(self) -> tuple[int, list[EntryRow]] | None:
        found = next(self._groups, None)
        return None if found is None else (found[0], [tuple(row)[1:] for row in found[1]])

    def before(self, number: int | None) -> Iterator[tuple[int, list[EntryRow]]]:
        """The batches with a lower number, or all that are left."""
        while self._next is not None and (number is None or self._next[0] < number):
            yield self._next
            self._next = self._read()

    def take(self, number: int) -> list[EntryRow]:
        """The rows under this seal."""
        if self._next is None or self._next[0] != number:
            return []
        rows = self._next[1]
        self._next = self._read()
        return rows


def _note_unknown(note: _Note, number: int, rows: list[EntryRow]) -> None:
    note(FindingKind.UNKNOWN_SEAL, number, f"{len(rows)} rows name this seal, and it is not there")


def _prove_entries(transaction: Transaction, bot_id: int, note: _Note) -> tuple[int, int]:
    """The number of entries, and of rows without a seal."""
    mine = journal.c.bot_id == bot_id
    stars, nanostars = sa.func.sum(journal.c.amount_stars), sa.func.sum(journal.c.nanostars)
    sums = sa.select(journal.c.event_id, stars.label("stars"), nanostars.label("nanostars")).where(mine)
    for row in _stream(transaction, sums.group_by(journal.c.event_id).having(sa.or_(stars != 0, nanostars != 0))):
        note(
            FindingKind.UNBALANCED_ENTRY, row.event_id, f"it adds up to {row.stars} Stars and {row.nanostars} nanostars"
        )
    is_event = sa.and_(events.c.bot_id == journal.c.bot_id, events.c.event_id == journal.c.event_id)
    lost = sa.select(journal.c.event_id).distinct().outerjoin_from(journal, events, is_event)
    for row in _stream(transaction, lost.where(mine, events.c.event_id.is_(None))):
        note(FindingKind.ENTRY_WITHOUT_EVENT, row.event_id, "there is no such event")
    for row in _stream(transaction, select_left_out(bot_id)):
        note(FindingKind.UNSEALED_ENTRY, row.event_id, _LEFT_OUT)
    connection = transaction.connection
    entries = connection.execute(sa.select(sa.func.count(journal.c.event_id.distinct())).where(mine)).scalar_one()
    unsealed = sa.select(sa.func.count()).select_from(journal).where(mine, journal.c.seal.is_(None))
    return entries, connection.execute(unsealed).scalar_one()


def _of_account(account: str) -> sa.Label[int]:
    stars = sa.func.sum(sa.case((journal.c.account == account, journal.c.amount_stars), else_=0))
    return sa.cast(stars, sa.BigInteger).label(account)


def _by_charge(bot_id: int) -> sa.Select[Any]:
    """The charge, what came in with it, and what all of its entries add up to, by account."""
    received = sa.case(
        (sa.and_(journal.c.account == STARS, journal.c.amount_stars > 0), journal.c.amount_stars), else_=0
    )
    is_event = sa.and_(events.c.bot_id == journal.c.bot_id, events.c.event_id == journal.c.event_id)
    return (
        sa.select(
            events.c.charge_id,
            sa.cast(sa.func.sum(received), sa.BigInteger).label("received"),
            *[_of_account(name) for name in _SUMS[1:]],
        )
        .join_from(journal, events, is_event)
        .where(journal.c.bot_id == bot_id, events.c.name.in_(_OF_PAYMENTS))
        .group_by(events.c.charge_id)
    )


def _prove_payments(transaction: Transaction, bot_id: int, note: _Note) -> int:
    # Each of the two is read once, in one order, which is also Python's: a join would add the entries up twice.
    def by_charge(column: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
        return sa.collate(column, "C") if transaction.connection.dialect.name == "postgresql" else column

    charged = _stream(transaction, _by_charge(bot_id).order_by(by_charge(events.c.charge_id)))
    query = sa.select(payments.c.charge_id, payments.c.state, payments.c.amount_stars, payments.c.currency)
    paid = _stream(transaction, query.where(payments.c.bot_id == bot_id).order_by(by_charge(payments.c.charge_id)))
    count = 0
    payment = next(paid, None)
    for entered in charged:
        charge_id, sums = entered[0], tuple(entered)[1:]
        while payment is not None and charge_id is not None and payment[0] < charge_id:
            _prove_payment(payment, None, note)
            count, payment = count + 1, next(paid, None)
        if payment is None or payment[0] != charge_id:
            note(FindingKind.ENTRY_WITHOUT_PAYMENT, charge_id, "there is no such payment")
        else:
            _prove_payment(payment, sums, note)
            count, payment = count + 1, next(paid, None)
    while payment is not None:
        _prove_payment(payment, None, note)
        count, payment = count + 1, next(paid, None)
    return count


def _prove_payment(payment: sa.Row[Any], sums: tuple[int, ...] | None, note: _Note) -> None:
    charge_id, state, amount_stars, currency = tuple(payment)
    if currency != CURRENCY:
        if sums is not None:
            note(FindingKind.PAYMENT_DIFFERS, charge_id, f"it was paid in {currency} and has entries in Stars")
    elif sums is None:
        note(FindingKind.PAYMENT_DIFFERS, charge_id, f"{amount_stars} Stars, {state}; it has no entry")
    elif sums not in _expected(PaymentState(state), amount_stars):
        found = ", ".join(f"{name} {stars:+d}" for name, stars in zip(_SUMS, sums, strict=True) if stars)
        words = f"{amount_stars} Stars, {state}; its entries say {found or 'nothing'}"
        note(FindingKind.PAYMENT_DIFFERS, charge_id, words)


def _prove_jobs(transaction: Transaction, bot_id: int, note: _Note) -> None:
    has_job = sa.exists().where(jobs.c.bot_id == payments.c.bot_id, jobs.c.event_id == payments.c.event_id)
    owed = payments.c.state.in_((PaymentState.ACCEPTED.value, PaymentState.REFUND_DUE.value))
    query = sa.select(payments.c.charge_id, payments.c.state).where(payments.c.bot_id == bot_id, owed, sa.not_(has_job))
    for row in _stream(transaction, query):
        note(FindingKind.PAYMENT_WITHOUT_JOB, row.charge_id, f"it is {row.state}, and no job was made for it")


def _expected(state: PaymentState, stars: int) -> list[tuple[int, int, int, int, int]]:
    """What the entries of a payment may add up to, in the order of ``_SUMS``."""
    if state is PaymentState.ACCEPTED:
        return [(stars, stars, -stars, 0, 0)]
    if state is PaymentState.REFUNDED:
        return [(stars, 0, -stars, 0, stars), (stars, 0, 0, 0, 0)]
    return [(stars, stars, 0, -stars, 0)]


def _prove_refunds(transaction: Transaction, bot_id: int, note: _Note) -> int:
    is_paid = sa.and_(payments.c.bot_id == refunds.c.bot_id, payments.c.charge_id == refunds.c.charge_id)
    of_payment = (payments.c.state.label("paid"), payments.c.amount_stars.label("paid_stars"))
    query = sa.select(refunds.c.charge_id, refunds.c.state, refunds.c.amount_stars, *of_payment)
    count = 0
    for row in _stream(transaction, query.outerjoin_from(refunds, payments, is_paid).where(refunds.c.bot_id == bot_id)):
        count += 1
        if row.paid is None:
            note(FindingKind.REFUND_DIFFERS, row.charge_id, "there is no such payment")
        elif row.amount_stars != row.paid_stars:
            words = f"{row.amount_stars} Stars go back and {row.paid_stars} were paid"
            note(FindingKind.REFUND_DIFFERS, row.charge_id, words)
        elif (row.state == RefundState.REFUNDED) != (row.paid == PaymentState.REFUNDED):
            note(FindingKind.REFUND_DIFFERS, row.charge_id, f"the refund is {row.state} and the payment {row.paid}")
    lost = sa.select(payments.c.charge_id).outerjoin_from(payments, refunds, is_paid)
    unasked = (payments.c.bot_id == bot_id, payments.c.state == PaymentState.REFUNDED.value, refunds.c.state.is_(None))
    for row in _stream(transaction, lost.where(*unasked)):
        note(FindingKind.REFUND_DIFFERS, row.charge_id, "the payment is refunded and has no refund")
    return count


def _accounts(transaction: Transaction, bot_id: int) -> dict[str, tuple[int, int]]:
    sums = (sa.func.sum(journal.c.amount_stars), sa.func.sum(journal.c.nanostars))
    query = sa.select(journal.c.account, *sums).where(journal.c.bot_id == bot_id)
    rows = transaction.connection.execute(query.group_by(journal.c.account).order_by(journal.c.account))
    return {account: (int(stars), int(nanostars)) for account, stars, nanostars in rows}
