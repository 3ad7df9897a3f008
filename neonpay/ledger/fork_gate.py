"""A process is not forked in the middle of something that its child would inherit half done."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager

_WAIT_S = 5.0
"""How long a fork waits; somebody else's code may block inside for as long as it likes."""


class ForkGate:
    """Whoever is inside one of its doors keeps the process from being forked meanwhile.

    SQLite notes in memory which locks this process holds. A child would believe for ever that a lock is held that was held
    by a thread of its parent.
    """

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._doors: list[threading.RLock] = []
        self._held: list[threading.RLock] = []
        self.is_inherited = False
        """Whether this process is a child that was forked off from the one that made the gate."""
        if hasattr(os, "register_at_fork"):
            this = weakref.ref(self)
            os.register_at_fork(
                before=_calling(this, ForkGate._shut),
                after_in_parent=_calling(this, ForkGate._reopen),
                after_in_child=_calling(this, ForkGate._inherit),
            )

    def door(self) -> AbstractContextManager[bool]:
        """Another door, for one thread at a time."""
        with self._making:
            lock = threading.RLock()
            self._doors.append(lock)
            return lock

    def _shut(self) -> None:
        self._held = [lock for lock in self._doors if lock.acquire(timeout=_WAIT_S)]

    def _inherit(self) -> None:
        self.is_inherited = True
        self._reopen()

    def _reopen(self) -> None:
        held, self._held = self._held, []
        for lock in held:
            lock.release()


def _calling(reference: weakref.ref[ForkGate], method: Callable[[ForkGate], None]) -> Callable[[], None]:
    def call() -> None:
        gate = reference()
        if gate is not None:
            method(gate)

    return call
