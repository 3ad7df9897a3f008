"""Rows go into a table by the shortest way that its database has, and it is proved that they are there."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from neonpay.backup.copy_statement import copied_in, rows_in
from neonpay.backup.kinds import Form
from neonpay.backup.manifest import Kind, SavedTable
from neonpay.backup.reading import is_in_one_order, lines_of, parts_of
from neonpay.backup.tables import Kept
from neonpay.backup.values import changed, from_json
from neonpay.errors import BackupDamagedError, BackupError
from neonpay.ledger import Transaction

_AS_THEY_ARE: Final[frozenset[Kind]] = frozenset({"int", "text", "bytes", "bool", "float"})
_INDEXES: Final = {
    "sqlite": """SELECT tbl_name, name, sql FROM sqlite_master
    WHERE type = 'index' AND sql IS NOT NULL AND name LIKE 'neonpay_%'""",
    "postgresql": """SELECT tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname = current_schema() AND starts_with(indexname, 'neonpay_')
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname AND connamespace = current_schema()::regnamespace)""",
}
_CONSTRAINTS: Final = """SELECT conrelid::regclass::text, conname, CASE contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END,
    pg_get_indexdef(conindid) FROM pg_constraint AS own
    WHERE contype IN ('p', 'u') AND connamespace = current_schema()::regnamespace AND starts_with(conname, 'neonpay_')
    AND NOT EXISTS (SELECT FROM pg_constraint AS other WHERE other.contype = 'f' AND other.confrelid = own.conrelid)"""
_decoder: Final = msgspec.json.Decoder(list[list[Any]])
_encoder: Final = msgspec.json.Encoder()


@dataclass(slots=True)
class Filling:
    """One table on its way into a database.

    Args:
        target: as it is there.
        bots: the bot that each bot of the backup becomes.
        parts: its lines anew, in parts that end with a line.
        is_new: whether the transaction that fills it has made it, and no savepoint within it.
    """

    target: sa.Table
    saved: SavedTable
    form: Form
    bots: Mapping[int, int]
    parts: Callable[[], Iterable[bytes]]
    is_new: bool = False
    _read: _Digest = field(init=False)

    def __post_init__(self) -> None:
        kept = self._kept
        has_bots = bool(self.bots) and "bot_id" in self.saved.columns
        self._read = _Digest(is_ordered=is_in_one_order(kept) and not has_bots)

    def add(self, transaction: Transaction, told: Callable[[int], None] = lambda _: None) -> None:
        """The rows of all lines are in the table.

        Args:
            told: called with the number of rows, as they go.

        Raises:
            BackupDamagedError: they are no rows of this table.
        """
        connection, name, columns = transaction.connection, self.saved.name, self.saved.columns
        if self.form == "postgresql":
            copied_in(connection, name, columns, self._copied(told), is_new=self.is_new)
        elif connection.dialect.name == "postgresql" and _AS_THEY_ARE.issuperset(self.saved.kinds):
            # As the driver takes it: SQLAlchemy's way through as many rows takes several times as long.
            rows_in(connection, name, columns, chain.from_iterable(self._values(told)))
        else:
            for values in self._values(told):
                _insert(connection, self.target, self.saved, values)

    def _values(self, told: Callable[[int], None]) -> Iterator[Sequence[Sequence[Any]]]:
        how = from_json(self.saved.kinds)
        done = 0
        for lines in self.parts():
            rows = _rows(lines, self.saved)
            here = lines
            if self.bots and "bot_id" in self.saved.columns:
                place = self.saved.columns.index("bot_id")
                for row in rows:
                    row[place] = self.bots.get(row[place], row[place])
                here = _encoder.encode_lines(rows)
            self._read.add(here)
            yield [changed(row, how) for row in rows] if how else rows
            done += len(rows)
            told(done)

    def _copied(self, told: Callable[[int], None]) -> Iterator[bytes]:
        done = 0
        for lines in self.parts():
            here = lines
            if self.bots and "bot_id" in self.saved.columns:
                place = self.saved.columns.index("bot_id")
                bots = {str(bot_id).encode(): str(to).encode() for bot_id, to in self.bots.items()}
                rows = [row.split(b"\t") for row in lines.splitlines()]
                for row in rows:
                    row[place] = bots.get(row[place], row[place])
                here = b"".join(b"\t".join(row) + b"\n" for row in rows)
            self._read.add(here)
            yield here
            done += here.count(b"\n")
            told(done)

    def prove(self, transaction: Transaction) -> None:
        """Look whether the table has those rows, and no others; raises BackupError when it has not."""
        # As they were put there they come without being sorted. A database owes nobody that order, so that another one says
        # nothing yet.
        if self._arrived(transaction, is_ordered=self._read.is_ordered) == self._read.value:
            return
        if self._read.is_ordered:
            added = _Digest(is_ordered=False)
            for lines in self.parts():
                added.add(lines)
            if self._arrived(transaction, is_ordered=False) == added.value:
                return
        msg = f"{self.saved.name} is not in the database as it is in the backup; nothing was kept"
        raise BackupError(msg)

    def _arrived(self, transaction: Transaction, *, is_ordered: bool) -> tuple[str, int, int]:
        arrived = _Digest(is_ordered=is_ordered)
        if is_ordered:
            for part in parts_of(transaction, self._kept, self.form):
                arrived.add(part)
        else:
            for some in lines_of(transaction, self._kept, self.form, is_sorted=False):
                arrived.add(b"\n".join(some) + b"\n")
        return arrived.value

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


class Taken(NamedTuple):
    """Indexes that were taken away, so that each is made in one go.

    Attributes:
        makes: statements that make them again, each with its table; none of them needs another one.
        keys: statements after which those are constraints again that were.
    """

    makes: Sequence[tuple[str, str]]
    keys: Sequence[str]


def without_indexes(connection: sa.Connection) -> Taken:
    """The ledger's tables have no indexes; SQLite keeps those that are constraints."""
    quote = connection.dialect.identifier_preparer.quote
    is_postgresql = connection.dialect.name == "postgresql"
    constraints = connection.exec_driver_sql(_CONSTRAINTS).all() if is_postgresql else []
    found = connection.exec_driver_sql(_INDEXES[connection.dialect.name]).all()
    for _, name, _ in found:
        connection.exec_driver_sql(f"DROP INDEX {quote(name)}")
    keys = []
    for table, name, kind, _ in constraints:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {quote(name)}")
        keys.append(f"ALTER TABLE {table} ADD CONSTRAINT {quote(name)} {kind} USING INDEX {quote(name)}")
    return Taken([(str(row[0]), str(row[-1])) for row in (*constraints, *found)], keys)


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


def _insert(connection: sa.Connection, target: sa.Table, saved: SavedTable, values: Sequence[Sequence[Any]]) -> None:
    if not _AS_THEY_ARE.issuperset(saved.kinds):
        connection.execute(sa.insert(target), [dict(zip(saved.columns, row, strict=True)) for row in values])
        return
    if not values:
        return
    # Each value is handed over by itself, for which a column that has nothing in it takes as long as any other one.
    columns = list(zip(*values, strict=True))
    given = [
        place for place, column in enumerate(columns) if not _is_left_to_itself(target.c[saved.columns[place]], column)
    ]
    given = given or list(range(len(columns)))
    rows = values if len(given) == len(columns) else zip(*[columns[place] for place in given], strict=True)
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(saved.columns[place]) for place in given)
    marks = ", ".join("?" * len(given))
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection), "the driver of SQLite"
    raw.executemany(f"INSERT INTO {quote(saved.name)} ({names}) VALUES ({marks})", rows)  # noqa: S608


def _is_left_to_itself(column: sa.Column[Any], values: Sequence[Any]) -> bool:
    """Whether a column that is not named gets these values."""
    return bool(column.nullable) and column.server_default is None and all(value is None for value in values)
