"""The rows of a backup go into a database that has none: as its own release made the tables, then as this one does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from neonpay.backup.checking import chunks_in
from neonpay.backup.encryption import Opening
from neonpay.backup.folder import BackupFolder
from neonpay.backup.manifest import Manifest, SavedTable
from neonpay.backup.packing import Note
from neonpay.backup.tables import NEVER, Kept, revision_of
from neonpay.backup.values import changed, from_json, written_as
from neonpay.books.extension_rows import set_counters
from neonpay.errors import BackupDamagedError, BackupError, ExtensionError, RestoreRefusedError
from neonpay.ledger import ExtensionTables, Transaction
from neonpay.ledger.extension_tables import bring_up
from neonpay.ledger.migrate import REVISIONS, VERSION_TABLE, bring_to_newest, make_at
from neonpay.ledger.tables import extension_tables

_ROWS_AT_A_TIME: Final = 500
_AS_THEY_ARE: Final = frozenset({"int", "text", "bytes", "bool", "float"})
_decoder: Final = msgspec.json.Decoder(list[Any])
_encoder: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Loading:
    """A backup on its way into a database.

    Attributes:
        bots: the bot that each bot of the backup becomes; those that are not in it stay what they are.
        extensions: tables of the extensions that are installed here.
    """

    folder: BackupFolder
    manifest: Manifest
    opening: Opening | None
    note: Note
    bots: Mapping[int, int] = field(default_factory=dict)
    extensions: Mapping[str, ExtensionTables] = field(default_factory=dict)

    def require_known(self) -> None:
        """Look whether everything in the backup can be brought back here.

        Raises:
            RestoreRefusedError: a newer neonpay has made it.
            ExtensionError: it has rows of an extension that is not installed; the message says what to type.
        """
        manifest = self.manifest
        if manifest.schema not in REVISIONS:
            msg = (
                f"backup {manifest.backup_id} has schema {manifest.schema!r}, and this neonpay knows up to "
                f"{REVISIONS[-1]!r}; upgrade neonpay, then restore it"
            )
            raise RestoreRefusedError(msg)
        packages = {one.name: one.package for one in manifest.extensions}
        for table in manifest.tables:
            if table.extension is not None and table.rows and table.extension not in self.extensions:
                package = packages.get(table.extension, table.extension)
                finding = f"the backup has {table.rows} rows of its table {table.name}, and it is not installed here"
                raise ExtensionError(table.extension, finding, advice=f"pip install {package}, and restore it again")

    def load(self, transaction: Transaction) -> None:
        """The unit of work after which the rows are there, each as it was; the tables are those of this release.

        Raises:
            BackupDamagedError: the backup names what its tables do not have.
            BackupError: what is in the database is not what is in the backup.
        """
        connection = transaction.connection
        make_at(connection, self.manifest.schema)
        columns = _columns_in(connection, ())
        mine = [table for table in self.manifest.tables if table.extension is None]
        for table in mine:
            if table.name != extension_tables.name:
                self._fill(transaction, table, columns)
        bring_to_newest(connection)
        for extension in self.manifest.extensions:
            if extension.name in self.extensions:
                bring_up(transaction, self.extensions[extension.name])
                now = revision_of(transaction, extension.name)
                if extension.revision is not None and now is not None and extension.revision > now:
                    finding = f"the backup has its tables as a newer version of {extension.package} makes them"
                    advice = f"pip install --upgrade {extension.package}, and restore it again"
                    raise ExtensionError(extension.name, finding, advice=advice)
        theirs = [table for table in self.manifest.tables if table.extension is not None and table.rows]
        columns = _columns_in(connection, [table.name for table in theirs])
        for table in theirs:
            self._fill(transaction, table, columns)
        set_counters(transaction, [columns[table.name] for table in theirs])

    def _fill(self, transaction: Transaction, saved: SavedTable, there: Mapping[str, sa.Table]) -> None:
        found = there.get(saved.name) if self._may_be_filled(saved) else None
        missing = set(saved.columns) - set(() if found is None else found.c.keys())
        if found is None or missing:
            what = "no such table" if found is None else f"no column {min(missing)}"
            msg = (
                f"the manifest of backup {self.manifest.backup_id} names {saved.name}, and there is {what} in a ledger"
            )
            raise BackupDamagedError(msg)
        types = {column.name: column.type for column in found.c}
        columns = [written_as(name, kind, types) for name, kind in zip(saved.columns, saved.kinds, strict=True)]
        target = sa.Table(saved.name, sa.MetaData(), *columns)
        read, arrived = _Digest(), _Digest()
        done = 0
        self.note(saved.name, done, saved.rows)
        for rows, lines in self._rows(saved):
            read.add_lines(lines)
            _insert(transaction, target, saved, rows)
            done += len(rows)
            self.note(saved.name, done, saved.rows)
        for found_rows in Kept(target, saved.columns, saved.kinds, 0).rows(transaction):
            arrived.add(found_rows)
        if read != arrived:
            msg = f"{saved.name} is not in the database as it is in the backup; nothing was kept"
            raise BackupError(msg)

    def _may_be_filled(self, saved: SavedTable) -> bool:
        """Whether a backup has such a table: a manifest that somebody else wrote writes into nothing of anybody else."""
        if saved.extension is None:
            is_theirs = saved.name.startswith("neonpay_ext_") or saved.name in {VERSION_TABLE, *NEVER}
            return saved.name.startswith("neonpay_") and not is_theirs
        return saved.name in self.extensions[saved.extension].metadata.tables

    def _rows(self, saved: SavedTable) -> Iterator[tuple[list[list[Any]], Sequence[bytes]]]:
        """Some rows at a time, and the lines that they are of; those of a row that is given to another bot are new."""
        place = saved.columns.index("bot_id") if "bot_id" in saved.columns and self.bots else None
        for lines in chunks_in(self.folder, self.manifest, saved, self.opening):
            for first in range(0, len(lines), _ROWS_AT_A_TIME):
                some: Sequence[bytes] = lines[first : first + _ROWS_AT_A_TIME]
                rows = [_row(line, saved) for line in some]
                if place is not None:
                    for row in rows:
                        row[place] = self.bots.get(row[place], row[place])
                    some = [_encoder.encode(row) for row in rows]
                yield rows, some


@dataclass(slots=True)
class _Digest:
    """A number that stands for a set of rows, in whatever order a database gives them."""

    rows: int = 0
    value: int = 0

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Count rows."""
        self.add_lines(_encoder.encode_lines(rows).splitlines())

    def add_lines(self, lines: Sequence[bytes]) -> None:
        """Count rows as lines of JSON."""
        self.rows += len(lines)
        digests = (hashlib.blake2b(line, digest_size=32).digest() for line in lines)
        self.value = (self.value + sum(int.from_bytes(digest, "big") for digest in digests)) % 2**256


