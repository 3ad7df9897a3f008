"""A backup is deleted by its id: in the folder, and where it was copied to when that is asked for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Final

from neonpay.backup.config import BackupConfig
from neonpay.backup.elsewhere import Elsewhere
from neonpay.backup.folder import BackupFolder
from neonpay.backup.locking import locked
from neonpay.backup.removing import remove
from neonpay.errors import BackupDamagedError, BackupNotFoundError

logger = logging.getLogger("neonpay.backup")

_PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A backup that is gone.

    Attributes:
        freed_bytes: how many bytes of the folder no other one needed.
        places: where it was, and is no longer.
        stays_in: where backups are copied to, when nothing was removed there; a copy that is there stays.
    """

    backup_id: str
    freed_bytes: int
    places: Sequence[str]
    stays_in: str | None = None


@dataclass(frozen=True, slots=True)
class Deleting:
    """A backup that is to be deleted, and where it was found.

    Attributes:
        there: the target that has it; None when there is none, or it is not to be looked at.
        stays_in: the name of one that was not to be looked at.
    """

    backup_id: str
    folder: BackupFolder
    is_here: bool
    there: Elsewhere | None
    stays_in: str | None

    @property
    def places(self) -> list[str]:
        """Where it is."""
        return [str(self.folder.path)] * self.is_here + ([] if self.there is None else [self.there.target.name])

    def run(self) -> Deleted:
        """It is gone, and with it what no other one needs.

        Raises:
            BackupError: it could not be removed; what was removed by then is gone.
        """
        freed_bytes = 0
        if self.is_here:
            with self.folder.alone():
                freed_bytes = self.folder.remove(self.backup_id)
        if self.there is not None:
            with self._no_copying():
                self._remove_there(self.there)
        if self.stays_in is not None:
            logger.info("a copy of backup %s that is in %s stays", self.backup_id, self.stays_in)
        return Deleted(
            backup_id=self.backup_id, freed_bytes=freed_bytes, places=tuple(self.places), stays_in=self.stays_in
        )

    def _no_copying(self) -> AbstractContextManager[None]:
        if not self.folder.path.is_dir():
            return nullcontext()
        return locked(self.folder.path / ".copying", patience_s=_PATIENCE_S)

    def _remove_there(self, there: Elsewhere) -> None:
        # Those that are here keep what they name, also when the list there is late to name their manifests.
        known = {one.backup_id: one for one in self.folder.manifests()}
        with suppress(BackupDamagedError):
            known[self.backup_id] = there.manifest(self.backup_id)
        for _ in remove(there, {self.backup_id}, known):
            pass


def found(config: BackupConfig, backup_id: str, *, copy: bool) -> Deleting:
    """Where a backup is that is to be deleted.

    Args:
        copy: look for it where it was copied to as well.

    Raises:
        BackupNotFoundError: it is in no place that was looked at; the message says what is there.
        BackupCopyError: the target cannot be read.
        ConfigurationError: a copy is to be looked for, and nothing says where.
    """
    folder = BackupFolder(config.folder)
    there = Elsewhere(config.target) if copy else None
    is_here = backup_id in folder.ids()
    is_there = there is not None and backup_id in there.ids()
    if not (is_here or is_there):
        if there is None:
            raise folder.has_no(backup_id)
        msg = (
            f"there is no backup {backup_id!r} in {folder.path}, nor in {there.target.name}; see: neonpay backup list, and "
            "neonpay backup list --from TARGET"
        )
        raise BackupNotFoundError(msg)
    stays_in = None if copy or config.copy_to is None else config.target.name
    return Deleting(backup_id, folder, is_here, there if is_there else None, stays_in)
