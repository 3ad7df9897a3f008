"""Soft events on their way to the ledger: bounded, taken from any thread, and never waited for."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, TypeAlias

from neonpay.core.clock import Clock
from neonpay.core.seen import SeenUpdate
from neonpay.errors import ValidationError
from neonpay.ledger import Transaction
from neonpay.store.ids import new_event_id
from neonpay.tracking.soft_event import TEXT_MAX_CHARS, SoftEvent

logger = logging.getLogger("neonpay.tracking")

MAX_WAITING: Final = 20_000
"""Events that may wait to be written; whatever comes when there are so many is shed, and counted."""
BATCH: Final = 128
"""Events in one transaction: few enough that a checkout which waits for it does not notice."""
_TELL_EVERY_US: Final = timedelta(minutes=1) // timedelta(microseconds=1)

Waiting: TypeAlias = "SoftEvent | tuple[str, SeenUpdate, str | None]"
"""An event, or what one is made of when it is written: a kind, an update, and where the person came from."""


class SoftBuffer:
    """What was told and is not written.

    A put appends to a queue, and wakes the writer when that sleeps; it does no input or output, and takes no lock.

    Args:
        most: events that may wait; 0 in a program that writes nothing.
    """

    def __init__(self, *, clock: Clock, most: int = MAX_WAITING) -> None:
        self._clock = clock
        self.most = most
        self._waiting: deque[Waiting] = deque()
        self._taken: list[SoftEvent] = []
        self._wake: Callable[[], None] | None = None
        self._hurry: Callable[[], None] | None = None
        self._is_awake = False
        self._shedding = threading.Lock()
        self._told_at_us = 0
        self._untold = 0
        self.also: Callable[[Transaction, Sequence[SoftEvent]], None] | None = None
        """A unit of work that is given each batch in the transaction that writes it."""
        self.shed = 0
        """Events that were not kept, since this process began."""
        self.written = 0
        """Events that were written, since this process began."""

    def __len__(self) -> int:
        """How many events wait."""
        return len(self._waiting) + len(self._taken)

    def put(self, event: Waiting) -> bool:
        """Have an event written soon; from any thread. False for one that finds the buffer full, which is shed."""
        waiting = self._waiting
        number = len(waiting)
        if number >= self.most:
            self.lose(1, "more come than the ledger takes" if self.most else "this program writes nothing")
            return False
        waiting.append(event)
        if not self._is_awake:
            wake = self._wake
            if wake is not None:
                self._is_awake = True
                wake()
        elif number == BATCH and (hurry := self._hurry) is not None:
            hurry()
        return True

    def connect(self, wake: Callable[[], None], hurry: Callable[[], None]) -> None:
        """Call ``wake`` when there is something after there was nothing, and ``hurry`` when a batch is full."""
        self._hurry = hurry
        self._wake = wake
        self._is_awake = bool(self)
        if self._is_awake:
            wake()

    def disconnect(self) -> None:
        """Nobody writes for the moment; what comes waits."""
        self._wake = self._hurry = None
        self._is_awake = False

    def may_rest(self) -> bool:
        """Whether nothing waits, so that the next event has to wake the writer."""
        self._is_awake = False
        if self:
            self._is_awake = True
            return False
        return True

    def take(self) -> list[SoftEvent]:
        """The events to write next, the same again until ``wrote`` or ``give_up``."""
        while not self._taken and self._waiting:
            for _ in range(min(BATCH, len(self._waiting))):
                event = _event_of(self._waiting.popleft())
                if event is None:
                    self.lose(1, "what was seen cannot be kept")
                else:
                    self._taken.append(event)
        return self._taken

    def wrote(self) -> None:
        """What was taken is in the ledger."""
        self.written += len(self._taken)
        self._taken = []

    def give_up(self) -> None:
        """What was taken cannot be written."""
        count, self._taken = len(self._taken), []
        self.lose(count, "the ledger does not take them")

    def lose(self, count: int, why: str) -> None:
        """Count events that are not kept, and say so at most once a minute."""
        now_us = self._clock.now_us()
        with self._shedding:
            self.shed += count
            self._untold += count
            if now_us - self._told_at_us < _TELL_EVERY_US:
                return
            untold, self._untold, self._told_at_us = self._untold, 0, now_us
        logger.warning("%d soft events were not kept, %d so far: %s; no sale is touched by it", untold, self.shed, why)

    def begin_in_child(self) -> None:
        """Called in a process that was forked: what waits is the parent's, and a lock may be held by a thread that is gone."""
        self._shedding = threading.Lock()
        self._waiting, self._taken = deque(), []
        self.disconnect()


def _event_of(waiting: Waiting) -> SoftEvent | None:
    if isinstance(waiting, SoftEvent):
        return waiting
    kind, seen, source = waiting
    # Telegram delivers an update again until it is answered, and it is counted once. Its number alone does not tell it from
    # one of long ago: Telegram begins elsewhere after a quiet week, and a simulator begins anew each time.
    event_id = new_event_id() if seen.update_id is None else f"update-{seen.update_id}-{seen.sent_s or 0}"
    try:
        return SoftEvent(
            event_id=event_id,
            bot_id=seen.bot_id,
            kind=kind,
            at=seen.at,
            user_id=seen.user_id,
            source=None if source is None else source[:TEXT_MAX_CHARS],
        )
    except ValidationError:
        return None
