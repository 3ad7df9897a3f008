"""Messages that jobs send: one whose turn is not near goes back into the queue, so that it keeps no other job from running."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import sqlalchemy as sa

from neonpay.core.jsontext import JsonValue
from neonpay.core.limits import CHAT_MESSAGES_PER_S, MESSAGES_PER_S
from neonpay.core.payments import Payment
from neonpay.errors import TelegramError
from neonpay.ledger import Ledger, Statement, Transaction
from neonpay.ledger.tables import invoices
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
    "not enough rights",
    "group chat was upgraded",
)
"""What Telegram says with code 400 of a chat that cannot be written to; asking again does not help."""
_NO_TOPIC = ("message thread not found", "topic_closed")
_CHATS_KEPT = 1_000
_TOPIC = Statement(
    sa.select(invoices.c.message_thread_id).where(
        invoices.c.bot_id == sa.bindparam("b"),
        invoices.c.invoice_id == sa.bindparam("i"),
        invoices.c.chat_id == sa.bindparam("c"),
    ),
    *("b", "i", "c"),
)


class Teller:
    """Sends the messages of one bot's jobs."""

    def __init__(self, adapter: PacedAdapter, ledger: Ledger) -> None:
        self._adapter = adapter
        self._ledger = ledger
        self._free_at = 0.0
        """When the last message that was put off has its turn, by the event loop's clock."""
        self._chat_free_at: dict[int, float] = {}

    async def tell(self, chat_id: int, message: Mapping[str, JsonValue], *, about: Payment | None = None) -> None:
        """Send a text.

        Args:
            about: the payment that it is about: in the chat of its invoice it goes to the topic of its invoice.

        Raises:
            MessageRefused: the chat cannot be written to, now and later.
            PutOff: too many messages are waiting, or Telegram says that there were too many; nothing was sent.
            TelegramError, TelegramUnreachableError: as for every call.
        """
        self._make_room(chat_id)
        params: dict[str, JsonValue] = {**message, "chat_id": chat_id}
        if about is not None and about.invoice_id is not None and "message_thread_id" not in params:
            topic = await self._ledger.read(_topic_in, about.bot_id, about.invoice_id, chat_id)
            if topic is not None:
                params["message_thread_id"] = topic
        await self._send(params)

    async def _send(self, params: dict[str, JsonValue]) -> None:
        try:
            await self._adapter.call("sendMessage", params, patience_s=_WAIT_S)
        except TelegramError as exc:
            if exc.error_code == TOO_MANY:
                raise PutOff(float(exc.retry_after_s or 1)) from exc
            if exc.error_code == _FORBIDDEN or (exc.error_code == _BAD_REQUEST and _is_gone(exc.description)):
                raise MessageRefused(exc.description) from exc
            if exc.error_code != _BAD_REQUEST or "message_thread_id" not in params:
                raise
            if not any(words in exc.description.lower() for words in _NO_TOPIC):
                raise
        else:
            return
        # The topic is closed, or gone; the buyer is told in the chat itself.
        await self._send({name: value for name, value in params.items() if name != "message_thread_id"})

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


def _topic_in(transaction: Transaction, bot_id: int, invoice_id: str, chat_id: int) -> int | None:
    row = transaction.row(_TOPIC, bot_id, invoice_id, chat_id)
    return None if row is None else row[0]


def _is_gone(description: str) -> bool:
    said = description.lower()
    return any(words in said for words in _GONE)
