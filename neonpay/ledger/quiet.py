"""What Alembic says of our migrations is not the host's to read: ours is one line."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_TALKERS: Final = tuple(
    f"alembic.{name}" for name in ("runtime.plugins", "runtime.migration", "ddl.impl", "ddl.postgresql")
)
"""Loggers that speak while Alembic is imported and while it upgrades (1.20, read 2026-11-28)."""


@contextmanager
def quiet_alembic() -> Iterator[None]:
    """Inside the block Alembic says nothing below a warning in this thread; in other threads, and afterwards, all it wants.

    No level and no handler is changed, so that what the host has set for its own migrations stays.
    """
    guard = _OfOthers()
    loggers = [logging.getLogger(name) for name in _TALKERS]
    for logger in loggers:
        logger.addFilter(guard)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(guard)


class _OfOthers(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._here = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is a warning, or another thread's."""
        return record.levelno >= logging.WARNING or threading.get_ident() != self._here
