"""Pages in the process of a bot: one is made at a time.

Whoever asks for pages has time; a buyer who has pressed Pay has ten seconds, and the process has one interpreter for both.
Where no bot is at work, as in ``neonpay dashboard``, nothing of this is needed and pages are made as they are asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from aiohttp import web

from neonpay.core.clock import stopwatch_s
from neonpay.web.access.entrance import is_for_all
from neonpay.web.access.forms import LOOKS
from neonpay.web.pace import TURN, Sells, Turn

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

HELD_MOST_S: Final = 2.0
"""How long one page keeps the others waiting: what waits for Telegram, or for a slow report, costs nobody a turn."""
_SELLS_S: Final = 10.0
"""How long after a checkout a program counts as one that sells."""


class Turns:
    """Has the pages of one program wait for each other, in the order in which they were asked for.

    Args:
        sellers: who answers checkouts in this program.
    """

    def __init__(self, sellers: Sequence[Sells]) -> None:
        self._sellers = sellers
        self._free = asyncio.Semaphore(1)
        self._answered = 0
        self._sold_s = float("-inf")

    async def taken(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """What the handler answers, when its turn has come."""
        await self._free.acquire()
        turn, began_s = Turn(self._sellers, self._free.release), stopwatch_s()
        late = asyncio.get_running_loop().call_later(HELD_MOST_S, turn.end)
        token = TURN.set(turn)
        try:
            await turn.give_way()
            if request.transport is None:  # the reader has gone while others had their turns
                raise web.HTTPServiceUnavailable
            return await handler(request)
        finally:
            TURN.reset(token)
            late.cancel()
            # A program that sells has as much time without pages as with them, however many ask.
            took_s = stopwatch_s() - began_s - turn.waited_s
            turn.end(took_s if self._sells() else 0.0)

    def _sells(self) -> bool:
        answered, now_s = sum(seller.answered for seller in self._sellers), stopwatch_s()
        if answered != self._answered:
            self._answered, self._sold_s = answered, now_s
        return now_s - self._sold_s < _SELLS_S


def in_turns(sellers: Sequence[Sells]) -> Middleware:
    """Has whoever looks at pages wait for a turn; acts, files and what programs ask for wait for none.

    Args:
        sellers: who answers checkouts in this program; where nobody does, nobody waits.
    """
    turns = Turns(sellers)

    @web.middleware
    async def in_turn(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not sellers or request.method not in LOOKS or is_for_all(request):
            return await handler(request)
        return await turns.taken(request, handler)

    return in_turn


async def end_turn(request: web.Request, response: web.StreamResponse) -> None:
    """What begins to be sent is made, and a stream that goes on keeps nobody waiting."""
    turn = TURN.get()
    if turn is not None:
        turn.end()
