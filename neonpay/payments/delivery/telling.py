"""Messages that jobs send: one whose turn is not near goes back into the queue, so that it keeps no other job from running."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from neonpay.core.jsontext import JsonValue
from neonpay.core.limits import CHAT_MESSAGES_PER_S, MESSAGES_PER_S
from neonpay.errors import TelegramError
from neonpay.payments.handlers.builtin_jobs import MessageRefused, PutOff
from neonpay.telegram.paced import PacedAdapter
from neonpay.telegram.pacing import TOO_MANY

_WAIT_S = 1.0
"""Longest wait for a turn that is waited out; a message that would wait for longer gives its place to other jobs."""
_BAD_REQUEST, _FORBIDDEN = 400, 403
_GONE = (
    "chat not found",
    "user not found",
    "user is deactivated",
    "peer_id_invalid",
    "chat_write_forbidden",
    "have no rights",
)
"""What Telegram says with code 400 of a chat that cannot be written to; asking again does not help."""
_CHATS_KEPT = 1_000


class Teller:
    """Sends the messages of one bot's jobs."""

    def __init__(self, adapter: PacedAdapter) -> None:
        self._adapter = adapter
        self._free_at = 0.0
        """When the last message that was put off has its turn, by the event loop's clock."""
        self._chat_free_at: dict[int, float] = {}

    async def tell(self, chat_id: int, message: Mapping[str, JsonValue]) -> None:
        """Send a text.

        Raises:
            MessageRefused: the chat cannot be written to, now and later.
            PutOff: too many messages are waiting, or Telegram says that there were too many; nothing was sent.
            TelegramError, TelegramUnreachableError: as for every call.
        """
        self._make_room(chat_id)
        try:
            await self._adapter.call("sendMessage", {**message, "chat_id": chat_id}, patience_s=_WAIT_S)
        except TelegramError as exc:
            if exc.error_code == TOO_MANY:
                raise PutOff(float(exc.retry_after_s or 1)) from exc
            if exc.error_code == _FORBIDDEN or (exc.error_code == _BAD_REQUEST and _is_gone(exc.description)):
                raise MessageRefused(exc.description) from exc
            raise

    def _make_room(self, chat_id: int) -> None:
        wait_s = self._adapter.pacer.delay_s(chat_id)
        if wait_s <= _WAIT_S:
            return
        now = asyncio.get_running_loop().time()
        if len(self._chat_free_at) >= _CHATS_KEPT:
            self._chat_free_at = {chat: at for chat, at in self._chat_free_at.items() if at > now}
        # Each is put off to a turn of its own, so that a thousand do not all come back at once.
        self._free_at = max(self._free_at, now + wait_s) + 1 / MESSAGES_PER_S
        last = self._chat_free_at.get(chat_id, 0.0)
        turn_at = max(self._free_at, last + 1 / CHAT_MESSAGES_PER_S)
        self._chat_free_at[chat_id] = turn_at
        raise PutOff(turn_at - now)


def _is_gone(description: str) -> bool:
    said = description.lower()
    return any(words in said for words in _GONE)
