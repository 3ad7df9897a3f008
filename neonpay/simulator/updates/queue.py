"""What waits to be told to a bot: the queue that getUpdates and webhooks both drain, with Telegram's lifetimes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from neonpay.core.limits import PRE_CHECKOUT_UPDATE_TTL_S, UPDATE_TTL_S
from neonpay.errors import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from neonpay.simulator.clock import SteppedClock

UpdateState = Literal["held", "pending", "confirmed", "expired", "dropped", "not_allowed"]
"""``held``: a fault lets later ones pass it.
``dropped``: the bot asked to forget it, or had no MTProto session when it came. ``not_allowed``: never queued, because of
the bot's allowed_updates."""

OFF_BY_DEFAULT: Final = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""What a bot is told only when it asks for it (API, getUpdates)."""
_LIFETIMES_S: Final = {
    "callback_query": PRE_CHECKOUT_UPDATE_TTL_S, "pre_checkout_query": PRE_CHECKOUT_UPDATE_TTL_S,
    "shipping_query": PRE_CHECKOUT_UPDATE_TTL_S, "inline_query": 30, "chosen_inline_result": 600,
}  # fmt: skip
"""Seconds that an undelivered update lives, where it is not a day (SRV, Client.cpp)."""
_IDS_SINCE: Final = 1_700_000_000
"""Unix time from which :func:`later_update_id` counts; it comes to 2**31, which no id may reach, in 2040."""
_AHEAD_MAX: Final = 10
"""How far an offset may be beyond the next update (TDL: TQueue)."""


@dataclass(slots=True, eq=False)
class QueuedUpdate:
    """One update and what became of it.

    Attributes:
        update_id: Telegram's id, 0 when it was never queued or is held; not unique after ``redeliver`` with the same id.
        kind: the name of its one field, e.g. ``pre_checkout_query``.
        payload: the object under that field, as JSON.
        lane: updates of one lane reach a webhook one after the other: (user id, class).
        queued_at: virtual Unix time.
        expires_at: virtual Unix time.
        delivered_count: how many times it was handed out.
        state: see :data:`UpdateState`.
        repeats: the update that this one is a second delivery of.
        comes_again: a fault will have it delivered once more when it was confirmed.
    """

    update_id: int
    kind: str
    payload: dict[str, object]
    lane: tuple[int, str]
    queued_at: float
    expires_at: float
    delivered_count: int = 0
    state: UpdateState = "pending"
    repeats: QueuedUpdate | None = field(default=None, repr=False)
    comes_again: bool = False

    @property
    def confirmed(self) -> bool:
        """The bot has said that it has it: a later offset, or a webhook's 2xx."""
        return self.state == "confirmed"

    @property
    def body(self) -> dict[str, object]:
        """The ``Update`` object."""
        return {"update_id": self.update_id, self.kind: self.payload}


@dataclass(slots=True, eq=False)
class _Held:
    """An update that later ones pass."""

    update: QueuedUpdate
    to_pass: int


