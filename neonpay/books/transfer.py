"""Everything of a bot from one database to another: one transaction that is kept only when both sides agree."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from neonpay.books.verification import Proof, prove
from neonpay.errors import ConfigurationError, LedgerError, LedgerUnavailableError
from neonpay.ledger import Ledger, Transaction
from neonpay.ledger.sqlite import SqliteLedger
from neonpay.ledger.tables import Moment, events, invoices, journal, metadata, payments

_ROWS_AT_A_TIME = 500
_GROW = (payments, invoices, journal, events)
"""Tables in which a running bot leaves traces."""

Note = Callable[[str, int, int], None]
"""Told of the name of a table, how many of its rows are copied, and how many there are."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What has arrived.

    Attributes:
        rows: number of rows, of all tables.
        stars: what Telegram holds for the bot, as both journals say.
        proof: of the books at their new place; it equals the one at the old place.
    """

    bot_id: int
    rows: int
    stars: int
    proof: Proof


def move(
    source: Ledger, target: Ledger, *, bot_ids: Sequence[int], note: Note, despite_findings: bool = False
) -> list[Moved]:
    """Copy everything of these bots into another database, and keep it there only when nothing differs.

    Every row is compared by a digest, the chain of seals and all sums by a proof on both sides. The source stays as it is. Call
    it from a thread without an event loop.

    Args:
        despite_findings: move books that do not add up as they are.

    Raises:
        ConfigurationError: both databases are PostgreSQL.
        LedgerError: the target has rows of such a bot, the source does not add up or has changed meanwhile, or a database
            failed; the target is as it was before.
    """
    copy = _Copy(bot_ids, note, despite_findings=despite_findings)
    # A unit on PostgreSQL works only in the thread of its event loop, one on SQLite in any: PostgreSQL's is the inner one.
    if isinstance(source, SqliteLedger):

        def and_ask_again(old: Transaction, new: Transaction) -> list[Moved]:
            moved = copy(old, new)
            copy.compare(source.read_sync(copy.traces))
            return moved

        return source.read_sync(lambda old: target.run_sync(lambda new: and_ask_again(old, new)))
    if isinstance(target, SqliteLedger):

        def from_source(new: Transaction) -> list[Moved]:
            moved = source.read_sync(lambda old: copy(old, new))
            copy.compare(source.read_sync(copy.traces))
            return moved

        return target.run_sync(from_source)
    msg = "both databases are PostgreSQL, whose own pg_dump moves tables; neonpay moves between SQLite and PostgreSQL"
    raise ConfigurationError(msg)


class _Copy:
    """The unit of work over both transactions; it runs once, because rows that were read cannot be taken back."""

    def __init__(self, bot_ids: Sequence[int], note: Note, *, despite_findings: bool) -> None:
        self._bot_ids = list(bot_ids)
        self._note = note
        self._despite_findings = despite_findings
        self._traces: list[int] | None = None

    def __call__(self, old: Transaction, new: Transaction) -> list[Moved]:
        if self._traces is not None:
            msg = "the connection to the database was lost; nothing was kept, so move again"
            raise LedgerUnavailableError(msg)
        self._traces = self.traces(old)
        return [self._move(old, new, bot_id) for bot_id in self._bot_ids]

    def traces(self, transaction: Transaction) -> list[int]:
        """How many rows there are that a running bot adds to."""
        return [_count(transaction, table, table.c.bot_id.in_(self._bot_ids)) for table in _GROW]

    def compare(self, traces: list[int]) -> None:
        """Raises LedgerError when the source has changed since it was read."""
        if traces != self._traces:
            msg = (
                "the source has changed meanwhile: something still runs on it. Stop it and move again; nothing was kept"
            )
            raise LedgerError(msg)

    def _move(self, old: Transaction, new: Transaction, bot_id: int) -> Moved:
        before = prove(old, bot_id)
        if not (before.is_clean or self._despite_findings):
            msg = f"the books of bot {bot_id} do not add up ({before.findings_count} findings); see neonpay verify"
            raise LedgerError(msg)
        taken = [table.name for table in metadata.sorted_tables if _count(new, table, table.c.bot_id == bot_id)]
        if taken:
            msg = f"the target has rows of bot {bot_id} in {', '.join(taken)}; move into a database that has none"
            raise LedgerError(msg)
        rows = sum(self._copy_table(old, new, table, bot_id) for table in metadata.sorted_tables)
        after = prove(new, bot_id)
        if _in_order(after) != _in_order(before):
            msg = f"the books of bot {bot_id} are not the same at their new place; nothing was kept"
            raise LedgerError(msg)
        return Moved(bot_id, rows, after.accounts.get("stars", (0, 0))[0], after)

    def _copy_table(self, old: Transaction, new: Transaction, table: sa.Table, bot_id: int) -> int:
        total = _count(old, table, table.c.bot_id == bot_id)
        names = [column.name for column in table.columns]
        read, copied = _Digest(), 0
        self._note(table.name, copied, total)
        for rows in _chunks(old, table, bot_id):
            new.connection.execute(sa.insert(table), [dict(zip(names, row, strict=True)) for row in rows])
            read.add(rows)
            copied += len(rows)
            self._note(table.name, copied, total)
        arrived = _Digest()
        for rows in _chunks(new, table, bot_id):
            arrived.add(rows)
        if (copied, read.value) != (total, arrived.value):
            msg = f"{table.name} is not the same at its new place; nothing was kept"
            raise LedgerError(msg)
        return total


class _Digest:
    """A number that stands for a set of rows, in whatever order a database gives them."""

    def __init__(self) -> None:
        self.value = 0

    def add(self, rows: Sequence[tuple[object, ...]]) -> None:
        for row in rows:
            self.value += int.from_bytes(hashlib.sha256(repr(row).encode()).digest(), "big")


def _chunks(transaction: Transaction, table: sa.Table, bot_id: int) -> Iterator[list[tuple[Any, ...]]]:
    columns = [
        sa.type_coerce(column, sa.BigInteger).label(column.name) if isinstance(column.type, Moment) else column
        for column in table.columns
    ]
    query = sa.select(*columns).where(table.c.bot_id == bot_id)
    result = transaction.connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))
    for rows in result.partitions():
        yield [tuple(row) for row in rows]


def _count(transaction: Transaction, table: sa.Table, where: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(where)
    return int(transaction.connection.execute(query).scalar_one())


def _in_order(proof: Proof) -> tuple[object, ...]:
    """A proof without the order of its findings, which is the database's."""
    findings = sorted((finding.kind, finding.subject, finding.words) for finding in proof.findings)
    counts = (proof.entries, proof.payments, proof.refunds, proof.seals, proof.sealed_rows, proof.unsealed_rows)
    return (proof.head, counts, sorted(proof.accounts.items()), findings, proof.findings_count)
