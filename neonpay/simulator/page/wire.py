"""What passes between Telegram and the bots, in the order in which it passed, sorted into turns and orders.

A turn begins when a person writes or presses something; what the bot then does for this person belongs to it. When an
invoice is sent or paid in a turn, the turn is about that order and gets its name and its trace.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from neonpay.simulator.journal import Call
from neonpay.simulator.money.checkout import Checkout
from neonpay.simulator.page.rows import CHECKED, Hop, of_call, of_checkout, of_update
from neonpay.simulator.updates.queue import QueuedUpdate

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator.world import World

ROWS_MAX: Final = 1_000
"""Rows remembered for the page."""
_RECENT_TURNS: Final = 4
"""An order that goes on after this many newer turns begins a new one, where the reader looks."""
UNASKED_AFTER_S: Final = 30.0
"""A message that comes later than this after what the person did is taken for no answer to it."""
_TITLES_MAX: Final = 2_000
_SENDS: Final = ("send", "copy", "forward", "edit")

TraceState: TypeAlias = Literal["invoiced", "checking", "declined", "paid", "delivered", "refunded"]


@dataclass(slots=True, eq=False)
class Turn:
    """Rows that belong together.

    Attributes:
        user_id: the person; 0 for what a bot does for itself.
        title: what the invoice sells, once there is one, or how the turn began.
        payload: of the order; "" while there is none.
        trace: where the order stands; None while there is none.
        renewal: a subscription renewed itself.
        asked: the newest update in it.
    """

    number: int
    bot: str
    user_id: int
    title: str
    payload: str = ""
    trace: TraceState | None = None
    renewal: bool = False
    asked: Row | None = field(default=None, repr=False)

    @property
    def as_json(self) -> dict[str, object]:
        """The turn as the page gets it."""
        return {
            "number": self.number,
            "bot": self.bot,
            "user_id": self.user_id,
            "title": self.title,
            "trace": self.trace,
            "renewal": self.renewal,
        }


@dataclass(slots=True, eq=False)
class Row:
    """One thing that passed.

    Attributes:
        at: virtual Unix time.
        heard_at: monotonic real seconds.
        took_s: seconds that the bot took, counted from the update that this answers.
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


@dataclass(frozen=True, slots=True)
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
        turns: those that the rows belong to, by number.
        calls: how many there were, polls aside.
        updates: how many there were.
        polled_at: when each bot last polled, monotonic real seconds by username.
    """

    def __init__(self, world: World, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._world = world
        self._monotonic = monotonic
        self.rows: deque[Row] = deque()
        self.turns: dict[int, Turn] = {}
        self.calls = 0
        self.updates = 0
        self.polled_at: dict[str, float] = {}
        self._heard: deque[Heard] = deque(maxlen=ROWS_MAX)
        self._step = 0
        self._step_is_open = False
        self._calls_seen = 0
        self._updates_seen: dict[int, int] = {}
        self._waiting: list[Checkout] = []
        self._begun_seen: Checkout | None = None
        self._numbered = 0
        self._turns_numbered = 0
        self._current: dict[tuple[str, int], Turn] = {}
        self._orders: dict[tuple[str, int, str], Turn] = {}
        self._queries: dict[str, Row] = {}
        self._titles: dict[tuple[str, str], str] = {}

    def listen(self) -> None:
        """Write down what is new; called at every ring."""
        now = self._monotonic()
        for bot, box in self._world.postboxes():
            history, seen = box.queue.history, self._updates_seen.get(bot.id, 0)
            if len(history) == seen:
                continue
            for update in history[seen:]:
                self.updates += 1
                self._hear(bot.username, update, update.queued_at, now)
            self._updates_seen[bot.id] = len(history)
        if self._world.journal.total != self._calls_seen:
            self._hear_calls(now)
        if self._waiting or self._world.checkouts.begun:
            self._hear_checkouts(now)

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
        turn = self._turn(bot, hop)
        _move_trace(turn, hop)
        self._numbered += 1
        row = Row(self._numbered, turn, hop, at, heard_at)
        if hop.kind == "update":
            turn.asked = row
            if hop.query_id:
                self._queries[hop.query_id] = row
        else:
            asked = self._queries.get(hop.answers) if hop.answers else turn.asked
            if asked is not None:
                took_s = max(row.at - asked.at, row.heard_at - asked.heard_at, 0.0)
                row.took_s = took_s if hop.answers or took_s < UNASKED_AFTER_S else None
        self.rows.append(row)
        if len(self.rows) > ROWS_MAX:
            self._forget(self.rows.popleft())

    def _turn(self, bot: str, hop: Hop) -> Turn:
        user_id = hop.user_id or self._asker(hop)
        current = self._current.get((bot, user_id))
        order = self._orders.get((bot, user_id, hop.payload)) if hop.payload else None
        if order is not None and order.number > self._turns_numbered - _RECENT_TURNS and not hop.opens_turn:
            turn = order
        elif current is not None and not hop.opens_turn and (not hop.payload or current.payload in {"", hop.payload}):
            turn = current
        else:
            turn = self._new_turn(bot, user_id, hop.title if user_id else "")
            turn.renewal = bool(hop.payload) and hop.opens_turn
        if hop.payload and user_id:
            turn.payload = hop.payload
            turn.title = self._titles.get((bot, hop.payload), turn.title)
            self._orders[(bot, user_id, hop.payload)] = turn
        if hop.sells:
            self._name(bot, hop.payload, hop.sells)
            turn.title = hop.sells
        self._current[(bot, user_id)] = turn
        return turn

    def _name(self, bot: str, payload: str, title: str) -> None:
        self._titles[(bot, payload)] = title
        if len(self._titles) > _TITLES_MAX:
            del self._titles[next(iter(self._titles))]

    def _asker(self, hop: Hop) -> int:
        if not hop.answers:
            return 0
        asked = self._queries.get(hop.answers)
        return 0 if asked is None else asked.turn.user_id

    def _new_turn(self, bot: str, user_id: int, title: str) -> Turn:
        self._turns_numbered += 1
        turn = Turn(self._turns_numbered, bot, user_id, title)
        self.turns[turn.number] = turn
        return turn

    def _forget(self, row: Row) -> None:
        self._queries.pop(row.hop.query_id, None)
        turn = row.turn
        if self.rows[0].turn is turn or any(other.turn is turn for other in self.rows):
            return
        self.turns.pop(turn.number, None)
        self._current = {key: one for key, one in self._current.items() if one is not turn}
        self._orders = {key: one for key, one in self._orders.items() if one is not turn}


def _move_trace(turn: Turn, hop: Hop) -> None:
    if hop.kind == "update":
        if hop.name in {"pre_checkout_query", "successful_payment", "refunded_payment"}:
            moved: dict[str, TraceState] = {
                "pre_checkout_query": "checking", "successful_payment": "paid", "refunded_payment": "refunded",
            }  # fmt: skip
            turn.trace = moved[hop.name]
    elif hop.name in CHECKED:
        if (not hop.ok and turn.trace == "checking") or hop.declines:
            turn.trace = "declined"
    elif hop.ok and hop.sells and turn.user_id:
        turn.trace = turn.trace or "invoiced"
    elif hop.ok and turn.trace == "paid" and turn.user_id and hop.name.startswith(_SENDS):
        turn.trace = "delivered"
