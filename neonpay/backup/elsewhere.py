"""What lies at a target, read as hostile input: only names that backups have, and only bytes that a manifest names."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath

from neonpay.backup import manifest
from neonpay.backup.folder import KEY_MOST_BYTES, BackupFolder
from neonpay.backup.info import BackupInfo, damaged_info, info_with
from neonpay.backup.kinds import BackupStatus
from neonpay.backup.manifest import ID, MANIFEST_MOST_BYTES, Chunk, Manifest
from neonpay.backup.packing import Note
from neonpay.backup.targets import MANIFESTS, REMOVING, Listed, Target
from neonpay.core.clock import moment
from neonpay.errors import BackupCopyError, BackupDamagedError, BackupError, BackupNotFoundError

logger = logging.getLogger("neonpay.backup")


class Elsewhere:
    """The backups at a target, as it was when it was asked first."""

    def __init__(self, target: Target) -> None:
        self.target = target

    @cached_property
    def files(self) -> Mapping[str, Listed]:
        """The files that are there; raises BackupCopyError."""
        return self.target.list()

    def ids(self) -> list[str]:
        """The ids of the backups that are there; raises BackupCopyError."""
        return sorted(PurePosixPath(path).stem for path in self.files if path.startswith(f"{MANIFESTS}/"))

    @property
    def has_marks(self) -> bool:
        """Whether somebody was removing backups; raises BackupCopyError."""
        return any(path.startswith(f"{REMOVING}/") for path in self.files)

    def has(self, path: str, size: int | None) -> bool:
        """Whether a file is there, with its size as far as the target tells that."""
        if path not in self.files:
            return False
        found = self.files[path].size
        return found is None or size is None or found == size

    def manifest(self, backup_id: str) -> Manifest:
        """The manifest of a backup.

        Raises:
            BackupNotFoundError: there is none of this id.
            BackupDamagedError: it is not as it was written.
            BackupCopyError: the target cannot be read.
        """
        path = f"{MANIFESTS}/{backup_id}.json"
        if not ID.fullmatch(backup_id) or path not in self.files:
            msg = f"there is no backup {backup_id!r} in {self.target.name}; see: neonpay backup list --from TARGET"
            raise BackupNotFoundError(msg)
        size = self.files[path].size
        if size is not None and size > MANIFEST_MOST_BYTES:
            msg = f"the manifest of backup {backup_id} is none: {size} bytes where {MANIFEST_MOST_BYTES} are the most"
            raise BackupDamagedError(msg)
        return manifest.read(backup_id, self.target.get(path, MANIFEST_MOST_BYTES))

    def manifests(self, known: Mapping[str, Manifest] | None = None) -> list[Manifest]:
        """Those that can be read, newest first; what is said of the others is in the log.

        Args:
            known: those that were read already, by id.
        """
        found = []
        for backup_id in self.ids():
            try:
                found.append((known or {}).get(backup_id) or self.manifest(backup_id))
            except BackupDamagedError as error:
                logger.warning("%s: %s", self.target.name, error)
        return sorted(found, key=lambda one: one.created_at, reverse=True)

    def newest(self) -> Manifest:
        """The newest one that can be read; raises BackupNotFoundError when there is none."""
        for one in self.manifests():
            return one
        if self.ids():
            msg = f"no backup in {self.target.name} can be read; see: neonpay backup list --from TARGET"
            raise BackupNotFoundError(msg)
        msg = f"there is no backup in {self.target.name}; copy some there: neonpay backup copy --copy-to TARGET"
        raise BackupNotFoundError(msg)

    def chunk(self, chunk: Chunk) -> bytes:
        """The file of a chunk, every byte of which is as it was written.

        Raises:
            BackupDamagedError: it is not.
            BackupCopyError: the target cannot be read.
        """
        if not self.has(chunk.path, chunk.size):
            msg = f"{self.target.name}: {chunk.path} is not there as it was written"
            raise BackupDamagedError(msg)
        data = self.target.get(chunk.path, chunk.size)
        if len(data) != chunk.size or hashlib.sha256(data).hexdigest() != chunk.digest:
            msg = f"{self.target.name}: {chunk.path} is not as it was written"
            raise BackupDamagedError(msg)
        return data

    def key(self, path: str) -> bytes:
        """A key as it is wrapped; raises as ``chunk`` does."""
        if path not in self.files:
            msg = f"{self.target.name}: {path} is not there"
            raise BackupDamagedError(msg)
        return self.target.get(path, KEY_MOST_BYTES)

    def infos(self) -> list[BackupInfo]:
        """Every backup that is there, newest first; one that cannot be read says why."""
        found = []
        for backup_id in self.ids():
            place = f"{self.target.name}/{MANIFESTS}/{backup_id}.json"
            try:
                found.append(self._info(backup_id, place))
            except BackupCopyError:
                raise
            except BackupError as error:
                written_at = self.files[f"{MANIFESTS}/{backup_id}.json"].written_at
                found.append(damaged_info(backup_id, written_at or moment(0), place, error))
        return sorted(found, key=lambda one: (one.created_at, one.backup_id), reverse=True)

    def _info(self, backup_id: str, place: str) -> BackupInfo:
        of_it = self.manifest(backup_id)
        missing = next((chunk.path for _, chunk in of_it.chunks() if not self.has(chunk.path, chunk.size)), None)
        error = None if missing is None else f"{self.target.name}: {missing} is not there as it was written"
        return info_with(of_it, BackupStatus.COMPLETED, place, error)


def verify_copies(there: Elsewhere, ids: Sequence[str], *, folder: BackupFolder, note: Note) -> int:
    """Every file that these backups name was read back from a target, each once, and is as it was written; how many that were.

    Keys have no hash, and are compared with those of the folder as far as it has them.

    Raises:
        BackupNotFoundError: there is no such backup.
        BackupDamagedError: something of one is not as it was written; the message names the file.
        BackupCopyError: the target cannot be read.
    """
    named = {backup_id: there.manifest(backup_id) for backup_id in ids}
    chunks = {chunk.path: chunk for one in named.values() for _, chunk in one.chunks()}
    keys = {one.encryption.key for one in named.values() if one.encryption is not None}
    for path in keys:
        data = there.key(path)
        if (folder.path / path).is_file() and folder.key(path) != data:
            msg = f"{there.target.name}: {path} is not the key that {folder.path} has"
            raise BackupDamagedError(msg)
    for done, chunk in enumerate(chunks.values(), 1):
        there.chunk(chunk)
        note("copies", done, len(chunks))
    return len(named) + len(keys) + len(chunks)
