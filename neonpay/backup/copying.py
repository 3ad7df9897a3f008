"""Backups of a folder are copied to a target: what it lacks, read back at once, and the manifest last."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from neonpay.backup.elsewhere import Elsewhere
from neonpay.backup.folder import BackupFolder
from neonpay.backup.locking import locked
from neonpay.backup.manifest import MANIFEST_MOST_BYTES, Manifest
from neonpay.backup.packing import Note
from neonpay.backup.removing import named_in, remove, wait_for_removals
from neonpay.backup.retention import Rules, to_remove
from neonpay.backup.targets import MANIFESTS, Target
from neonpay.errors import BackupCopyError, BackupDamagedError, BackupError, BackupNotFoundError

logger = logging.getLogger("neonpay.backup")

_AT_ONCE: Final = 4
"""So many files are on their way: none is large, and each waits for the network most of its time."""
_PATIENCE_S: Final = 600.0
_LOOKS: Final = 4
"""So often files are brought that somebody else has removed meanwhile."""


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

    What was not copied before is copied now. One that is cut off leaves those that are there as they are. What another machine
    removes meanwhile, of files that both have, is brought again.

    Raises:
        BackupNotFoundError: the folder has none.
        BackupDamagedError: the newest one cannot be read here.
        BackupCopyError: it could not be copied, was read back as something else, or somebody else removes it again and again.
        BackupBusyError: another process has been copying for ten minutes.
    """
    folder.make()
    with locked(folder.path / ".copying", patience_s=_PATIENCE_S):
        mine = folder.manifests()
        if not mine:
            msg = f"there is no backup in {folder.path}; make one: neonpay backup create"
            raise BackupNotFoundError(msg)
        copying = _Copying(folder, target, note)
        every = {one.backup_id: one for one in [*copying.manifests, *mine]}
        dated = [one.dated for one in every.values()]
        gone = _of_my_shops(to_remove(dated, rules, now), every, mine) - {mine[0].backup_id}
        kept = [one for one in mine if one.backup_id not in gone]
        done = copying.bring(kept)
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
    def __init__(self, folder: BackupFolder, target: Target, note: Note) -> None:
        self._folder = folder
        self._target = target
        self._note = note
        self.files = 0
        self.written_bytes = 0
        self._known: dict[str, Manifest] = {}
        self._written: set[str] = set()
        self._look()

    def _look(self) -> None:
        self._there = Elsewhere(self._target)
        self.manifests = self._there.manifests(self._known)
        self._known.update({one.backup_id: one for one in self.manifests})
        # What a manifest there names was read back before the manifest was written.
        self._read_back = {path for one in self.manifests for path in named_in(one)}

    def bring(self, kept: Sequence[Manifest]) -> list[str]:
        """These backups, newest first, are at the target, but those that are damaged here; which of them were not.

        Raises:
            BackupDamagedError: the newest one is damaged here.
            BackupCopyError: one could not be copied.
        """
        done: list[str] = []
        whole = list(kept)
        is_looked_at = not self._there.has_marks
        for _ in range(_LOOKS):
            written_before = self.files
            for one in [one for one in whole if not self.is_there(one)]:
                try:
                    self.copy(one)
                except BackupDamagedError as error:
                    if one is kept[0]:
                        raise
                    logger.warning("%s; it is not copied to %s", error, self._target.name)
                    whole.remove(one)
                    continue
                done += [one.backup_id] * (one.backup_id not in done)
            if is_looked_at and self.files == written_before:
                return done
            # Somebody who removes files there had looked, perhaps, before there was a manifest that names them.
            wait_for_removals(self._target, {path for path in self._written if path.startswith(f"{MANIFESTS}/")})
            self._look()
            is_looked_at = True
        msg = f"in {self._target.name} files of backups are removed as soon as they are copied; something else removes them"
        raise BackupCopyError(msg)

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
                f"{self._target.name} has another backup of the id {one.backup_id}: each folder of backups needs a "
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
        file = _File(path, None, partial(self._folder.read, path, MANIFEST_MOST_BYTES))
        if path not in self._written or not self._is_back(file.path, file.read()):
            self.written_bytes += self._put(file)
            self.files += 1
        self._known[one.backup_id] = one
        self._read_back.update(named_in(one))

    def _files(self, one: Manifest) -> Iterator[_File]:
        for path, chunk in {chunk.path: chunk for _, chunk in one.chunks()}.items():
            yield _File(path, chunk.size, partial(self._folder.chunk, chunk))
        if one.encryption is not None:
            yield _File(one.encryption.key, None, partial(self._folder.key, one.encryption.key))

    def _is_kept(self, file: _File) -> bool:
        return file.path in self._read_back and self._there.has(file.path, file.size)

    def _bring(self, file: _File) -> int:
        """The bytes that were written; none when one that was cut off has left the file, whole."""
        # A list may be late to name what was written just now.
        if (file.path in self._written or self._there.has(file.path, file.size)) and self._is_back(
            file.path, file.read()
        ):
            return 0
        return self._put(file)

    def _is_back(self, path: str, data: bytes) -> bool:
        try:
            return self._target.get(path, len(data)) == data
        except BackupCopyError:
            return False

    def _put(self, file: _File) -> int:
        target = self._target
        data = file.read()
        target.put(file.path, data)
        back = target.get(file.path, len(data))
        if hashlib.sha256(back).digest() != hashlib.sha256(data).digest():
            msg = f"{target.name}/{file.path} was not read back as it was written"
            raise BackupCopyError(msg)
        self._written.add(file.path)
        return len(data)


def _of_my_shops(ids: Iterable[str], every: Mapping[str, Manifest], mine: Sequence[Manifest]) -> set[str]:
    """Those of shops that the folder has backups of: the rules here are not those of whoever else copies there."""
    bots = {bot_id for one in mine for bot_id in one.bot_ids}
    return {one for one in ids if every[one] in mine or not bots.isdisjoint(every[one].bot_ids)}
