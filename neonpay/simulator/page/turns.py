"""Which turn and which order a row of the wire belongs to.

A turn begins when a person writes or presses something; what the bot then does for this person belongs to it. When an
invoice is sent or paid in a turn, the turn is about that order and gets its name and its trace. A payload names what is sold
and not the sale: a checkout of something that was paid, or is being paid, is another order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from neonpay.simulator.page.rows import CHECKED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from neonpay.simulator.page.rows import Hop

_RECENT_TURNS: Final = 4
"""An order that goes on after this many newer turns begins a new one, where the reader looks."""
_TITLES_MAX: Final = 2_000
_SENDS: Final = ("send", "copy", "forward", "edit")

TraceState: TypeAlias = Literal["invoiced", "checking", "declined", "paid", "delivered", "refunded"]
_OPEN: Final = frozenset({None, "invoiced", "declined"})
"""Traces of orders that may still come to a checkout."""


@dataclass(slots=True, eq=False)
class Turn:
    """Rows that belong together.

    Attributes:
        user_id: the person; 0 for what a bot does for itself.
        title: what the invoice sells, once there is one, or how the turn began.
        payload: of the order; "" while there is none.
        trace: where the order stands; None while there is none.
        renewal: a subscription renewed itself.
        charge_id: of its payment.
    """

    number: int
    bot: str
    user_id: int
    title: str
    payload: str = ""
    trace: TraceState | None = None
    renewal: bool = False
    charge_id: str = ""

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


class Turns:
    """Finds the turn of each row.

    Attributes:
        by_number: those that rows belong to.
    """

    def __init__(self) -> None:
        self.by_number: dict[int, Turn] = {}
        self._numbered = 0
        self._current: dict[tuple[str, int], Turn] = {}
        self._orders: dict[tuple[str, int, str], list[Turn]] = {}
        self._approved: dict[tuple[str, int, str], list[Turn]] = {}
        self._titles: dict[tuple[str, str], str] = {}

    def of(self, bot: str, hop: Hop, answered: Turn | None) -> Turn:
        """The turn of what passed, moved on by it.

        Args:
            bot: whose wire it is on.
            hop: what passed.
            answered: the turn of the query that it answers; None when it answers none.
        """
        user_id = hop.user_id or (0 if answered is None else answered.user_id)
        turn = self._find(bot, user_id, hop) if answered is None else answered
        if hop.payload and user_id:
            self._enter(turn, hop.payload)
        if hop.sells:
            self._name(bot, hop.payload, hop.sells)
            turn.title = hop.sells
        self._current[(bot, user_id)] = turn
        self._move(turn, hop)
        return turn

    def forget(self, turn: Turn) -> None:
        """No row belongs to it any more."""
        self.by_number.pop(turn.number, None)
        self._current = {key: one for key, one in self._current.items() if one is not turn}
        for orders in (self._orders, self._approved):
            for key in [key for key, kept in orders.items() if turn in kept]:
                orders[key].remove(turn)
                if not orders[key]:
                    del orders[key]

    def _find(self, bot: str, user_id: int, hop: Hop) -> Turn:
        current = self._current.get((bot, user_id))
        if hop.opens_turn:
            return self._new(bot, user_id, hop)
        if not hop.payload:
            return current or self._new(bot, user_id, hop)
        if hop.name == "successful_payment" and (approved := self._approved.get((bot, user_id, hop.payload))):
            return approved.pop(0)
        goes_on = current is not None and (not current.payload or self._takes(current, hop))
        if hop.sells and current is not None and goes_on:
            return current
        order = None if hop.sells else self._order(bot, user_id, hop)
        if order is not None:
            return order
        return current if current is not None and goes_on else self._new(bot, user_id, hop)

    def _order(self, bot: str, user_id: int, hop: Hop) -> Turn | None:
        kept: Iterable[Turn] = reversed(self._orders.get((bot, user_id, hop.payload), []))
        recent = (one for one in kept if one.number > self._numbered - _RECENT_TURNS)
        return next((one for one in recent if self._takes(one, hop)), None)

    def _takes(self, turn: Turn, hop: Hop) -> bool:
        """Whether what passed can be about this order."""
        if turn.payload != hop.payload:
            return False
        if hop.name == "refunded_payment":
            return turn.charge_id == hop.charge_id
        return turn.trace in _OPEN if hop.sells or hop.name == "pre_checkout_query" else True

    def _enter(self, turn: Turn, payload: str) -> None:
        turn.payload = payload
        turn.title = self._titles.get((turn.bot, payload), turn.title)
        orders = self._orders.setdefault((turn.bot, turn.user_id, payload), [])
        if turn not in orders:
            orders.append(turn)

    def _name(self, bot: str, payload: str, title: str) -> None:
        self._titles[(bot, payload)] = title
        if len(self._titles) > _TITLES_MAX:
            del self._titles[next(iter(self._titles))]

    def _new(self, bot: str, user_id: int, hop: Hop) -> Turn:
        self._numbered += 1
        turn = Turn(self._numbered, bot, user_id, hop.title if user_id else "")
        turn.renewal = bool(hop.payload) and hop.opens_turn
        self.by_number[turn.number] = turn
        return turn

    def _move(self, turn: Turn, hop: Hop) -> None:
        if hop.kind == "update":
            moved: dict[str, TraceState] = {
                "pre_checkout_query": "checking", "successful_payment": "paid", "refunded_payment": "refunded",
            }  # fmt: skip
            turn.trace = moved.get(hop.name, turn.trace)
            turn.charge_id = hop.charge_id or turn.charge_id
        elif hop.name in CHECKED:
            if hop.declines or (not hop.ok and turn.trace == "checking"):
                turn.trace = "declined"
            elif hop.ok and turn.trace == "checking":
                self._approved.setdefault((turn.bot, turn.user_id, turn.payload), []).append(turn)
        elif hop.ok and hop.sells and turn.user_id:
            turn.trace = turn.trace or "invoiced"
        elif hop.ok and turn.trace == "paid" and turn.user_id and hop.name.startswith(_SENDS):
            turn.trace = "delivered"
