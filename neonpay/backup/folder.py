"""A folder of backups: files for their owner alone, each of which is whole or not there."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from neonpay.backup import manifest
from neonpay.backup.locking import locked
from neonpay.backup.manifest import ID, MANIFEST_MOST_BYTES, Chunk, Manifest
from neonpay.errors import BackupDamagedError, BackupError, BackupNotFoundError, LedgerFullError

T = TypeVar("T")

_MANIFESTS: Final = "manifests"
_CHUNKS: Final = "chunks"
_KEYS: Final = "keys"
_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
TEMPORARY: Final = ".tmp-"
_NAMED: Final = 5
_BYTES_TOGETHER: Final = 4 * 2**20
_FLUSHES_AT_ONCE: Final = 4
"""A file system keeps what several wait for in one go: one after the other takes ten times as long."""
_NO_ROOM: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
KEY_MOST_BYTES: Final = 2**20
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)


class BackupFolder:
    """Where backups are kept, on a disk.

    Args:
        patience_s: how long to wait for another process that writes or removes here.
    """

    def __init__(self, path: Path, *, patience_s: float = 5.0) -> None:
        self.path = path
        self._patience_s = patience_s

    def make(self) -> None:
        """The folder is there, and what lies in it is for its owner alone.

        Raises:
            BackupError: it cannot be made.
        """
        self._require_no_other()
        act = "written" if self.path.is_dir() else "made"
        with told(f"the folder {self.path} of the backups cannot be {act}"):
            self.path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            for name in (_MANIFESTS, _CHUNKS, _KEYS):
                inner = self.path / name
                inner.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
                inner.chmod(_PRIVATE_FOLDER)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else writes or removes here inside the block, and what an earlier one left half written is gone.

        Raises:
            BackupBusyError: somebody does.
        """
        self.make()
        with locked(self.path / ".lock", patience_s=self._patience_s):
            for left in self.path.glob(f"*/**/{TEMPORARY}*"):
                left.unlink(missing_ok=True)
            yield

    def ids(self) -> list[str]:
        """The ids of the backups that are here; raises BackupError when something is here that is no folder."""
        folder = self.path / _MANIFESTS
        if not folder.is_dir():
            self._require_no_other()
            return []
        return sorted(entry.stem for entry in folder.iterdir() if entry.suffix == ".json" and ID.fullmatch(entry.stem))

    def has_no(self, backup_id: str) -> BackupNotFoundError:
        """The error for an id that no backup here has; it names the newest ones that there are."""
        ids = self.ids()[::-1]
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        what = f"there is {', '.join(ids[:_NAMED])}{more}" if ids else "there is none at all"
        return BackupNotFoundError(f"there is no backup {backup_id!r} in {self.path}; {what}; see: neonpay backup list")

    def manifest(self, backup_id: str) -> Manifest:
        """The manifest of a backup.

        Raises:
            BackupNotFoundError: there is none of this id.
            BackupDamagedError: it is not as it was written.
        """
        if not ID.fullmatch(backup_id) or not (self.path / _MANIFESTS / f"{backup_id}.json").is_file():
            raise self.has_no(backup_id)
        return manifest.read(backup_id, self.read(f"{_MANIFESTS}/{backup_id}.json", MANIFEST_MOST_BYTES))

    def manifests(self) -> list[Manifest]:
        """Those that can be read, newest first."""
        found = []
        for backup_id in self.ids():
            with suppress(BackupError):
                found.append(self.manifest(backup_id))
        return sorted(found, key=lambda one: one.created_at, reverse=True)

    def key(self, path: str) -> bytes:
        """A key as it is wrapped; raises BackupDamagedError when it is not there."""
        return self.read(path, KEY_MOST_BYTES)

    def chunk(self, chunk: Chunk) -> bytes:
        """The file of a chunk, every byte of which is as it was written; raises BackupDamagedError when it is not."""
        data = self.read(chunk.path, chunk.size)
        if len(data) != chunk.size or hashlib.sha256(data).hexdigest() != chunk.digest:
            msg = f"{self.path / chunk.path} is not as it was written"
            raise BackupDamagedError(msg)
        return data

    def read(self, path: str, most_bytes: int) -> bytes:
        """A file that is no link, and not larger than it may be; raises BackupDamagedError when there is none."""
        target = self.path / path
        try:
            opened = os.open(target, os.O_RDONLY | _NO_FOLLOW | _BINARY)
        except FileNotFoundError as exc:
            msg = f"{target} is not there"
            raise BackupDamagedError(msg) from exc
        except OSError as exc:
            msg = f"{target} cannot be read: {exc.strerror}"
            raise BackupDamagedError(msg) from exc
        with open(opened, "rb") as file, told(f"{target} cannot be read"):
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > most_bytes:
                msg = f"{target} is no file of a backup: {found.st_size} bytes where {most_bytes} are the most"
                raise BackupDamagedError(msg)
            return file.read(most_bytes + 1)

    def has(self, chunk: Chunk) -> bool:
        """Whether a file of a chunk is there with the size that it had, as far as a look at the folder says."""
        try:
            found = (self.path / chunk.path).lstat()
        except OSError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == chunk.size

    def write(self, path: str, data: bytes) -> None:
        """The file is there, whole, for its owner alone, and lasts when the machine stops now.

        Raises:
            BackupError: it could not be written; what was there is there.
        """
        with self.writing() as together:
            together.write(path, data)

    @contextmanager
    def writing(self) -> Iterator[Together]:
        """Files that are written inside the block are there as ``write`` leaves them when it is done, and earlier as they fit.

        Raises:
            BackupError: one could not be written; what was there is there.
        """
        together = Together(self.path)
        try:
            yield together
            together.keep()
        finally:
            together.forget()

    def write_manifest(self, made: Manifest) -> None:
        """The backup is there from now on; everything that it names was written before."""
        self._keep_names()
        self.write(f"{_MANIFESTS}/{made.backup_id}.json", manifest.written(made))
        _keep_name(self.path / _MANIFESTS)

    def remove(self, backup_id: str) -> int:
        """A backup is gone, and with it what no other one names; how many bytes that was. Call it ``alone``.

        Raises:
            BackupNotFoundError: there is none of this id.
            BackupDamagedError: the manifest of another one cannot be read, so that nobody knows what it names; the backup is
                gone, and all chunks are there still.
        """
        target = self.path / _MANIFESTS / f"{backup_id}.json"
        if not ID.fullmatch(backup_id) or not target.is_file():
            raise self.has_no(backup_id)
        with told(f"{target} cannot be removed"):
            target.unlink()
        return self.sweep()

    def sweep(self) -> int:
        """Files that no backup names are gone; how many bytes that was. Call it ``alone``; raises as ``remove`` does."""
        named: set[str] = set()
        for backup_id in self.ids():
            of_it = self.manifest(backup_id)
            named.update(chunk.path for _, chunk in of_it.chunks())
            if of_it.encryption is not None:
                named.add(of_it.encryption.key)
        freed = 0
        for pattern in (f"{_CHUNKS}/??/*", f"{_KEYS}/*.age"):
            for found in self.path.glob(pattern):
                if found.relative_to(self.path).as_posix() not in named:
                    with told(f"{found} cannot be removed"):
                        freed += found.lstat().st_size
                        found.unlink()
        return freed

    def _require_no_other(self) -> None:
        if self.path.is_dir():
            return
        if self.path.is_symlink():
            msg = f"{self.path} is a link to {os.readlink(self.path)}, which is not there: mount it, or make it"
            raise BackupError(msg)
        if self.path.exists():
            msg = f"{self.path} is a file, and no folder of backups; --directory or `backup.directory` names the folder"
            raise BackupError(msg)

    def _keep_names(self) -> None:
        _at_once(_keep_name, [*(self.path / _CHUNKS).glob("??"), self.path / _KEYS])


