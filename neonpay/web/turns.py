"""Pages in the process of a bot: one is made at a time.

Where no bot is at work, as in ``neonpay dashboard``, nothing of this is needed and pages are made as they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from neonpay.web.access.entrance import is_for_all
from neonpay.web.access.forms import LOOKS
from neonpay.web.pace import TURN, Sells, Turn, Turns

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware


def in_turns(sellers: Sequence[Sells]) -> Middleware:
    """Has whoever looks at pages take a turn, from the entrance on until the page is made; everything else takes none.

    Acts, files and what programs ask for wait for nobody.

    Args:
        sellers: who answers checkouts in this program; where nobody does, nobody waits.
    """
    turns = Turns(sellers)

    @web.middleware
    async def in_turn(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not sellers or request.method not in LOOKS or is_for_all(request):
            return await handler(request)
        turn = Turn(turns)
        token = TURN.set(turn)
        try:
            return await handler(request)
        finally:
            TURN.reset(token)
            turn.end()

    return in_turn


async def end_turn(request: web.Request, response: web.StreamResponse) -> None:
    """What begins to be sent is made, and a stream that goes on keeps nobody waiting."""
    turn = TURN.get()
    if turn is not None:
        turn.end()
