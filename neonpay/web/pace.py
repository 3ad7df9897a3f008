"""A page in the process of a bot is made in small pieces, in its turn, and each piece waits until no buyer waits.

Whoever asks for pages has time; a buyer who has pressed Pay has ten seconds, and the process has one interpreter for both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final, Protocol

from neonpay.core.clock import stopwatch_s

_LOOK_S: Final = 0.002
_PATIENCE_S: Final = 0.5
"""How long a page waits in all for buyers, so that a bot that is never idle shows its pages as well."""
HELD_MOST_S: Final = 2.0
"""How long one page keeps the others waiting: what waits for Telegram, or for a slow report, costs nobody a turn."""
_SELLS_S: Final = 10.0
"""How long after a checkout a program counts as one that sells."""


class Sells(Protocol):
    """Somebody who answers checkouts.

    Attributes:
        answering: how many wait for their answer now.
        answered: how many have had one.
    """

    answering: int
    answered: int


class Line:
    """Those who wait for each other: one page of theirs is made at a time, in the order in which they were asked for.

    Attributes:
        rests: how many times as long as a page took none is made after it, in a program that sells.
    """

    def __init__(self, rests: float) -> None:
        self.rests = rests
        self._free = asyncio.Semaphore(1)

    async def wait(self) -> None:
        """Return when it is one's turn; whoever had it lets the next one go on."""
        await self._free.acquire()

    def go_on(self, rest_s: float) -> None:
        """Let the next one begin, after a rest."""
        asyncio.get_running_loop().call_later(rest_s, self._free.release)


class Turns:
    """Who waits for whom in one program.

    Attributes:
        sellers: who answers checkouts in it.
        of_owners: whoever is signed in. A program that sells has as much time without their pages as with them.
        of_strangers: everybody else, who wait for no owner and keep none waiting, and have a fifth of the time at most.
    """

    def __init__(self, sellers: Sequence[Sells]) -> None:
        self.sellers = sellers
        self.of_owners = Line(rests=1)
        self.of_strangers = Line(rests=4)
        self._answered = 0
        self._sold_s = float("-inf")

    def sells(self) -> bool:
        """Whether a checkout was answered not long ago."""
        answered, now_s = sum(seller.answered for seller in self.sellers), stopwatch_s()
        if answered != self._answered:
            self._answered, self._sold_s = answered, now_s
        return now_s - self._sold_s < _SELLS_S


class Turn:
    """The time in which one page is made; it begins when it is known who asks for it."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._line: Line | None = None
        self._late: asyncio.TimerHandle | None = None
        self._began_s = 0.0
        self._waited_s = 0.0

    async def begin(self, *, is_owner: bool) -> None:
        """Wait among the owners or among the strangers until it is this page's turn."""
        line = self._turns.of_owners if is_owner else self._turns.of_strangers
        await line.wait()
        self._line, self._began_s, self._waited_s = line, stopwatch_s(), 0.0
        self._late = asyncio.get_running_loop().call_later(HELD_MOST_S, self._let_go, 0.0)
        await self.give_way()

    def end(self) -> None:
        """Let the next one begin, after a rest if this program sells; only the first word counts."""
        if self._line is not None:
            took_s = stopwatch_s() - self._began_s - self._waited_s
            self._let_go(took_s * self._line.rests if self._turns.sells() else 0.0)

    def _let_go(self, rest_s: float) -> None:
        if self._line is not None and self._late is not None:
            self._late.cancel()
            self._line.go_on(rest_s)
            self._line = None

    async def give_way(self) -> None:
        """Wait until nobody waits for an answer to a checkout, while the page has patience left."""
        await asyncio.sleep(0)
        began_s = stopwatch_s()
        # The bot may be on another event loop, where no event reaches it from here.
        while any(seller.answering for seller in self._turns.sellers) and self._may_wait(began_s):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)
        self._waited_s += stopwatch_s() - began_s

    def _may_wait(self, began_s: float) -> bool:
        return self._waited_s + stopwatch_s() - began_s < _PATIENCE_S


TURN: Final[ContextVar[Turn | None]] = ContextVar("TURN", default=None)
"""The turn of the page that is being made."""


async def give_way() -> None:
    """Between two pieces of a page: let whatever else the process has to do go first, buyers above all."""
    turn = TURN.get()
    if turn is not None:
        await turn.give_way()
