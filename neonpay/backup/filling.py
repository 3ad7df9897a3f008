"""Rows go into a table by the shortest way that its database has, and it is proved that they are there."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from neonpay.backup.copy_statement import copied_in, rows_in
from neonpay.backup.kinds import Form
from neonpay.backup.manifest import Kind, SavedTable
from neonpay.backup.reading import is_in_one_order, lines_of
from neonpay.backup.tables import Kept
from neonpay.backup.values import changed, from_json
from neonpay.errors import BackupDamagedError, BackupError
from neonpay.ledger import Transaction

_AS_THEY_ARE: Final[frozenset[Kind]] = frozenset({"int", "text", "bytes", "bool", "float"})
_INDEXES: Final = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND name LIKE 'neonpay_%'",
    "postgresql": (
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND starts_with(indexname, 'neonpay_')"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)"
    ),
}
_decoder: Final = msgspec.json.Decoder(list[list[Any]])
_encoder: Final = msgspec.json.Encoder()


@dataclass(slots=True)
class Filling:
    """One table on its way into a database.

    Args:
        target: as it is there.
        bots: the bot that each bot of the backup becomes.
    """

    target: sa.Table
    saved: SavedTable
    form: Form
    bots: Mapping[int, int]
    _read: _Digest = field(init=False)

    def __post_init__(self) -> None:
        kept = self._kept
        has_bots = bool(self.bots) and "bot_id" in self.saved.columns
        self._read = _Digest(is_ordered=is_in_one_order(kept) and not has_bots)

    def add(self, transaction: Transaction, lines: bytes) -> int:
        """The rows of some lines are in the table; how many they are.

        Raises:
            BackupDamagedError: they are no rows of this table.
        """
        if self.form == "postgresql":
            return self._add_copied(transaction, lines)
        rows = _rows(lines, self.saved)
        if self.bots and "bot_id" in self.saved.columns:
            place = self.saved.columns.index("bot_id")
            for row in rows:
                row[place] = self.bots.get(row[place], row[place])
            lines = _encoder.encode_lines(rows)
        self._read.add(lines)
        _insert(transaction.connection, self.target, self.saved, rows)
        return len(rows)

    def _add_copied(self, transaction: Transaction, lines: bytes) -> int:
        rows = lines.splitlines()
        if self.bots and "bot_id" in self.saved.columns:
            place = self.saved.columns.index("bot_id")
            bots = {str(bot_id).encode(): str(to).encode() for bot_id, to in self.bots.items()}
            for number, row in enumerate(rows):
                values = row.split(b"\t")
                values[place] = bots.get(values[place], values[place])
                rows[number] = b"\t".join(values)
            lines = b"".join(row + b"\n" for row in rows)
        self._read.add(lines)
        copied_in(transaction.connection, self.saved.name, self.saved.columns, lines)
        return len(rows)

    def prove(self, transaction: Transaction) -> None:
        """Look whether the table has those rows, and no others; raises BackupError when it has not."""
        arrived = _Digest(is_ordered=self._read.is_ordered)
        for some in lines_of(transaction, self._kept, self.form):
            arrived.add(b"\n".join(some) + b"\n")
        if arrived.value != self._read.value:
            msg = f"{self.saved.name} is not in the database as it is in the backup; nothing was kept"
            raise BackupError(msg)

    @property
    def _kept(self) -> Kept:
        return Kept(self.target, self.saved.columns, self.saved.kinds, self.saved.key)


class _Digest:
    """What stands for rows: in their order where every engine has the same one, and else in whatever order they come."""

    def __init__(self, *, is_ordered: bool) -> None:
        self.is_ordered = is_ordered
        self._hash = hashlib.blake2b(digest_size=32)
        self._sum = 0
        self._count = 0

    def add(self, lines: bytes) -> None:
        """Count rows."""
        if self.is_ordered:
            self._hash.update(lines)
            return
        each = lines.splitlines()
        digests = (hashlib.blake2b(line, digest_size=32).digest() for line in each)
        self._sum = (self._sum + sum(int.from_bytes(digest, "big") for digest in digests)) % 2**256
        self._count += len(each)

    @property
    def value(self) -> tuple[str, int, int]:
        """The same for the same rows alone."""
        return self._hash.hexdigest(), self._sum, self._count


@contextmanager
def indexes_afterwards(connection: sa.Connection) -> Iterator[None]:
    """The ledger's indexes, but for those that are constraints, are made once the block is done, each in one go."""
    quote = connection.dialect.identifier_preparer.quote
    found = connection.exec_driver_sql(_INDEXES[connection.dialect.name]).all()
    for name, _ in found:
        connection.exec_driver_sql(f"DROP INDEX {quote(name)}")
    yield
    for _, statement in found:
        connection.exec_driver_sql(statement)


def _rows(lines: bytes, saved: SavedTable) -> list[list[Any]]:
    try:
        rows = _decoder.decode(b"[" + lines[:-1].replace(b"\n", b",") + b"]")
    except msgspec.MsgspecError as exc:
        msg = f"a line of {saved.name} cannot be read: {exc}"
        raise BackupDamagedError(msg) from exc
    if len(rows) != lines.count(b"\n") or set(map(len, rows)) - {len(saved.columns)}:
        msg = f"a line of {saved.name} has another number of values than {len(saved.columns)}"
        raise BackupDamagedError(msg)
    return rows


def _insert(connection: sa.Connection, target: sa.Table, saved: SavedTable, rows: Sequence[Sequence[Any]]) -> None:
    how = from_json(saved.kinds)
    values = [changed(row, how) for row in rows] if how else rows
    if not _AS_THEY_ARE.issuperset(saved.kinds):
        connection.execute(sa.insert(target), [dict(zip(saved.columns, row, strict=True)) for row in values])
        return
    # As the driver takes it: SQLAlchemy's way through as many rows takes several times as long.
    if connection.dialect.name == "postgresql":
        rows_in(connection, saved.name, saved.columns, values)
        return
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(map(quote, saved.columns))
    marks = ", ".join("?" * len(saved.columns))
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection), "the driver of SQLite"
    raw.executemany(f"INSERT INTO {quote(saved.name)} ({names}) VALUES ({marks})", values)  # noqa: S608
