"""A ledger for tests, in the memory of this machine, of which nothing is kept.

SQLite's own databases in memory have no write-ahead log: whoever reads keeps everybody from writing, and a ledger promises that
readers wait for nobody. So it is a file, which no program but its own can find, in a folder that is kept in memory where the
system has one, and that waits for no disk.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Final

from neonpay.core.clock import Clock
from neonpay.ledger.sqlite import SqliteLedger

MEMORY_URL: Final = "memory:"
KEEPS_NOTHING_URL: Final = "memory:?keep=nothing"
"""The same, said by somebody who knows what that means: outside of tests there is no other way to ask for it."""
_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # a folder of one's own is made in it


def is_memory(database_url: str) -> bool:
    """Whether a URL asks for a ledger in memory."""
    return database_url in {MEMORY_URL, KEEPS_NOTHING_URL}


class Memory:
    """One database in memory, for as many ledgers as are made on it.

    It goes with this object and with a process that ends by itself; one that is killed leaves a folder in ``/dev/shm``, or
    where temporary files are.
    """

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="neonpay-", dir=_IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else None)
        self._path = Path(folder) / "neonpay.db"
        weakref.finalize(self, _remove, folder, os.getpid())

    def ledger(self, *, clock: Clock, busy_timeout_s: float = 10.0) -> SqliteLedger:
        """A ledger on it, not opened yet, which keeps it."""
        return SqliteLedger(self._path, clock=clock, busy_timeout_s=busy_timeout_s, memory=self)


def _remove(folder: str, process: int) -> None:
    if process == os.getpid():  # a child that was forked has inherited the object, and not the database
        shutil.rmtree(folder, ignore_errors=True)
