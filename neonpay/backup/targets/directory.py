"""Another folder as a target: a second disk, or one of another machine that is mounted here."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from neonpay.backup.folder import TEMPORARY, BackupFolder, told
from neonpay.backup.targets import FOLDERS, PATH, Listed
from neonpay.core.clock import Clock, SystemClock, moment
from neonpay.errors import BackupCopyError, BackupError

_LEFT_US: Final = 24 * 3600 * 1_000_000


class DirectoryTarget:
    """A folder that is there already: one that is not may be a disk that nobody has mounted, and is not made."""

    def __init__(self, path: Path, *, clock: Clock | None = None) -> None:
        self.path = path
        self._clock = clock or SystemClock()
        self._folder = BackupFolder(path)

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    def put(self, path: str, data: bytes) -> None:
        """The file is there, whole or not at all."""
        self._require()
        try:
            with told(f"{self.path / path} cannot be written"):
                (self.path / path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.write(path, data)
        except BackupError as exc:
            raise BackupCopyError(str(exc)) from exc

    def get(self, path: str, most_bytes: int) -> bytes:
        """What is in a file, which is no link."""
        self._require()
        try:
            return self._folder.read(path, most_bytes)
        except BackupError as exc:
            raise BackupCopyError(str(exc)) from exc

    def list(self) -> Mapping[str, Listed]:
        """The files that are there and no links, with their bytes and times; what a day ago was left half written is gone."""
        self._require()
        found: dict[str, Listed] = {}
        left_before_us = self._clock.now_us() - _LEFT_US
        try:
            with told(f"{self.path} cannot be read"):
                for name in FOLDERS:
                    for file in (self.path / name).rglob("*"):
                        path = file.relative_to(self.path).as_posix()
                        is_half = file.name.startswith(TEMPORARY)
                        if not (is_half or PATH.fullmatch(path)):
                            continue
                        with suppress(FileNotFoundError):  # another machine has just removed it
                            there = file.lstat()
                            if not stat.S_ISREG(there.st_mode):
                                continue
                            if not is_half:
                                found[path] = Listed(there.st_size, moment(there.st_mtime_ns // 1000))
                            elif there.st_mtime_ns // 1000 < left_before_us:
                                # What is another user's stays, and keeps nobody from their copies.
                                with suppress(OSError):
                                    file.unlink()
        except BackupError as exc:
            raise BackupCopyError(str(exc)) from exc
        return found

    def delete(self, path: str) -> None:
        """The file is gone."""
        try:
            with told(f"{self.path / path} cannot be removed"):
                (self.path / path).unlink(missing_ok=True)
        except BackupError as exc:
            raise BackupCopyError(str(exc)) from exc

    def _require(self) -> None:
        if not self.path.is_dir():
            line = f"mkdir -p {shlex.quote(str(self.path))}"
            msg = f"the folder {self.path} for copies of backups is not there: mount it, or make it once: {line}"
            raise BackupCopyError(msg)
