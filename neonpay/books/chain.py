"""The proof of the seals: each is over the rows that name it, and follows the one before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from neonpay.books.findings import FindingKind, Note, stream
from neonpay.books.sealing import ENTRY_COLUMNS, GENESIS, is_sealed
from neonpay.ledger import Transaction
from neonpay.ledger.tables import journal, seals

_SEALS_AT_A_TIME: Final = 16
"""With some hundred rows under each of them."""


@dataclass(slots=True)
class Chain:
    """What was gone through.

    Attributes:
        head: hash of the newest seal.
        rows: journal rows with a seal, those of a seal that is not there as well.
    """

    head: str | None = None
    seals: int = 0
    rows: int = 0


class _Batch(NamedTuple):
    """The rows under one seal, one line each as they are sealed."""

    number: int
    rows: int
    lines: str


def prove_chain(transaction: Transaction, bot_id: int, head: str | None, note: Note) -> Chain:
    """Every seal of a bot was compared with what is there.

    Args:
        head: a hash that has to be in the chain.
    """
    proved, is_known = Chain(), head is None
    sealed_at_us = sa.type_coerce(seals.c.sealed_at, sa.BigInteger).label("sealed_at_us")
    query = sa.select(
        seals.c.number, seals.c.rows.label("sealed_rows"), seals.c.previous_hash, seals.c.hash, sealed_at_us
    )
    batches = _Batches(transaction, bot_id)
    number = 0
    for seal in stream(transaction, query.where(seals.c.bot_id == bot_id).order_by(seals.c.number)):
        if seal.number != number + 1:
            note(FindingKind.MISSING_SEAL, number + 1, f"the seal before {seal.number} is {number}")
        number = seal.number
        _note_unknown(note, proved, batches.before(number))
        batch = batches.take(number)
        if seal.previous_hash != (proved.head or GENESIS):
            note(FindingKind.BROKEN_LINK, number, "it does not follow the seal before it")
        if batch.rows != seal.sealed_rows:
            note(FindingKind.ALTERED_SEAL, number, f"{seal.sealed_rows} rows were sealed and {batch.rows} are there")
        elif not is_sealed(seal.hash, [bot_id, number, seal.sealed_at_us, seal.previous_hash], batch.lines):
            note(FindingKind.ALTERED_SEAL, number, f"its {batch.rows} rows are not those that were sealed")
        proved.head = seal.hash
        proved.seals += 1
        proved.rows += batch.rows
        is_known = is_known or seal.hash == head
    _note_unknown(note, proved, batches.before(None))
    if not is_known:
        note(FindingKind.UNKNOWN_HEAD, head, "no seal has this hash")
    return proved


class _Batches:
    """The sealed rows of the journal by seal, in the order of seals; each seal can be asked for once."""

    def __init__(self, transaction: Transaction, bot_id: int) -> None:
        is_postgresql = transaction.connection.dialect.name == "postgresql"
        query = (_in_postgresql if is_postgresql else _in_sqlite)(bot_id)
        self._batches = (_Batch._make(row) for row in stream(transaction, query, _SEALS_AT_A_TIME))
        self._next = next(self._batches, None)

    def before(self, number: int | None) -> Iterator[_Batch]:
        """The batches with a lower number, or all that are left."""
        while self._next is not None and (number is None or self._next.number < number):
            yield self._next
            self._next = next(self._batches, None)

    def take(self, number: int) -> _Batch:
        """The rows under this seal."""
        found = self._next
        if found is None or found.number != number:
            return _Batch(number, 0, "")
        self._next = next(self._batches, None)
        return found


# The database writes the lines and joins them: row by row through SQLAlchemy and Python that takes four times as long.
def _in_sqlite(bot_id: int) -> sa.Select[Any]:
    # Rows come in the order of event and account, as they lie in the table, and keep it when they are sorted by seal. Nobody
    # owes that order, so that where it is another one the lines are sorted before they are told to be altered.
    lines = sa.func.group_concat(sa.func.json_array(*ENTRY_COLUMNS), "\n")
    query = sa.select(journal.c.seal, sa.func.count(), lines).group_by(journal.c.seal)
    return _sealed(query, bot_id).order_by(journal.c.seal)


def _in_postgresql(bot_id: int) -> sa.Select[Any]:
    event_id, account, *numbers = ENTRY_COLUMNS
    values = [sa.cast(sa.func.to_json(text), sa.Text) for text in (event_id, account)]
    values += [sa.cast(number, sa.Text) for number in numbers]
    line = sa.func.concat("[", sa.func.concat_ws(",", *values), "]")
    order = (sa.collate(journal.c.event_id, "C"), sa.collate(journal.c.account, "C"))
    lines = sa.func.string_agg(line, aggregate_order_by(sa.literal("\n"), *order))
    query = sa.select(journal.c.seal, sa.func.count(), lines).group_by(journal.c.seal)
    return _sealed(query, bot_id).order_by(journal.c.seal)


def _sealed(query: sa.Select[Any], bot_id: int) -> sa.Select[Any]:
    return query.where(journal.c.bot_id == bot_id, journal.c.seal.is_not(None))


def _note_unknown(note: Note, proved: Chain, batches: Iterator[_Batch]) -> None:
    for batch in batches:
        proved.rows += batch.rows
        note(FindingKind.UNKNOWN_SEAL, batch.number, f"{batch.rows} rows name this seal, and it is not there")
