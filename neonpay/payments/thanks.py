"""The message that thanks a buyer: it waits its turn in the queue of jobs, so that it keeps no handler from running."""

from __future__ import annotations

import asyncio
import logging

from neonpay.core.limits import MESSAGES_PER_S
from neonpay.core.payments import Payment
from neonpay.errors import TelegramError
from neonpay.payments.context import PaymentContext
from neonpay.payments.errands import PutOff
from neonpay.telegram.paced import PacedAdapter

logger = logging.getLogger("neonpay.payments")

_WAIT_S = 1.0
"""Longest wait for a turn that is waited out; a thank-you that would wait for longer gives its place to other jobs."""
_TOO_MANY = 429
_GONE = frozenset({400, 403})
"""Telegram's codes for a chat that cannot be written to; asking again does not help."""


class Thanks:
    """Thanks the buyers of one bot.

    Args:
        text: what they read.
    """

    def __init__(self, adapter: PacedAdapter, text: str) -> None:
        self._adapter = adapter
        self._text = text
        self._free_at = 0.0
        """When the last thank-you that was put off has its turn, by the event loop's clock."""

    async def send(self, payment: Payment, context: PaymentContext) -> None:
        """The errand of one payment.

        Raises:
            PutOff: too many messages are waiting, or Telegram says that there were too many; nothing was sent.
            TelegramError, TelegramUnreachableError: as for every call.
        """

        async def say() -> None:
            self._make_room(payment.user_id)
            try:
                await self._adapter.call("sendMessage", {"chat_id": payment.user_id, "text": self._text}, patience_s=0)
            except TelegramError as exc:
                if exc.error_code == _TOO_MANY:
                    raise PutOff(float(exc.retry_after_s or 1)) from exc
                if exc.error_code not in _GONE:
                    raise
                logger.info("no thank-you for charge %s: %s", payment.charge_id, exc.description)

        await context.step("send", say)

    def _make_room(self, user_id: int) -> None:
        wait_s = self._adapter.pacer.delay_s(user_id)
        if wait_s <= _WAIT_S:
            return
        now = asyncio.get_running_loop().time()
        # Each is put off to a turn of its own, so that a thousand do not all come back at once.
        self._free_at = max(self._free_at, now + wait_s) + 1 / MESSAGES_PER_S
        raise PutOff(self._free_at - now)