class Together:
    """Some files at a time become whole: whoever sells waits for the same disk, which is asked once for all of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # A folder of copies may be written by several machines, and two of them put the same chunk.
        self._mark = secrets.token_hex(4)
        self._waiting: dict[Path, Path] = {}
        self._bytes = 0

    def write(self, path: str, data: bytes) -> None:
        """The file is written under another name, and will be there; raises BackupError when it cannot be."""
        target = self._folder / path
        temporary = target.with_name(f"{TEMPORARY}{target.name}.{self._mark}")
        with told(f"{target} cannot be written"):
            if not target.parent.is_dir():
                target.parent.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
            self._waiting[target] = temporary
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NO_FOLLOW | _BINARY
            with open(os.open(temporary, flags, _PRIVATE_FILE), "wb") as file:
                file.write(data)
        self._bytes += len(data)
        if self._bytes >= _BYTES_TOGETHER:
            self.keep()

    def keep(self) -> None:
        """All files that were written are there and last; raises BackupError when they do not."""
        _at_once(self._flush, list(self._waiting))
        for target in list(self._waiting):
            with told(f"{target} cannot be written"):
                os.replace(self._waiting[target], target)
            del self._waiting[target]
        self._bytes = 0

    def _flush(self, target: Path) -> None:
        with told(f"{target} cannot be written"), self._waiting[target].open("rb+") as file:
            os.fsync(file.fileno())

    def forget(self) -> None:
        """What was written and is not there is gone."""
        for temporary in self._waiting.values():
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._waiting.clear()


def _at_once(act: Callable[[T], None], each: Sequence[T]) -> None:
    """Each is done, some at the same time; raises what one of them has raised once none is under way any more."""
    with ThreadPoolExecutor(_FLUSHES_AT_ONCE, thread_name_prefix="neonpay-backup-flush") as pool:
        for _ in pool.map(act, each):
            pass


def _keep_name(folder: Path) -> None:
    """The names of files in a folder last when the machine stops now, where the system can say so."""
    if os.name != "posix":
        return
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def lacks_room(error: BaseException) -> bool:
    """Whether an error is for want of room on a disk, or under a quota."""
    cause = error.__cause__ if isinstance(error, BackupError) else None
    return isinstance(error, LedgerFullError) or (isinstance(cause, OSError) and cause.errno in _NO_ROOM)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Errors of the system as BackupError, with what could not be done."""
    try:
        yield
    except OSError as exc:
        msg = f"{what}: {exc.strerror or exc}"
        raise BackupError(msg) from exc
