"""A page in the process of a bot is made in small pieces, and each of them waits until no buyer waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Final, Protocol

from neonpay.core.clock import stopwatch_s

_LOOK_S: Final = 0.002
_PATIENCE_S: Final = 0.5
"""How long a page waits in all for buyers, so that a bot that is never idle shows its pages as well."""


class Sells(Protocol):
    """Somebody who answers checkouts.

    Attributes:
        answering: how many wait for their answer now.
        answered: how many have had one.
    """

    answering: int
    answered: int


class Turn:
    """The time in which one page is made.

    Args:
        free: lets the next one begin.
    """

    def __init__(self, sellers: Sequence[Sells], free: Callable[[], object]) -> None:
        self._sellers = sellers
        self._free = free
        self._is_over = False
        self.waited_s = 0.0

    def end(self, rest_s: float = 0.0) -> None:
        """Let the next one begin, after a rest; the first one who says so counts."""
        if not self._is_over:
            self._is_over = True
            asyncio.get_running_loop().call_later(rest_s, self._free)

    async def give_way(self) -> None:
        """Wait until nobody waits for an answer to a checkout, while the page has patience left."""
        await asyncio.sleep(0)
        began_s = stopwatch_s()
        # The bot may be on another event loop, where no event reaches it from here.
        while any(seller.answering for seller in self._sellers) and self._may_wait(began_s):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)
        self.waited_s += stopwatch_s() - began_s

    def _may_wait(self, began_s: float) -> bool:
        return self.waited_s + stopwatch_s() - began_s < _PATIENCE_S


TURN: Final[ContextVar[Turn | None]] = ContextVar("TURN", default=None)
"""The turn of the page that is being made."""


async def give_way() -> None:
    """Between two pieces of a page: let whatever else the process has to do go first, buyers above all."""
    turn = TURN.get()
    if turn is not None:
        await turn.give_way()
