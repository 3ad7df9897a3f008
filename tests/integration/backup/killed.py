"""A process that kills itself at a step of a backup or of a restore, as often as it is told to.

It reads ``NAME:BACKUP_ID`` from its input, forks, and writes how the fork has ended.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

from neonpay.backup import checking, filling, folder, loading, restoring, sites_postgresql, snapshot, swap_sqlite
from tests.integration.backup.conftest import Kit
from tests.integration.conftest import MovableClock

BACKUP: Final[dict[str, tuple[Any, str, int]]] = {
    "copy begun": (snapshot, "_copy", 0),
    "copy made": (snapshot, "_read", 0),
    "some written": (folder.Together, "write", 5),
    "flushing": (folder.os, "fsync", 3),
    "some kept": (folder.os, "replace", 4),
    "all but the manifest": (folder.BackupFolder, "write_manifest", 0),
}
RESTORE: Final[dict[str, tuple[Any, str, int]]] = {
    "some loaded": (filling.Filling, "prove", 9),
    "all loaded": (loading, "bring_to_newest", 0),
    "fencing": (restoring, "_fence", 0),
}
IN_A_SCHEMA: Final[dict[str, tuple[Any, str, int]]] = {
    "the schema made": (loading, "make_at", 0),
    "indexes made": (restoring, "halves", 0),
    "taking out": (sites_postgresql.NewSchema, "take_out", 0),
}
RESTORE_OF_A_FILE: Final[dict[str, tuple[Any, str, int]]] = {
    "reading the file": (checking, "unpacked", 0),
    "the file written": (loading, "bring_to_newest", 0),
    "the file proved": (restoring, "settle", 0),
    "flushing the file": (swap_sqlite, "_flush", 0),
    "fencing": (restoring, "_fence", 0),
}
SWAP: Final[dict[str, tuple[Any, str, int]]] = {
    "keeping": (swap_sqlite, "_keep", 0),
    "swapping": (swap_sqlite.os, "replace", 0),
}
"""What is called at the step, and how many calls of it are let through."""


def _die_at(owner: Any, name: str, calls: int) -> None:
    own = getattr(owner, name)
    left = calls

    def dying(*args: Any, **options: Any) -> Any:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return own(*args, **options)

    setattr(owner, name, dying)


def main() -> None:
    """Until there is nothing to read."""
    kit = Kit(folder=folder.BackupFolder(Path(sys.argv[1])), clock=MovableClock())
    kit.clock.advance(3600)
    if kit.folder.path.parent.joinpath("key1").exists():
        kit.encrypt()
    for line in sys.stdin:
        name, _, backup_id = line.strip().partition(":")
        pid = os.fork()
        if not pid:
            try:
                _die_at(*{**BACKUP, **RESTORE, **IN_A_SCHEMA, **RESTORE_OF_A_FILE, **SWAP}[name])
                if backup_id:
                    kit.restore(backup_id, sys.argv[2])
                else:
                    kit.save(sys.argv[2])
            finally:
                os._exit(0)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
