"""The proof of the books: everything that has to add up is added up again, from one state of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from neonpay.books.chain import prove_chain
from neonpay.books.findings import Finding as Finding  # noqa: PLC0414  # a proof is made of them
from neonpay.books.findings import FindingKind as FindingKind  # noqa: PLC0414
from neonpay.books.findings import Findings, Note, stream
from neonpay.books.paid import prove_jobs, prove_payments, prove_refunds
from neonpay.books.sealing import select_left_out
from neonpay.ledger import Transaction
from neonpay.ledger.tables import events, journal


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


_LEFT_OUT = (
    "it has no seal although its event has a number: it was written past neonpay, or a development version left it out, which "
    "`await neonpay.books.seal()` mends"
)


def prove(transaction: Transaction, bot_id: int, head: str | None = None) -> Proof:
    """The unit of work that looks at all books of a bot, a bounded number of rows at a time.

    Args:
        head: a head that an earlier proof gave, which has to be in the chain.
    """
    found = Findings()
    chain = prove_chain(transaction, bot_id, head, found.note)
    entries, unsealed = _prove_entries(transaction, bot_id, found.note)
    counted = prove_payments(transaction, bot_id, found)
    prove_jobs(transaction, bot_id, found.note)
    refunded = prove_refunds(transaction, bot_id, found.note)
    return Proof(
        bot_id=bot_id,
        head=chain.head,
        seals=chain.seals,
        sealed_rows=chain.rows,
        unsealed_rows=unsealed,
        entries=entries,
        payments=counted,
        refunds=refunded,
        accounts=_accounts(transaction, bot_id),
        findings=tuple(found.kept),
        findings_count=sum(found.counts.values()),
    )


def _prove_entries(transaction: Transaction, bot_id: int, note: Note) -> tuple[int, int]:
    """The number of entries, and of rows without a seal."""
    mine = journal.c.bot_id == bot_id
    stars, nanostars = sa.func.sum(journal.c.amount_stars), sa.func.sum(journal.c.nanostars)
    sums = sa.select(journal.c.event_id, stars.label("stars"), nanostars.label("nanostars")).where(mine)
    for row in stream(transaction, sums.group_by(journal.c.event_id).having(sa.or_(stars != 0, nanostars != 0))):
        note(
            FindingKind.UNBALANCED_ENTRY, row.event_id, f"it adds up to {row.stars} Stars and {row.nanostars} nanostars"
        )
    is_event = sa.and_(events.c.bot_id == journal.c.bot_id, events.c.event_id == journal.c.event_id)
    lost = sa.select(journal.c.event_id).distinct().outerjoin_from(journal, events, is_event)
    for row in stream(transaction, lost.where(mine, events.c.event_id.is_(None))):
        note(FindingKind.ENTRY_WITHOUT_EVENT, row.event_id, "there is no such event")
    for row in stream(transaction, select_left_out(bot_id)):
        note(FindingKind.UNSEALED_ENTRY, row.event_id, _LEFT_OUT)
    connection = transaction.connection
    entries = connection.execute(sa.select(sa.func.count(journal.c.event_id.distinct())).where(mine)).scalar_one()
    unsealed = sa.select(sa.func.count()).select_from(journal).where(mine, journal.c.seal.is_(None))
    return entries, connection.execute(unsealed).scalar_one()


def _accounts(transaction: Transaction, bot_id: int) -> dict[str, tuple[int, int]]:
    sums = (sa.func.sum(journal.c.amount_stars), sa.func.sum(journal.c.nanostars))
    query = sa.select(journal.c.account, *sums).where(journal.c.bot_id == bot_id)
    rows = transaction.connection.execute(query.group_by(journal.c.account).order_by(journal.c.account))
    return {account: (int(stars), int(nanostars)) for account, stars, nanostars in rows}
