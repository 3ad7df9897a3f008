"""A backup is deleted by its id: in the folder, and where it was copied to when that is asked for."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from neonpay.backup.copying import remove
from neonpay.backup.elsewhere import Elsewhere
from neonpay.backup.folder import BackupFolder
from neonpay.backup.locking import locked
from neonpay.errors import BackupDamagedError, BackupNotFoundError

_PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Deleting:
    """A backup that is to be deleted, and where it was found.

    Attributes:
        there: the target that has it; None when there is none, or it is not to be looked at.
    """

    backup_id: str
    folder: BackupFolder
    is_here: bool
    there: Elsewhere | None

    @property
    def places(self) -> list[str]:
        """Where it is."""
        return [str(self.folder.path)] * self.is_here + ([] if self.there is None else [self.there.target.name])

    def run(self) -> int:
        """It is gone, and with it what no other one needs; how many bytes of the folder that was.

        Raises:
            BackupError: it could not be removed; what was removed by then is gone.
        """
        freed = 0
        if self.is_here:
            with self.folder.alone():
                freed = self.folder.remove(self.backup_id)
        if self.there is None:
            return freed
        if not self.folder.path.is_dir():
            self._remove_there(self.there)
            return freed
        with locked(self.folder.path / ".copying", patience_s=_PATIENCE_S):
            self._remove_there(self.there)
        return freed

    def _remove_there(self, there: Elsewhere) -> None:
        known = {}
        with suppress(BackupDamagedError):
            known[self.backup_id] = there.manifest(self.backup_id)
        for _ in remove(there, {self.backup_id}, known):
            pass


def found(folder: BackupFolder, backup_id: str, there: Elsewhere | None) -> Deleting:
    """Where a backup is.

    Raises:
        BackupNotFoundError: it is in neither place; the message says what is there.
        BackupCopyError: the target cannot be read.
    """
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
    return Deleting(backup_id, folder, is_here, there if is_there else None)
