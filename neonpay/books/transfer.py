"""Everything of a bot from one database to another: one transaction that is kept only when both sides agree."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from neonpay.books.extension_rows import Pair, pairs, set_counters
from neonpay.books.verification import Proof, prove
from neonpay.errors import ConfigurationError, LedgerError, LedgerUnavailableError, SchemaTooNewError
from neonpay.ledger import ExtensionTables, Ledger, Transaction
from neonpay.ledger.migrate import REVISIONS, standing
from neonpay.ledger.sqlite import SqliteLedger
from neonpay.ledger.table_kit import Moment, metadata
from neonpay.ledger.tables import events, invoices, journal, numbered_until, payments

_ROWS_AT_A_TIME = 500
_OURS = tuple(
    Pair(table, table) for table in metadata.sorted_tables if "bot_id" in table.c and table is not numbered_until
)
"""Every table with rows of a bot; how events are numbered, who may use the dashboard, and other people's tables, are each
database's own."""
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
    source: Ledger,
    target: Ledger,
    *,
    bot_ids: Sequence[int],
    note: Note,
    despite_findings: bool = False,
    extensions: Sequence[ExtensionTables] = (),
) -> list[Moved]:
    """Copy everything of these bots into another database, and keep it there only when nothing differs.

    Every row is compared by a digest, the chain of seals and all sums by a proof on both sides. The source stays as it is. Call
    it from a thread without an event loop.

    Args:
        despite_findings: move books that do not add up as they are.
        extensions: tables of the extensions that are installed here; those that the source has are made in the target.

    Raises:
        ConfigurationError: both databases are PostgreSQL.
        ExtensionError: the source has rows of an extension that cannot be copied; the message says what to install.
        SchemaTooNewError: a newer program has upgraded one of the databases, and this one does not know all of its tables.
        LedgerError: the target has rows of such a bot, the source does not add up or has changed meanwhile, or a database
            failed; the target is as it was before.
    """
    copy = _Copy(bot_ids, note, extensions, despite_findings=despite_findings)
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

    def __init__(
        self, bot_ids: Sequence[int], note: Note, extensions: Sequence[ExtensionTables], *, despite_findings: bool
    ) -> None:
        self._bot_ids = list(bot_ids)
        self._note = note
        self._extensions = {tables.name: tables for tables in extensions}
        self._despite_findings = despite_findings
        self._traces: list[int] | None = None

    def __call__(self, old: Transaction, new: Transaction) -> list[Moved]:
        if self._traces is not None:
            msg = "the connection to the database was lost; nothing was kept, so move again"
            raise LedgerUnavailableError(msg)
        self._traces = self.traces(old)
        for transaction in (old, new):
            _require_known(transaction)
        tables = [*_OURS, *pairs(old, new, self._extensions)]
        moved = [self._move(old, new, tables, bot_id) for bot_id in self._bot_ids]
        set_counters(new, [pair.target for pair in tables[len(_OURS) :]])
        return moved

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

    def _move(self, old: Transaction, new: Transaction, tables: Sequence[Pair], bot_id: int) -> Moved:
        before = prove(old, bot_id)
        if not (before.is_clean or self._despite_findings):
            msg = f"the books of bot {bot_id} do not add up ({before.findings_count} findings); see neonpay verify"
            raise LedgerError(msg)
        taken = [pair.target.name for pair in tables if _count(new, pair.target, pair.target.c.bot_id == bot_id)]
        if taken:
            msg = f"the target has rows of bot {bot_id} in {', '.join(taken)}; move into a database that has none"
            raise LedgerError(msg)
        rows = sum(self._copy_table(old, new, pair, bot_id) for pair in tables)
        after = prove(new, bot_id)
        if _in_order(after) != _in_order(before):
            msg = f"the books of bot {bot_id} are not the same at their new place; nothing was kept"
            raise LedgerError(msg)
        return Moved(bot_id, rows, after.accounts.get("stars", (0, 0))[0], after)

    def _copy_table(self, old: Transaction, new: Transaction, pair: Pair, bot_id: int) -> int:
        table, target = pair.source, pair.target
        total = _count(old, table, table.c.bot_id == bot_id)
        names = [column.name for column in table.columns]
        read, copied = _Digest(), 0
        self._note(table.name, copied, total)
        for rows in _chunks(old, table, bot_id):
            new.connection.execute(sa.insert(target), [dict(zip(names, row, strict=True)) for row in rows])
            read.add(rows)
            copied += len(rows)
            self._note(table.name, copied, total)
        arrived = _Digest()
        for rows in _chunks(new, target, bot_id, names):
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


def _chunks(
    transaction: Transaction, table: sa.Table, bot_id: int, names: Sequence[str] = ()
) -> Iterator[list[tuple[Any, ...]]]:
    columns = [
        sa.type_coerce(column, sa.BigInteger).label(column.name) if isinstance(column.type, Moment) else column
        for column in ([table.c[name] for name in names] or table.columns)
    ]
    query = sa.select(*columns).where(table.c.bot_id == bot_id)
    result = transaction.connection.execute(query.execution_options(yield_per=_ROWS_AT_A_TIME))
    for rows in result.partitions():
        yield [tuple(row) for row in rows]


def _require_known(transaction: Transaction) -> None:
    found = standing(transaction.connection)
    if found is None or found.revision != REVISIONS[-1]:
        msg = "a newer neonpay has upgraded one of the databases; upgrade neonpay here, or some of its tables would stay behind"
        raise SchemaTooNewError(msg)


def _count(transaction: Transaction, table: sa.Table, where: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(where)
    return int(transaction.connection.execute(query).scalar_one())


def _in_order(proof: Proof) -> tuple[object, ...]:
    """A proof without the order of its findings, which is the database's."""
    findings = sorted((finding.kind, finding.subject, finding.words) for finding in proof.findings)
    counts = (proof.entries, proof.payments, proof.refunds, proof.seals, proof.sealed_rows, proof.unsealed_rows)
    return (proof.head, counts, sorted(proof.accounts.items()), findings, proof.findings_count)
