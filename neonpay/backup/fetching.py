"""A backup comes back from a target into a folder, so that a machine that has nothing but the target can restore it."""

from __future__ import annotations

from neonpay.backup.elsewhere import Elsewhere
from neonpay.backup.folder import BackupFolder
from neonpay.backup.manifest import Chunk, Manifest
from neonpay.backup.packing import Note
from neonpay.backup.targets import Target
from neonpay.errors import BackupDamagedError, BackupError


def fetch(folder: BackupFolder, target: Target, backup_id: str | None, *, note: Note) -> Manifest:
    """A backup of a target is in the folder, every byte as it was written; the newest one when none is named.

    What the folder has already is not fetched again, unless it is damaged.

    Raises:
        BackupNotFoundError: the target has no such backup.
        BackupDamagedError: something of it is not as it was written; the folder has as many backups as before.
        BackupCopyError: the target cannot be read; the same.
        BackupError: the folder has another backup of this id, or cannot be written.
    """
    there = Elsewhere(target)
    wanted = there.newest() if backup_id is None else there.manifest(backup_id)
    with folder.alone():
        _refuse_another(folder, wanted)
        if wanted.encryption is not None and not (folder.path / wanted.encryption.key).is_file():
            folder.write(wanted.encryption.key, there.key(wanted.encryption.key))
        chunks = list({chunk.path: chunk for _, chunk in wanted.chunks()}.values())
        for done, chunk in enumerate(chunks, 1):
            if not _is_whole(folder, chunk):
                folder.write(chunk.path, there.chunk(chunk))
            note("fetched", done, len(chunks))
        folder.write_manifest(wanted)
    return wanted


def _refuse_another(folder: BackupFolder, wanted: Manifest) -> None:
    if wanted.backup_id not in folder.ids():
        return
    try:
        is_same = folder.manifest(wanted.backup_id).hash == wanted.hash
    except BackupDamagedError:
        return
    if not is_same:
        msg = f"{folder.path} has another backup of the id {wanted.backup_id}; name an empty folder: --directory FOLDER"
        raise BackupError(msg)


def _is_whole(folder: BackupFolder, chunk: Chunk) -> bool:
    try:
        folder.chunk(chunk)
    except BackupDamagedError:
        return False
    return True
