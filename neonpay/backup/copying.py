"""Backups of a folder are copied to a target: what it lacks, read back at once, and the manifest last."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

from neonpay.backup.elsewhere import Elsewhere
from neonpay.backup.folder import BackupFolder
from neonpay.backup.locking import locked
from neonpay.backup.manifest import MANIFEST_MOST_BYTES, Manifest
from neonpay.backup.packing import Note
from neonpay.backup.retention import Rules, to_remove
from neonpay.backup.targets import MANIFESTS, Target
from neonpay.errors import BackupCopyError, BackupDamagedError, BackupError, BackupNotFoundError

logger = logging.getLogger("neonpay.backup")

_AT_ONCE: Final = 4
"""So many files are on their way: none is large, and each waits for the network most of its time."""
_PATIENCE_S: Final = 600.0
UNFINISHED_FOR: Final = timedelta(days=1)
"""Files that no manifest names may be those of a copy that another machine is at work on, and are left alone for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What has become of the copies.

    Attributes:
        backup_ids: those that are there now and were not, newest first.
        newest: the newest one that is there.
        files, written_bytes: how much of them was written.
        removed: those that need not be kept, and are gone there.
    """

    target: str
    newest: Manifest
    backup_ids: Sequence[str] = ()
    files: int = 0
    written_bytes: int = 0
    removed: Sequence[str] = ()


class _File(NamedTuple):
    """A file of a backup, and what reads it here."""

    path: str
    size: int | None
    read: Callable[[], bytes]


def copy(folder: BackupFolder, target: Target, *, rules: Rules, now: datetime, note: Note) -> Copied:
    """Every backup of a folder that the rules keep is at the target, read back from there; those that need not be are gone.

    What was not copied before is copied now. One that is cut off leaves those that are there as they are.

    Raises:
        BackupNotFoundError: the folder has none.
        BackupDamagedError: the newest one cannot be read here.
        BackupCopyError: it could not be copied, or was read back as something else.
        BackupBusyError: another process has been copying for ten minutes.
    """
    folder.make()
    with locked(folder.path / ".copying", patience_s=_PATIENCE_S):
        mine = folder.manifests()
        if not mine:
            msg = f"there is no backup in {folder.path}; make one: neonpay backup create"
            raise BackupNotFoundError(msg)
        there = Elsewhere(target)
        copying = _Copying(folder, there, there.manifests(), note)
        every = {one.backup_id: one for one in [*copying.manifests, *mine]}
        dated = [one.dated for one in every.values()]
        gone = _of_my_shops(to_remove(dated, rules, now), every, mine) - {mine[0].backup_id}
        done = []
        for one in [one for one in mine if one.backup_id not in gone and not copying.is_there(one)]:
            try:
                copying.copy(one)
            except BackupDamagedError as error:
                if one is mine[0]:
                    raise
                logger.warning("%s; it is not copied to %s", error, target.name)
                continue
            done.append(one.backup_id)
        removed = []
        try:
            for backup_id in remove(Elsewhere(target), gone, every):
                removed.append(backup_id)  # noqa: PERF402  # those of before one that cannot be removed are gone
        except BackupError as error:
            logger.warning("copies that need not be kept could not be removed: %s", error)
    return Copied(
        target=target.name,
        newest=mine[0],
        backup_ids=done,
        files=copying.files,
        written_bytes=copying.written_bytes,
        removed=removed,
    )


class _Copying:
    def __init__(self, folder: BackupFolder, there: Elsewhere, manifests: Sequence[Manifest], note: Note) -> None:
        self._folder = folder
        self._there = there
        self.manifests = manifests
        self._note = note
        # What a manifest there names was read back before the manifest was written.
        self._read_back = {path for one in manifests for path in _named(one)}
        self.files = 0
        self.written_bytes = 0

    def is_there(self, one: Manifest) -> bool:
        """Whether a backup is at the target, as far as its manifest and the list of files say.

        Raises:
            BackupCopyError: another one of its id is, which is somebody else's.
        """
        theirs = next((found for found in self.manifests if found.backup_id == one.backup_id), None)
        if theirs is None:
            return False
        if theirs.hash != one.hash:
            msg = (
                f"{self._there.target.name} has another backup of the id {one.backup_id}: each folder of backups needs a "
                "target of its own"
            )
            raise BackupCopyError(msg)
        return all(self._there.has(file.path, file.size) for file in self._files(one))

    def copy(self, one: Manifest) -> None:
        """The unit of a backup: its files, and then its manifest."""
        missing = [file for file in self._files(one) if not self._is_kept(file)]
        done = 0
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="neonpay-copy") as pool:
            try:
                for written in pool.map(self._bring, missing):
                    done += 1
                    self.files += written > 0
                    self.written_bytes += written
                    self._note(one.backup_id, done, len(missing))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        path = f"{MANIFESTS}/{one.backup_id}.json"
        self.written_bytes += self._put(_File(path, None, partial(self._folder.read, path, MANIFEST_MOST_BYTES)))
        self.files += 1
        self._read_back.update(_named(one))

    def _files(self, one: Manifest) -> Iterator[_File]:
        for path, chunk in {chunk.path: chunk for _, chunk in one.chunks()}.items():
            yield _File(path, chunk.size, partial(self._folder.chunk, chunk))
        if one.encryption is not None:
            yield _File(one.encryption.key, None, partial(self._folder.key, one.encryption.key))

    def _is_kept(self, file: _File) -> bool:
        return file.path in self._read_back and self._there.has(file.path, file.size)

    def _bring(self, file: _File) -> int:
        """The bytes that were written; none when one that was cut off has left the file, whole."""
        if self._there.has(file.path, file.size):
            data = file.read()
            try:
                if self._there.target.get(file.path, len(data)) == data:
                    return 0
            except BackupCopyError:
                pass  # it is written anew
        return self._put(file)

    def _put(self, file: _File) -> int:
        target = self._there.target
        data = file.read()
        target.put(file.path, data)
        back = target.get(file.path, len(data))
        if hashlib.sha256(back).digest() != hashlib.sha256(data).digest():
            msg = f"{target.name}/{file.path} was not read back as it was written"
            raise BackupCopyError(msg)
        return len(data)


def remove(there: Elsewhere, gone: AbstractSet[str], known: Mapping[str, Manifest]) -> Iterator[str]:
    """These backups are gone at the target, each when its id comes, and in the end what no other one there names of them.

    What no manifest has named goes when it is older than ``UNFINISHED_FOR``, by the times that the target tells.

    Args:
        known: manifests by id, also those that a list of files is late to name; those of ``gone`` that can be read among them.

    Raises:
        BackupCopyError: something could not be removed, which may be done another time.
        BackupDamagedError: a manifest there cannot be read, so that nobody knows what it names; no file has gone.
    """
    removed = [backup_id for backup_id in there.ids() if backup_id in gone]
    for backup_id in removed:
        there.target.delete(f"{MANIFESTS}/{backup_id}.json")
        yield backup_id
    kept = [one for one in known.values() if one.backup_id not in gone]
    kept += [there.manifest(one) for one in there.ids() if one not in known and one not in gone]
    named = {path for one in kept for path in _named(one)}
    mine = {path for backup_id in removed if backup_id in known for path in _named(known[backup_id])}
    for path in [path for path in there.files if not path.startswith(f"{MANIFESTS}/")]:
        if path not in named and (path in mine or _is_given_up(there, path)):
            there.target.delete(path)


def _is_given_up(there: Elsewhere, path: str) -> bool:
    written_at = there.files[path].written_at
    # By the clock of the target alone: its newest file is no later than its now.
    now = max((one.written_at for one in there.files.values() if one.written_at is not None), default=None)
    return now is not None and written_at is not None and now - written_at > UNFINISHED_FOR


def _of_my_shops(ids: Iterable[str], every: Mapping[str, Manifest], mine: Sequence[Manifest]) -> set[str]:
    """Those of shops that the folder has backups of: the rules here are not those of whoever else copies there."""
    bots = {bot_id for one in mine for bot_id in one.bot_ids}
    return {one for one in ids if every[one] in mine or not bots.isdisjoint(every[one].bot_ids)}


def _named(one: Manifest) -> Iterator[str]:
    for _, chunk in one.chunks():
        yield chunk.path
    if one.encryption is not None:
        yield one.encryption.key
