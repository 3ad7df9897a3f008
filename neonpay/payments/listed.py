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

_WAIT_MOST_S = 30
"""Longest ``retry_after`` that is waited for; a lease on the duty lasts longer, and after more than this it is better to come
back another time."""


class TransactionList:
    """Reads the list of one bot.

    Args:
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
            TelegramError: Telegram refused, or wants to be left alone for long.
            TelegramUnreachableError: no answer.
        """
        answer = await self._ask("getStarTransactions", {"offset": offset, "limit": limit})
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
        nanostars = read_star_amount(await self._ask("getMyStarBalance", {}))
        if nanostars is None:
            raise TelegramError("getMyStarBalance", error_code=200, description="the answer holds no amount")
        return nanostars

    async def pause(self) -> None:
        """Leave Telegram alone between two pages."""
        await self._sleep(self._pause_s)

    async def _ask(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        try:
            return await self._call(method, params)
        except TelegramError as exc:
            if exc.retry_after_s is None or exc.retry_after_s > _WAIT_MOST_S:
                raise
            logger.info("Telegram asks to wait %d s before the next %s", exc.retry_after_s, method)
            await self._sleep(exc.retry_after_s)
        return await self._call(method, params)
