"""What does not add up in the books, in kinds and in words."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from neonpay.ledger import Transaction

_MOST_FINDINGS: Final = 100
_ROWS_AT_A_TIME: Final = 1000


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


Note: TypeAlias = Callable[[FindingKind, object, str], None]
"""Told of a kind, what it is about, and what was expected and is there."""


class Findings:
    """Those of one proof: all are counted, and at most a hundred of each kind are kept."""

    def __init__(self) -> None:
        self.kept: list[Finding] = []
        self.counts: dict[FindingKind, int] = {}

    def note(self, kind: FindingKind, subject: object, words: str) -> None:
        """One more."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= _MOST_FINDINGS:
            self.kept.append(Finding(kind, str(subject), words))

    def add(self, others: Findings) -> None:
        """Those of another look, at something else."""
        self.kept += others.kept
        for kind, count in others.counts.items():
            self.counts[kind] = self.counts.get(kind, 0) + count


def stream(transaction: Transaction, query: sa.Select[Any], at_a_time: int = _ROWS_AT_A_TIME) -> Iterator[sa.Row[Any]]:
    """The rows of a query, some at a time."""
    # By the thousand, since SQLAlchemy's way to a single row takes longer than what is done with it.
    result = transaction.connection.execute(query.execution_options(yield_per=at_a_time))
    return chain.from_iterable(result.partitions())
