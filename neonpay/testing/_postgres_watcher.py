"""Ends a throw-away PostgreSQL when the process that started it has ended, however that was: a program of its own.

It waits for the end of its standard input, which only the starting process holds, so that a SIGKILL is noticed too. Then nobody
is served any more: the server that runs in the folder is stopped at once and the folder is removed. Where everything was tidied
up before, there is nothing to do.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

_PAUSE_S = 0.05
_STOP_S = 5.0


def main(home: Path) -> None:
    """Wait, and tidy up in ``home``."""
    sys.stdin.buffer.read()
    pid = _server_in(home)
    if pid is not None:
        _end(pid)
    shutil.rmtree(home, ignore_errors=True)


def _server_in(home: Path) -> int | None:
    """The process of the server whose files these are; one that was killed leaves a number that may be somebody else's."""
    try:
        pid = int((home / "data" / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline")
        is_another = Path("/proc/self").exists() and str(home) not in command.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return None if is_another else pid


def _end(pid: int) -> None:
    """The server has ended: it ends its own processes when told to quit, and the system ends it when it does not."""
    with suppress(ProcessLookupError):
        os.kill(pid, getattr(signal, "SIGQUIT", signal.SIGTERM))
        for _ in range(round(_STOP_S / _PAUSE_S)):
            time.sleep(_PAUSE_S)
            os.kill(pid, 0)
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
