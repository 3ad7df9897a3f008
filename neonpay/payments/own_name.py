"""What the bot itself is called: kept with the people whom it knows, so that commands and pages can name it."""

from __future__ import annotations

import logging
from typing import Final

from neonpay.core.clock import Clock
from neonpay.core.people import Sender
from neonpay.core.text import error_words
from neonpay.errors import LedgerError, TelegramError, TelegramUnreachableError
from neonpay.ledger import Ledger
from neonpay.store.people import remember_bot, was_told_since
from neonpay.store.periodic import Turn, Work
from neonpay.telegram.paced import PacedAdapter

logger = logging.getLogger("neonpay.payments")

_EVERY_US: Final = 86_400 * 1_000_000


class OwnName:
    """Asks once a day, by the way: the library first, and Telegram when that has not heard it."""

    def __init__(self, ledger: Ledger, bot_id: int, adapter: PacedAdapter, clock: Clock) -> None:
        self._ledger = ledger
        self._bot_id = bot_id
        self._adapter = adapter
        self._clock = clock

    def after(self, work: Work) -> Work:
        """The work of a periodic task, after which the name is looked at; its failure is none of the task's."""

        async def then_named(turn: Turn) -> float | None:
            pause_s = await work(turn)
            try:
                await self._keep()
            except (LedgerError, TelegramError, TelegramUnreachableError) as exc:
                logger.debug("what the bot is called could not be kept: %s", error_words(exc))
            return pause_s

        return then_named

    async def _keep(self) -> None:
        now_us = self._clock.now_us()
        if await self._ledger.read(was_told_since, self._bot_id, now_us - _EVERY_US):
            return
        name = self._adapter.bot_username
        if name is None:
            me = await self._adapter.call("getMe", {})
            found = me.get("username") if isinstance(me, dict) else None
            name = found if isinstance(found, str) else None
        if name is not None:
            await self._ledger.run(remember_bot, self._bot_id, Sender(username=name), now_us)
