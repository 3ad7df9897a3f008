"""What one bot is told over MTProto: its numbered messages, and the sessions that are open.

A session that is not open misses what happens. Messages can be asked for afterwards by their number (``pts``), which not every
library does; queries and everything else are gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neonpay.simulator.updates.queue import UpdateQueue


_BY_QTS: Final = frozenset({"my_chat_member", "purchased_paid_media", "subscription"})
"""Kinds whose TL updates carry a ``qts`` (https://core.telegram.org/schema, read 2026-11-21)."""


class Session(Protocol):
    """Somebody who is told."""

    def tell(self, kind: str, payload: Mapping[str, Any], pts: int, qts: int) -> None:
        """Write the update and hand it over."""
        ...


@dataclass(slots=True, eq=False)
class Stream:
    """The updates of one bot.

    Attributes:
        pts: number of the newest event about messages, what the bot sends included.
        qts: number of the newest event of the other kind that is numbered.
        messages: those that the bot was told or missed, by number.
    """

    queue: UpdateQueue
    pts: int = 1
    qts: int = 1
    messages: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    _open: list[Session] = field(default_factory=list)
    _is_pumping: bool = False

    def join(self, session: Session) -> None:
        """Tell a session of everything from now on; a bot whose first session this is has missed what waits."""
        if session in self._open:
            return
        if not self._open:
            for update in list(self.queue.pending()):
                self._number(update.kind, update.payload)
            self.queue.drop_all()
        self._open.append(session)

    def leave(self, session: Session) -> None:
        """Tell it no more."""
        if session in self._open:
            self._open.remove(session)

    @property
    def is_heard(self) -> bool:
        """Whether a session is open."""
        return bool(self._open)

    def pump(self) -> None:
        """Hand out what waits; it counts as received."""
        if self._is_pumping or not self._open:
            return
        self._is_pumping = True
        try:
            while waiting := self.queue.pending():
                update = waiting[0]
                self._number(update.kind, update.payload)
                for session in list(self._open):
                    session.tell(update.kind, update.payload, self.pts, self.qts)
                update.delivered_count += 1
                self.queue.confirm(update)
        finally:
            self._is_pumping = False

    def count_own(self) -> int:
        """The number of an event that the bot itself has made."""
        self.pts += 1
        return self.pts

    def _number(self, kind: str, payload: Mapping[str, Any]) -> None:
        if payload.get("chat", {}).get("type", "private") != "private":
            return  # groups are not told by MTProto here
        if kind == "message":
            self.pts += 1
            self.messages[self.pts] = payload
        elif kind in _BY_QTS:
            self.qts += 1
