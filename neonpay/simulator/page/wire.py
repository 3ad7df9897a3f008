"""What passes between Telegram and the bots, in the order in which it passed, sorted into turns and orders: ``turns.py``."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from neonpay.simulator.journal import Call
from neonpay.simulator.money.checkout import Checkout
from neonpay.simulator.page.rows import Hop, of_call, of_checkout, of_update
from neonpay.simulator.page.turns import Turn, Turns
from neonpay.simulator.updates.queue import QueuedUpdate

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator.world import World

ROWS_MAX: Final = 1_000
"""Rows remembered for the page."""
UNASKED_AFTER_S: Final = 30.0
"""A message that comes later than this after what the person did is taken for no answer to it."""


@dataclass(slots=True, eq=False)
class Row:
    """One thing that passed.

    Attributes:
        at: virtual Unix time.
        heard_at: monotonic real seconds.
        took_s: seconds that passed since the update that this answers: real ones for a call of the bot, whose slowness does not
            follow from how time is moved here; virtual ones for a deadline and for an answer by hand.
    """

    number: int
    turn: Turn
    hop: Hop
    at: float
    heard_at: float
    took_s: float | None = None

    @property
    def state(self) -> str:
        """What became of an update by now, ``queued`` when the bot has not got it; "" for calls."""
        update = self.hop.update
        if update is None:
            return ""
        return "queued" if update.state == "pending" and not update.delivered_count else update.state

    @property
    def as_json(self) -> dict[str, object]:
        """The row as the page gets it."""
        return self.hop.as_json | {
            "number": self.number,
            "turn": self.turn.number,
            "at": self.at,
            "took_ms": None if self.took_s is None else round(self.took_s * 1000),
            "state": self.state,
        }


@dataclass(slots=True, eq=False)
class Heard:
    """Something on its way into a row.

    Attributes:
        step: of the event loop, in which it was heard.
    """

    bot: str
    what: Call | QueuedUpdate | Checkout
    at: float
    heard_at: float
    step: int


class Wire:
    """Listens to everything and keeps the newest of it; it is sorted only when somebody looks.

    Args:
        world: whose wire it is.
        monotonic: real seconds.

    Attributes:
        rows: oldest first.
        calls: how many there were, polls aside.
        updates: how many there were.
        polled_at: when each bot last polled, monotonic real seconds by username.
    """

    def __init__(self, world: World, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._world = world
        self._monotonic = monotonic
        self.rows: deque[Row] = deque()
        self.calls = 0
        self.updates = 0
        self.polled_at: dict[str, float] = {}
        self._heard: deque[Heard] = deque(maxlen=ROWS_MAX)
        self._step = 0
        self._step_is_open = False
        self._posted_seen = 0
        self._calls_seen = 0
        self._updates_seen: dict[int, int] = {}
        self._waiting: list[Checkout] = []
        self._begun_seen: Checkout | None = None
        self._numbered = 0
        self._sorted = Turns()
        self._queries: dict[str, Row] = {}
        self._asked: dict[int, Row] = {}

    @property
    def turns(self) -> dict[int, Turn]:
        """Those that the rows belong to, by number."""
        return self._sorted.by_number

    def listen(self) -> None:
        """Write down what is new; called at every ring."""
        world = self._world
        if world.posted != self._posted_seen:
            self._posted_seen = world.posted
            self._hear_updates(self._monotonic())
        if world.journal.total != self._calls_seen:
            self._hear_calls(self._monotonic())
        begun = world.checkouts.begun
        if self._waiting or (begun and begun[-1] is not self._begun_seen):
            self._hear_checkouts(self._monotonic())

    def catch_up(self) -> None:
        """Sort what was heard since the last time into rows and turns."""
        while self._heard:
            heard = self._heard.popleft()
            if isinstance(heard.what, Call):
                hop = of_call(heard.what)
            elif isinstance(heard.what, QueuedUpdate):
                hop = of_update(heard.what)
            else:
                hop = of_checkout(heard.what)
            self._add(heard.bot, hop, heard.at, heard.heard_at)

    def _hear(self, bot: str, what: Call | QueuedUpdate | Checkout, at: float, heard_at: float) -> None:
        """A call is written down when it is answered: what it has caused came before that, and is shown after it."""
        heard = Heard(bot, what, at, heard_at, self._this_step())
        effects: list[Heard] = []
        causes = isinstance(what, Call) or (isinstance(what, Checkout) and what.by_hand)
        while causes and self._heard and self._is_effect(self._heard[-1], heard):
            effects.append(self._heard.pop())
        self._heard.append(heard)
        self._heard.extend(reversed(effects))

    def _is_effect(self, earlier: Heard, cause: Heard) -> bool:
        return isinstance(earlier.what, QueuedUpdate) and (earlier.bot, earlier.step) == (cause.bot, cause.step)

    def _this_step(self) -> int:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._step += 1  # nothing runs beside code that is called without a loop
            return self._step
        if not self._step_is_open:
            self._step_is_open = True
            self._step += 1
            loop.call_soon(self._end_step)
        return self._step

    def _end_step(self) -> None:
        self._step_is_open = False

    def _hear_updates(self, now: float) -> None:
        for bot, box in self._world.postboxes():
            history, seen = box.queue.history, self._updates_seen.get(bot.id, 0)
            if len(history) == seen:
                continue
            for update in history[seen:]:
                self.updates += 1
                self._hear(bot.username, update, update.queued_at, now)
            self._updates_seen[bot.id] = len(history)

    def _hear_calls(self, now: float) -> None:
        journal = self._world.journal
        new, self._calls_seen = journal.total - self._calls_seen, journal.total
        for call in journal.newest(new):
            if call.method == "getUpdates" and call.bot is not None:
                self.polled_at[call.bot] = now
                if call.ok and call.answered:
                    continue
            self.calls += 1
            self._hear(call.bot or "", call, call.at.timestamp(), now)

    def _hear_checkouts(self, now: float) -> None:
        """A deadline that passed and an answer by hand are no calls, and belong on the wire all the same."""
        begun = self._world.checkouts.begun
        if begun and begun[-1] is not self._begun_seen:
            fresh = list(takewhile(lambda one: one is not self._begun_seen, reversed(begun)))
            self._waiting += reversed(fresh)
            self._begun_seen = begun[-1]
        for checkout in [one for one in self._waiting if one.result is not None]:
            self._waiting.remove(checkout)
            if checkout.query_id and checkout.result and (checkout.by_hand or checkout.result.status == "timed_out"):
                self._hear(checkout.bot.username, checkout, self._world.clock.now(), now)

    def _add(self, bot: str, hop: Hop, at: float, heard_at: float) -> None:
        answered = self._queries.get(hop.answers) if hop.answers else None
        turn = self._sorted.of(bot, hop, None if answered is None else answered.turn)
        self._numbered += 1
        row = Row(self._numbered, turn, hop, at, heard_at)
        if hop.kind == "update":
            self._asked[turn.number] = row
            if hop.query_id:
                self._queries[hop.query_id] = row
        elif (asked := answered if hop.answers else self._asked.get(turn.number)) is not None:
            since = row.heard_at - asked.heard_at if hop.kind == "call" else row.at - asked.at
            row.took_s = max(since, 0.0) if hop.answers or since < UNASKED_AFTER_S else None
        self.rows.append(row)
        if len(self.rows) > ROWS_MAX:
            self._forget(self.rows.popleft())

    def _forget(self, row: Row) -> None:
        self._queries.pop(row.hop.query_id, None)
        if not any(other.turn is row.turn for other in self.rows):
            self._asked.pop(row.turn.number, None)
            self._sorted.forget(row.turn)
