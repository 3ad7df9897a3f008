"""Telegram's list of transactions and the balance, read one page at a time and not faster than Telegram likes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from neonpay.core.jsontext import JsonValue
from neonpay.core.limits import TRANSACTIONS_LIMIT
from neonpay.core.transactions import StarTransaction, read_star_amount, read_transaction
from neonpay.errors import TelegramError

logger = logging.getLogger("neonpay.payments")

Call = Callable[[str, Mapping[str, JsonValue]], Awaitable[JsonValue]]


class TransactionList:
    """Reads the list of one bot.

    Args:
        call: makes a Bot API call, and waits when Telegram asks for it.
        pause_s: seconds between two pages.
    """

    def __init__(
        self, call: Call, *, pause_s: float, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        self._call = call
        self._pause_s = pause_s
        self._sleep = sleep

    async def page(self, offset: int, *, limit: int = TRANSACTIONS_LIMIT) -> list[StarTransaction | None]:
        """The rows from ``offset`` on, oldest first; None stands for one that cannot be read.

        Raises:
            TelegramError: Telegram refused.
            TelegramUnreachableError: no answer.
        """
        answer = await self._call("getStarTransactions", {"offset": offset, "limit": limit})
        rows = answer.get("transactions") if isinstance(answer, Mapping) else None
        if not isinstance(rows, list):
            raise TelegramError(
                "getStarTransactions", error_code=200, description="the answer holds no list of transactions"
            )
        found = [read_transaction(row) for row in rows]
        for place, row in enumerate(found, offset):
            if row is None:
                logger.error(
                    "row %d of Telegram's list of transactions cannot be read; the ledger is without it", place
                )
        return found

    async def balance(self) -> int:
        """What the bot has, in nanostars; raises as ``page`` does."""
        nanostars = read_star_amount(await self._call("getMyStarBalance", {}))
        if nanostars is None:
            raise TelegramError("getMyStarBalance", error_code=200, description="the answer holds no amount")
        return nanostars

    async def pause(self) -> None:
        """Leave Telegram alone between two pages."""
        await self._sleep(self._pause_s)