class UpdateQueue:
    """The updates of one bot, oldest first, and the kinds it wants.

    Args:
        clock: virtual time.
        first_id: id of the first update.
        known_kinds: every kind that the Bot API has.
        changed: called after each change.

    Attributes:
        history: every update there was, oldest first.
        expired: how many of them outlived their time before the bot had them.
    """

    def __init__(
        self, clock: SteppedClock, *, first_id: int, known_kinds: frozenset[str], changed: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._next_id = first_id
        self._known_kinds = known_kinds
        self._changed = changed
        self._pending: list[QueuedUpdate] = []
        self._held: list[_Held] = []
        self.history: list[QueuedUpdate] = []
        self.expired = 0
        self.allowed: frozenset[str] = known_kinds - OFF_BY_DEFAULT

    @property
    def allowed_is_default(self) -> bool:
        """Whether the bot wants exactly what Telegram sends by default."""
        return self.allowed == self._known_kinds - OFF_BY_DEFAULT

    def allow(self, kinds: Sequence[object]) -> None:
        """Remember which kinds the bot wants, until told otherwise.

        Names may be in any case. Unknown ones are ignored, and a list without a known one means the default; one that holds
        anything but names counts as none (SRV).
        """
        if not all(isinstance(kind, str) for kind in kinds):
            return
        wanted = frozenset(str(kind).lower() for kind in kinds) & self._known_kinds
        self.allowed = wanted or (self._known_kinds - OFF_BY_DEFAULT)

    def push(
        self,
        kind: str,
        payload: dict[str, object],
        lane: tuple[int, str],
        *,
        comes_again: bool = False,
        passed_by: int = 0,
        held_s: float = 0.0,
    ) -> QueuedUpdate:
        """Queue an update, unless the bot does not want its kind.

        With ``passed_by`` that many later ones are queued before it, unless ``held_s`` virtual seconds pass first.
        """
        now = self._clock.now()
        update = QueuedUpdate(
            0, kind, payload, lane, now, now + _lifetime_s(kind), state="not_allowed", comes_again=comes_again
        )
        self.history.append(update)
        if kind not in self.allowed:
            self._changed()
            return update
        if passed_by:
            held = _Held(update, passed_by)
            update.state = "held"
            self._held.append(held)
            self._clock.call_after(held_s, lambda: self._release([held]), what=f"a {kind} that was held back")
            return update
        self._enter(update)
        for held in self._held:
            held.to_pass -= 1
        self._release([held for held in self._held if held.to_pass <= 0])
        self._changed()
        return update

    def repeat(self, update_id: int, *, new_id: bool) -> QueuedUpdate:
        """Queue the content of an earlier update once more.

        Raises:
            SimulatorError: no update with this id was ever queued.
        """
        original = next((update for update in self.history if update.update_id == update_id != 0), None)
        if original is None:
            raise SimulatorError(f"no update {update_id} was ever queued for this bot")
        if new_id:
            return self.push(original.kind, original.payload, original.lane)
        now = self._clock.now()
        copy = QueuedUpdate(
            update_id,
            original.kind,
            original.payload,
            original.lane,
            now,
            now + _lifetime_s(original.kind),
            repeats=original,
        )
        self.history.append(copy)
        # Repeats go first, so that a poller which takes the last id of a batch for its offset does not go back.
        self._pending.insert(sum(update.repeats is not None for update in self._pending), copy)
        self._changed()
        return copy

    def pending(self) -> list[QueuedUpdate]:
        """What still waits, oldest first; what has outlived its time is gone."""
        now = self._clock.now()
        if any(update.expires_at <= now for update in self._pending):
            for update in self._pending:
                if update.expires_at <= now:
                    self._outlive(update)
            self._pending = [update for update in self._pending if update.state == "pending"]
        return self._pending

    def is_nowhere(self, offset: int) -> bool:
        """Whether an offset is so far ahead that it counts as none (SRV)."""
        return offset > self._next_id + _AHEAD_MAX

    def confirm_before(self, offset: int) -> None:
        """The bot has everything older than ``offset``; a negative one keeps that many of the newest (API, getUpdates)."""
        pending = self.pending()
        confirmed: list[QueuedUpdate] = []
        if offset < 0:
            confirmed = pending[:offset]
        elif offset > 0:
            # A repeat carries an id from below the offset: it counts as received once it was handed out.
            confirmed = [
                update
                for update in pending
                if ((update.delivered_count > 0) if update.repeats is not None else (update.update_id < offset))
            ]
        self._confirm(confirmed)

    def confirm(self, update: QueuedUpdate) -> None:
        """A webhook took it."""
        self._confirm([update])

    def expire(self, update: QueuedUpdate) -> None:
        """It would outlive its time before the next try."""
        self._outlive(update)
        self._forget_settled()

    def drop_all(self) -> None:
        """The bot does not want what waits (``drop_pending_updates``)."""
        for update in self.pending():
            update.state = "dropped"
        self._forget_settled()

    def _outlive(self, update: QueuedUpdate) -> None:
        update.state = "expired"
        self.expired += 1

    def _enter(self, update: QueuedUpdate) -> None:
        update.update_id, update.state = self._next_id, "pending"
        self._next_id += 1
        self._pending.append(update)

    def _release(self, released: list[_Held]) -> None:
        for held in released:
            if held in self._held:
                self._held.remove(held)
                self._enter(held.update)
                self._changed()

    def _confirm(self, updates: list[QueuedUpdate]) -> None:
        for update in updates:
            update.state = "confirmed"
        self._forget_settled()
        for update in updates:
            if update.comes_again:
                update.comes_again = False
                self.repeat(update.update_id, new_id=False)

    def _forget_settled(self) -> None:
        before = len(self._pending)
        self._pending = [update for update in self._pending if update.state == "pending"]
        if len(self._pending) != before:
            self._changed()


def later_update_id(now: float) -> int:
    """An id that no update had which was queued before ``now``, unless there were more than four in each second."""
    return max(1, int((now - _IDS_SINCE) * 4))


def _lifetime_s(kind: str) -> int:
    return _LIFETIMES_S.get(kind, UPDATE_TTL_S)
