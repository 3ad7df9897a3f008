"""The rows of a backup go into a database that has none: as its own release made the tables, then as this one does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import sqlalchemy as sa

from neonpay.backup.checking import chunks_in, pieces_in
from neonpay.backup.encryption import Opening
from neonpay.backup.filling import Filling, Taken, without_indexes
from neonpay.backup.folder import BackupFolder
from neonpay.backup.manifest import Manifest, SavedTable
from neonpay.backup.packing import Note
from neonpay.backup.sites import Site
from neonpay.backup.tables import NEVER, revision_of
from neonpay.backup.values import written_as
from neonpay.books.extension_rows import set_counters
from neonpay.errors import BackupDamagedError, ExtensionError, RestoreRefusedError
from neonpay.ledger import ExtensionTables, Transaction
from neonpay.ledger.extension_tables import bring_up
from neonpay.ledger.migrate import REVISIONS, VERSION_TABLE, bring_to_newest, make_at, standing
from neonpay.ledger.table_kit import metadata
from neonpay.ledger.tables import extension_tables


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

    def load(self, site: Site) -> None:
        """The rows are there, each as it was; the tables are those of this release.

        Every byte of the backup was read and is as it was written, but those of ``content``, which are checked as they come.

        Raises:
            BackupDamagedError: a file is not as it was written, or the backup names what its tables do not have.
            BackupError: what is in the database is not what is in the backup.
        """
        if self.manifest.form == "sqlite":
            site.step(self._take_over)
            return
        mine, theirs, others = self._sorted()
        for table in others:
            for _ in chunks_in(self.folder, self.manifest, table, self.opening):
                pass  # damaged as well is what nobody loads
        filled, taken = site.step(lambda transaction: self._fill_own(transaction, mine))
        # What takes longest comes first.
        units = {one.saved.name: [one.prove] for one in sorted(filled, key=lambda one: -one.saved.rows)}
        for name, statement in taken.makes:
            units.setdefault(name, []).append(partial(_run, statement))
        site.together(list(chain.from_iterable(units.values())))
        site.step(lambda transaction: self._complete(transaction, mine, theirs, taken.keys))

    def _fill_own(self, transaction: Transaction, mine: Sequence[SavedTable]) -> tuple[list[Filling], Taken]:
        # One after the other: what a second connection would win is lost where Python makes rows of lines for both.
        connection = transaction.connection
        make_at(connection, self.manifest.schema)
        columns = _columns_in(connection, ())
        taken = without_indexes(connection)
        return [self._fill(transaction, table, columns) for table in mine], taken

    def _complete(
        self, transaction: Transaction, mine: Sequence[SavedTable], theirs: Sequence[SavedTable], keys: Sequence[str]
    ) -> None:
        connection = transaction.connection
        for statement in keys:
            connection.exec_driver_sql(statement)
        bring_to_newest(connection)
        self._bring_up(transaction)
        columns = _columns_in(connection, [table.name for table in theirs])
        for table in theirs:
            self._fill(transaction, table, columns).prove(transaction)
        set_counters(transaction, [columns[table.name] for table in theirs])
        if connection.dialect.name == "postgresql":
            # It knows nothing of new tables, and would look up row by row what is proved of the books, and sold, next.
            quote = connection.dialect.identifier_preparer.quote
            tables = [quote(table.name) for table in (*mine, *theirs) if table.rows]
            if tables:
                # Few rows tell enough for that. The server looks at more by itself: all are new to it once they are kept.
                connection.exec_driver_sql("SET LOCAL default_statistics_target = 10")
                connection.exec_driver_sql(f"ANALYZE {', '.join(tables)}")

    def _sorted(self) -> tuple[list[SavedTable], list[SavedTable], list[SavedTable]]:
        """Tables of the ledger, those of extensions, and those that are not filled: which there are is said anew."""
        mine: list[SavedTable] = []
        theirs: list[SavedTable] = []
        others: list[SavedTable] = []
        for table in self.manifest.tables:
            if table.extension is not None:
                (theirs if table.rows else others).append(table)
            else:
                (mine if table.name != extension_tables.name else others).append(table)
        return mine, theirs, others

    def content(self) -> Iterator[bytes]:
        """What is in the database's file before ``load``; raises BackupDamagedError when it is not as it was written."""
        total = len(self.manifest.file)
        for number, piece in enumerate(pieces_in(self.folder, self.manifest, self.opening), 1):
            yield piece
            self.note("file", number, total)

    def _take_over(self, transaction: Transaction) -> None:
        """The tables are in the file; who was in is not brought back."""
        connection = transaction.connection
        found = standing(connection)
        if found is None or found.revision != self.manifest.schema:
            msg = f"the file in backup {self.manifest.backup_id} has not the schema that its manifest says"
            raise BackupDamagedError(msg)
        bring_to_newest(connection)
        for name in sorted(NEVER):
            connection.execute(sa.delete(metadata.tables[name]))
        self._bring_up(transaction)

    def _bring_up(self, transaction: Transaction) -> None:
        for extension in self.manifest.extensions:
            if extension.name in self.extensions:
                bring_up(transaction, self.extensions[extension.name])
                now = revision_of(transaction, extension.name)
                if extension.revision is not None and now is not None and extension.revision > now:
                    finding = f"the backup has its tables as a newer version of {extension.package} makes them"
                    advice = f"pip install --upgrade {extension.package}, and restore it again"
                    raise ExtensionError(extension.name, finding, advice=advice)

    def _fill(self, transaction: Transaction, saved: SavedTable, there: Mapping[str, sa.Table]) -> Filling:
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
        for column in columns:
            own = found.c[column.name]
            column.nullable, column.server_default = bool(own.nullable), own.server_default
        target = sa.Table(saved.name, sa.MetaData(), *columns)
        # How an extension makes its tables is its own business.
        filling = Filling(
            target,
            saved,
            self.manifest.form,
            self.bots,
            parts=lambda: chunks_in(self.folder, self.manifest, saved, self.opening),
            is_new=saved.extension is None,
        )
        self.note(saved.name, 0, saved.rows)
        filling.add(transaction, lambda done: self.note(saved.name, done, saved.rows))
        return filling

    def _may_be_filled(self, saved: SavedTable) -> bool:
        """Whether a backup has such a table: a manifest that somebody else wrote writes into nothing of anybody else."""
        if saved.extension is None:
            is_theirs = saved.name.startswith("neonpay_ext_") or saved.name in {VERSION_TABLE, *NEVER}
            return saved.name.startswith("neonpay_") and not is_theirs
        return saved.name in self.extensions[saved.extension].metadata.tables


def _run(statement: str, transaction: Transaction) -> None:
    transaction.connection.exec_driver_sql(statement)


def _columns_in(connection: sa.Connection, others: Sequence[str]) -> Mapping[str, sa.Table]:
    found = sa.MetaData()
    found.reflect(connection, only=lambda name, _: name.startswith("neonpay_") or name in others)
    return found.tables
