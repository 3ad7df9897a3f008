"""A backup is made, told of in the ledger, and those that need not be kept are removed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from neonpay.backup.checking import Verified, verify
from neonpay.backup.config import BackupConfig
from neonpay.backup.copying import Copied, copy
from neonpay.backup.drilling import Drill, drill
from neonpay.backup.elsewhere import Elsewhere, verify_copies
from neonpay.backup.fetching import fetch
from neonpay.backup.folder import BackupFolder
from neonpay.backup.kinds import EXTENTS, BackupType, Form, extent_of, form_of
from neonpay.backup.manifest import Manifest
from neonpay.backup.packing import Note
from neonpay.backup.restoring import Restored
from neonpay.backup.retention import to_remove
from neonpay.backup.runs import Act, Run, record
from neonpay.backup.saving import Wanted, save
from neonpay.backup.targets import Target
from neonpay.core.clock import Clock, moment
from neonpay.core.text import error_words
from neonpay.errors import (
    BackupCopyError,
    BackupError,
    BackupNotFoundError,
    LedgerError,
    LedgerUnavailableError,
    RestoreRefusedError,
)
from neonpay.ledger import ExtensionTables, Ledger
from neonpay.store.ids import new_event_id

logger = logging.getLogger("neonpay.backup")


def _nothing(table: str, done: int, total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Keeper:
    """Makes the backups of one ledger, in a thread without an event loop.

    Args:
        ledger: one that nobody who sells waits for.
        rest: called after some rows.
    """

    ledger: Ledger
    config: BackupConfig
    clock: Clock
    note: Note = _nothing
    rest: Callable[[], None] = lambda: None

    @property
    def folder(self) -> BackupFolder:
        """Where they are kept."""
        return BackupFolder(self.config.folder)

    def make(
        self, *, description: str = "", backup_type: BackupType | None = None, form: Form | None = None
    ) -> Manifest:
        """A new backup is there, also at the target where there is one, and those that need not be kept are gone.

        Args:
            backup_type: how much is written anew, or the form; what the configuration says when left out.
            form: the same, for whoever says both.

        Raises:
            BackupCopyError: it was made, and was not copied; the ledger says so as well, where it can.
            BackupError, LedgerError, ConfigurationError: it could not be made; the same.
        """
        config = self.config
        wanted = Wanted(
            description=description,
            backup_type=config.extent if backup_type is None else extent_of(backup_type),
            form=form or (config.form if backup_type is None or backup_type in EXTENTS else form_of(backup_type)),
            compression="zstd" if config.compression else "none",
            secrets=config.secrets,
            rest=self.rest,
        )
        began_at = self._now()
        try:
            made = save(self.ledger, self.folder, wanted, clock=self.clock, note=self.note)
        except Exception as error:
            self._record("backup", None, began_at, error=error, description=description)
            raise
        self._record("backup", made.backup_id, began_at, of=made, description=description)
        self._remove_old()
        if config.copy_to is not None:
            try:
                self.copy(config.target)
            except BackupCopyError as error:
                error.add_note(
                    f"backup {made.backup_id} itself is made, and good; to copy it, run: neonpay backup copy"
                )
                raise
        return made

    def copy(self, target: Target) -> Copied:
        """Every backup that is kept is at a target as well, read back from there.

        Raises:
            BackupCopyError: it is not; the ledger says so as well, where it can.
            BackupNotFoundError: there is none.
        """
        began_at = self._now()
        try:
            copied = copy(self.folder, target, rules=self.config.rules, now=began_at, note=self.note)
        except BackupNotFoundError:
            raise
        except Exception as error:
            self._record("copy", None, began_at, error=error, place=target.name)
            if isinstance(error, BackupCopyError):
                raise
            msg = f"the backup is whole, and was not copied to {target.name}: {error}"
            raise BackupCopyError(msg) from error
        newest = copied.newest
        self._record("copy", newest.backup_id, began_at, of=newest, added=copied.written_bytes, place=target.name)
        return copied

    def verify_copies(self, target: Target, backup_id: str | None = None) -> tuple[Sequence[str], int]:
        """A backup, or every one, was read back from a target, every byte of it; which, and how many files that were.

        Raises:
            BackupNotFoundError: there is none.
            BackupDamagedError, BackupCopyError: one is not as it was written, or cannot be read; the ledger says so as well.
        """
        began_at = self._now()
        try:
            there = Elsewhere(target)
            ids = [backup_id] if backup_id is not None else (there.ids() or [there.newest().backup_id])
            files = verify_copies(there, ids, folder=self.folder, note=self.note)
        except BackupNotFoundError:
            raise
        except Exception as error:
            self._record("verify", backup_id, began_at, error=error, place=target.name)
            raise
        self._record("verify", ids[-1], began_at, place=target.name)
        return ids, files

    def fetch(self, target: Target, backup_id: str | None = None) -> Manifest:
        """A backup of a target is in the folder; raises as ``neonpay.backup.fetching.fetch`` does."""
        return fetch(self.folder, target, backup_id, note=self.note)

    def verify(self, backup_id: str) -> Verified:
        """A backup was read back, every byte of it; raises as ``neonpay.backup.checking.verify`` does."""
        began_at = self._now()
        try:
            found = verify(self.folder, backup_id, secrets=self.config.secrets, note=self.note)
        except BackupNotFoundError:
            raise
        except Exception as error:
            self._record("verify", backup_id, began_at, error=error)
            raise
        self._record("verify", backup_id, began_at, of=found.manifest)
        return found

    def drill(self, extensions: tuple[ExtensionTables, ...], *, backup_id: str | None = None) -> Restored:
        """The newest backup, or another one, was restored into a database that nobody uses, and its books were proved.

        Raises:
            BackupNotFoundError: there is none.
            RestoreRefusedError: it goes into PostgreSQL alone, where no database can be made; the message says what to type.
            BackupError, LedgerError, ConfigurationError: it could not be restored; the ledger says so as well.
        """
        chosen = backup_id or self.newest().backup_id
        began_at = self._now()
        wanted = Drill(backup_id=chosen, secrets=self.config.secrets, extensions=extensions)
        try:
            found = drill(self.folder, wanted, self.ledger, clock=self.clock, note=self.note)
        except RestoreRefusedError:
            raise
        except Exception as error:
            self._record("drill", chosen, began_at, error=error)
            raise
        findings = sum(proof.findings_count for proof in found.proofs)
        words = f"{findings} findings in its books" if findings else ""
        self._record("drill", chosen, began_at, of=found.manifest, description=words)
        return found

    def newest(self) -> Manifest:
        """The newest backup that can be read; raises BackupNotFoundError when there is none."""
        return newest_in(self.folder)

    def _remove_old(self) -> None:
        """What cannot be removed now is removed next time: the new backup is there whatever becomes of old ones."""
        dated = [one.dated for one in self.folder.manifests()]
        gone = to_remove(dated, self.config.rules, self._now())
        try:
            with self.folder.alone():
                for backup_id in gone:
                    self.folder.remove(backup_id)
                if not gone:
                    self.folder.sweep()
        except BackupError as error:
            logger.warning("backups that need not be kept could not be removed: %s", error)

    def _record(
        self,
        act: Act,
        backup_id: str | None,
        began_at: datetime,
        *,
        of: Manifest | None = None,
        error: BaseException | None = None,
        description: str = "",
        added: int | None = None,
        place: str | None = None,
    ) -> None:
        if added is None:
            added = 0 if of is None or act != "backup" else of.added
        run = Run(
            run_id=new_event_id(),
            act=act,
            backup_id=backup_id,
            place=place or str(self.config.folder),
            began_at=began_at,
            ended_at=self._now(),
            size_bytes=0 if of is None else of.size,
            added_bytes=added,
            description=description,
            error=None if error is None else error_words(error),
        )
        try:
            self.ledger.run_sync(record, run)
        except LedgerError as exc:
            if isinstance(error, LedgerUnavailableError):
                return  # which says it
            logger.warning("the ledger could not be told of a %s: %s", act, exc)

    def _now(self) -> datetime:
        return moment(self.clock.now_us())


def newest_in(folder: BackupFolder) -> Manifest:
    """The newest backup of a folder that can be read; raises BackupNotFoundError when there is none."""
    found = folder.manifests()
    if not found and folder.ids():
        msg = f"no backup in {folder.path} can be read; see: neonpay backup list"
        raise BackupNotFoundError(msg)
    if not found:
        msg = f"there is no backup in {folder.path}; make one: neonpay backup create"
        raise BackupNotFoundError(msg)
    return found[0]
