"""A backup is tried out: restored into a database that nobody uses, which is thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Final

from neonpay.backup import swap_sqlite
from neonpay.backup.encryption import Secrets
from neonpay.backup.folder import BackupFolder, lacks_room, told
from neonpay.backup.loading import Loading
from neonpay.backup.packing import Note
from neonpay.backup.restoring import Made, Making, Order, Restored, Scratch, try_out
from neonpay.backup.sites import InFile
from neonpay.core.clock import Clock
from neonpay.errors import BackupError, LedgerFullError
from neonpay.ledger import ExtensionTables, Ledger
from neonpay.ledger.beside import OnServer
from neonpay.ledger.open import place_of

_SQLITE: Final = "sqlite:///drill.db"
_POSTGRESQL: Final = "postgresql:///drill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What is to be tried out, and what opens it."""

    backup_id: str
    secrets: Secrets
    extensions: Sequence[ExtensionTables]

    def order(self, engine_url: str) -> Order:
        """The order for an engine."""
        return Order(
            backup_id=self.backup_id,
            database_url=engine_url,
            secrets=self.secrets,
            extensions=self.extensions,
        )


def drill(folder: BackupFolder, wanted: Drill, ledger: Ledger, *, clock: Clock, note: Note) -> Restored:
    """A backup was restored and its books were proved: in a file of SQLite, or beside the ledger when it goes there alone.

    Raises:
        RestoreRefusedError: it goes into PostgreSQL alone, and no database for it can be made; the message says what to type.
        BackupError, LedgerError, ConfigurationError: it could not be restored.
    """
    manifest = folder.manifest(wanted.backup_id)
    if manifest.form == "postgresql" and isinstance(ledger, OnServer):
        return try_out(folder, wanted.order(_POSTGRESQL), _beside(ledger, wanted, clock), clock=clock, note=note)

    def in_file(loading: Loading, making: Making) -> tuple[str, Made]:
        try:
            with (
                told("there is no room for a database that is tried out"),
                TemporaryDirectory(prefix="neonpay-") as place,
                swap_sqlite.new_file(Path(place) / "drill.db", clock, loading.content()) as transaction,
            ):
                return str(Path(place) / "drill.db"), making(InFile(transaction))
        except (BackupError, LedgerFullError) as error:
            if lacks_room(error):
                error.add_note(f"it was tried out in {gettempdir()}; the variable TMPDIR names a folder with more room")
            raise

    return try_out(folder, wanted.order(_SQLITE), in_file, clock=clock, note=note)


def _beside(ledger: OnServer, wanted: Drill, clock: Clock) -> Scratch:
    from neonpay.backup import scratch_postgresql, sites_postgresql  # their driver is an extra

    line = f"neonpay backup restore {wanted.backup_id} --database postgresql://USER@HOST/A_DATABASE_OF_ITS_OWN"
    again = f"neonpay backup drill {wanted.backup_id}"

    def in_database(_: Loading, making: Making) -> tuple[str, Made]:
        with scratch_postgresql.scratch(ledger, clock, line, again) as url:
            made = making(sites_postgresql.InSteps(url, clock, ledger.connecting))
        return place_of(url.render_as_string()), made

    return in_database
