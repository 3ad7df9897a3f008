"""The proof of the books: everything that has to add up is added up again, from one state of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import sqlalchemy as sa

from neonpay.books.chain import Chain, prove_chain
from neonpay.books.entries import Entered, prove_entries
from neonpay.books.findings import Finding as Finding  # noqa: PLC0414  # a proof is made of them
from neonpay.books.findings import FindingKind as FindingKind  # noqa: PLC0414
from neonpay.books.findings import Findings
from neonpay.books.paid import prove_jobs, prove_payments, prove_refunds
from neonpay.ledger import Transaction
from neonpay.ledger.tables import journal


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


def prove(transaction: Transaction, bot_id: int, head: str | None = None) -> Proof:
    """The unit of work that looks at all books of a bot, a bounded number of rows at a time.

    Args:
        head: a head that an earlier proof gave, which has to be in the chain.
    """
    return proof_of(bot_id, [half(transaction) for half in halves(bot_id, head)])


def halves(bot_id: int, head: str | None = None) -> list[Callable[[Transaction], Half]]:
    """Two units of work, neither of which needs the other one; what they return is what a proof is made of."""
    return [lambda transaction: _sealed(transaction, bot_id, head), lambda transaction: _sold(transaction, bot_id)]


def proof_of(bot_id: int, both: Sequence[Half]) -> Proof:
    """A proof of what the two units have returned, in their order."""
    sealed, sold = both
    assert isinstance(sealed, _Sealed)
    assert isinstance(sold, _Sold)
    found = sealed.found
    found.add(sold.found)
    return Proof(
        bot_id=bot_id,
        head=sealed.chain.head,
        seals=sealed.chain.seals,
        sealed_rows=sealed.chain.rows,
        unsealed_rows=sold.entered.unsealed,
        entries=sold.entered.entries,
        payments=sold.payments,
        refunds=sealed.refunds,
        accounts=sealed.accounts,
        findings=tuple(found.kept),
        findings_count=sum(found.counts.values()),
    )


class _Sealed(NamedTuple):
    """What is proved of the chain, of jobs and of refunds."""

    found: Findings
    chain: Chain
    refunds: int
    accounts: Mapping[str, tuple[int, int]]


class _Sold(NamedTuple):
    """What is proved of entries and of payments."""

    found: Findings
    entered: Entered
    payments: int


Half: TypeAlias = _Sealed | _Sold
"""What is found in half of the work of a proof."""


def _sealed(transaction: Transaction, bot_id: int, head: str | None) -> _Sealed:
    found = Findings()
    chain = prove_chain(transaction, bot_id, head, found.note)
    prove_jobs(transaction, bot_id, found.note)
    refunds = prove_refunds(transaction, bot_id, found.note)
    return _Sealed(found, chain, refunds, _accounts(transaction, bot_id))


def _sold(transaction: Transaction, bot_id: int) -> _Sold:
    found = Findings()
    entered = prove_entries(transaction, bot_id, found.note)
    return _Sold(found, entered, prove_payments(transaction, bot_id, entered.entries, found))


def _accounts(transaction: Transaction, bot_id: int) -> dict[str, tuple[int, int]]:
    sums = (sa.func.sum(journal.c.amount_stars), sa.func.sum(journal.c.nanostars))
    query = sa.select(journal.c.account, *sums).where(journal.c.bot_id == bot_id)
    rows = transaction.connection.execute(query.group_by(journal.c.account).order_by(journal.c.account))
    return {account: (int(stars), int(nanostars)) for account, stars, nanostars in rows}
