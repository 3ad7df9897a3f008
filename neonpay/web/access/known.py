"""Who is known to be signed in, as the ledger said last.

Of whoever seems to be a stranger the ledger is asked together with all others who ask meanwhile: what strangers make up costs
nobody who is signed in an answer of the ledger. Whoever seems to be in is asked about one by one, and let in by that alone.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from aiohttp import web

from neonpay.core.clock import moment, stopwatch_s
from neonpay.ledger import Transaction
from neonpay.web.access.accounts import user_id_of, with_password
from neonpay.web.access.door import door
from neonpay.web.access.sessions import Session, sessions_at
from neonpay.web.reading import BlindError, read
from neonpay.web.shops import shops

_APART_S: Final = 0.1
"""How long nobody asks the ledger again after it was asked, however many strangers come."""


class KnownSessions:
    """Those of one dashboard.

    Attributes:
        sessions: digests of those that were not over when the ledger was asked last.
    """

    def __init__(self) -> None:
        self.sessions: frozenset[str] = frozenset()
        self._one = asyncio.Lock()
        self._begun = 0
        self._done = 0
        self._next_s = 0.0
        self._blind: BlindError | None = None

    async def look(self, request: web.Request) -> None:
        """Have the ledger asked, once for all who want it meanwhile; what is known is no older than this call afterwards.

        Raises:
            BlindError: the ledger does not answer.
        """
        before = self._begun
        async with self._one:
            if self._done <= before:
                await asyncio.sleep(max(self._next_s - stopwatch_s(), 0.0))
                self._begun += 1
                await self._ask(request)
                self._done, self._next_s = self._begun, stopwatch_s() + _APART_S
            if self._blind is not None:
                raise self._blind

    async def _ask(self, request: web.Request) -> None:
        the_door = door(request)
        try:
            found, asks = await read(request, _at_the_door, moment(the_door.clock.now_us()))
        except BlindError as exc:
            self._blind = exc
            return
        self._blind = None
        self.sessions = frozenset(each.session_hash for each in found if may_still(request, each.account))
        the_door.memory.asks_for_passwords = asks


KNOWN: Final = web.AppKey("KNOWN", KnownSessions)


def may_still(request: web.Request, account: str) -> bool:
    """Whether an account may come in: an owner whom Telegram knows owns the shop today."""
    user_id = user_id_of(account)
    return user_id is None or user_id in shops(request).admins


def _at_the_door(transaction: Transaction, at: datetime) -> tuple[list[Session], bool]:
    return sessions_at(transaction, at), bool(with_password(transaction))
