"""One process at a time: a file that the system unlocks when its holder is gone, however it went."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from neonpay.core.clock import stopwatch_s
from neonpay.errors import BackupBusyError, BackupError

_LOOK_S: Final = 0.05

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def held_file(folder: Path, prefix: str) -> tuple[int, Path]:
    """A new file that ``remove_unless_held`` leaves alone for as long as it is open; on Windows it does so anyway.

    Raises:
        OSError: it cannot be made.
    """
    while True:
        file, name = tempfile.mkstemp(prefix=prefix, dir=folder)
        if sys.platform == "win32":
            return file, Path(name)
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file).st_nlink:
            return file, Path(name)
        os.close(file)  # somebody found it before it was held, and has removed it


def remove_unless_held(path: Path) -> None:
    """The file is gone, unless somebody holds it."""
    try:
        with open(path, "rb") as file:
            _lock(file.fileno())
            if sys.platform != "win32":
                path.unlink()
    except OSError:
        return
    if sys.platform == "win32":  # pragma: no cover
        with suppress(OSError):
            path.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, *, patience_s: float) -> Iterator[None]:
    """Nobody else has the lock inside the block.

    Args:
        patience_s: how long to wait for somebody who has it, and may be about to be done.

    Raises:
        BackupBusyError: somebody has it still.
        BackupError: it cannot be opened.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        msg = f"the folder {path.parent} of the backups cannot be written: {exc.strerror} ({path.name})"
        raise BackupError(msg) from exc
    give_up_s = stopwatch_s() + patience_s
    try:
        while True:
            try:
                _lock(file)
            except OSError as exc:
                if stopwatch_s() < give_up_s:
                    time.sleep(_LOOK_S)
                    continue
                msg = f"another process makes, copies or removes a backup in {path.parent}; try again when it is done"
                raise BackupBusyError(msg) from exc
            break
        yield
    finally:
        os.close(file)
