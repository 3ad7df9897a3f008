"""One process at a time: a file that the system unlocks when its holder is gone, however it went."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neonpay.errors import BackupBusyError

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else has the lock inside the block.

    Raises:
        BackupBusyError: somebody has it.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock(file)
        except OSError as exc:
            msg = f"another process makes or removes a backup in {path.parent}; try again when it is done"
            raise BackupBusyError(msg) from exc
        yield
    finally:
        os.close(file)
