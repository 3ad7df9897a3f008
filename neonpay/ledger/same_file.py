"""Whether the database file is still the one that was opened."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from neonpay.errors import LedgerUnavailableError

logger = logging.getLogger("neonpay.ledger")


class SameFile:
    """Notices that a file was deleted or replaced: SQLite goes on writing to what nobody can open any more.

    Args:
        path: of the file, which exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = os.fspath(path)
        self._identity = _identity(self._path)
        self._is_told = False

    def check(self) -> None:
        """Look again, which takes a microsecond or two.

        Raises:
            LedgerUnavailableError: the file is gone, or another one is in its place.
        """
        if _identity(self._path) == self._identity:
            return
        msg = (
            f"the database file {self._path} was deleted or replaced while it was in use; stop the bot, put the file "
            "back from a backup, start the bot and reconcile"
        )
        if not self._is_told:
            self._is_told = True
            logger.critical("%s", msg)
        raise LedgerUnavailableError(msg)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