def _row(line: bytes, saved: SavedTable) -> list[Any]:
    try:
        row = _decoder.decode(line)
    except msgspec.MsgspecError as exc:
        msg = f"a line of {saved.name} cannot be read: {exc}"
        raise BackupDamagedError(msg) from exc
    if len(row) != len(saved.columns):
        msg = f"a line of {saved.name} has {len(row)} values for {len(saved.columns)} columns"
        raise BackupDamagedError(msg)
    return row


def _insert(transaction: Transaction, target: sa.Table, saved: SavedTable, rows: Sequence[Sequence[Any]]) -> None:
    how = from_json(saved.kinds)
    values = [changed(row, how) for row in rows]
    connection = transaction.connection
    if not _AS_THEY_ARE.issuperset(saved.kinds):
        connection.execute(sa.insert(target), [dict(zip(saved.columns, row, strict=True)) for row in values])
        return
    # As the driver takes it: SQLAlchemy's way through as many rows takes several times as long.
    quote = connection.dialect.identifier_preparer.quote
    marks = ", ".join(
        f"${number}" if connection.dialect.name == "postgresql" else "?" for number in range(1, len(saved.columns) + 1)
    )
    names = ", ".join(map(quote, saved.columns))
    connection.exec_driver_sql(f"INSERT INTO {quote(saved.name)} ({names}) VALUES ({marks})", values)  # noqa: S608


def _columns_in(connection: sa.Connection, others: Sequence[str]) -> Mapping[str, sa.Table]:
    found = sa.MetaData()
    found.reflect(connection, only=lambda name, _: name.startswith("neonpay_") or name in others)
    return found.tables
