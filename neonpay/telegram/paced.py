"""An adapter whose calls keep to Telegram's limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from neonpay.core.jsontext import JsonValue
from neonpay.core.ports import Adapter, Capabilities, Named, UpdateSink
from neonpay.telegram.border import at_the_border
from neonpay.telegram.pacing import PATIENCE_S, Chat, Pacer, is_message


class PacedAdapter:
    """Another adapter with its outgoing calls at the rate that Telegram allows.

    Messages wait for their turn, if that comes within the caller's patience. Answers that a buyer waits for, a checkout's
    above all, wait behind nothing. A refusal with code 429 has done nothing, so the call is made again when its
    ``retry_after`` is over, unless that is longer than the patience. A call without an answer, or with a server error, is
    made again only when it does no harm twice; a message may have arrived, so it is not. Refunds and gifts are made once:
    their callers keep a record and decide.
    """

    def __init__(self, adapter: Adapter, pacer: Pacer) -> None:
        self._adapter = adapter
        self.pacer = pacer

    @property
    def library(self) -> str:
        """The other adapter's."""
        return self._adapter.library

    @property
    def bot_id(self) -> int:
        """The other adapter's."""
        return self._adapter.bot_id

    @property
    def bot_username(self) -> str | None:
        """The other adapter's, when it can say."""
        return self._adapter.bot_username if isinstance(self._adapter, Named) else None

    @property
    def capabilities(self) -> Capabilities:
        """What the library can do."""
        return self._adapter.capabilities

    def attach(self, sink: UpdateSink) -> None:
        """Tap the other adapter's updates."""
        self._adapter.attach(sink)

    def host_data(self) -> Mapping[str, object]:
        """The other adapter's."""
        return self._adapter.host_data()

    async def call(
        self,
        method: str,
        params: Mapping[str, JsonValue],
        *,
        patience_s: float = PATIENCE_S,
        on_turn: Callable[[], None] | None = None,
    ) -> JsonValue:
        """The result of a Bot API method, once its turn has come.

        Args:
            patience_s: longest wait for a turn, and longest ``retry_after``, that is waited out; with 0 nothing is.
            on_turn: called each time when the turn has come, right before Telegram is asked.

        Raises:
            TelegramError: Telegram refused, or its turn comes later than ``patience_s`` (code 429); nothing was done.
            TelegramUnreachableError: no answer; it may have been done.
        """

        async def send() -> JsonValue:
            if on_turn is not None:
                on_turn()
            return await _call(self._adapter, method, params)

        return await self.pacer.call(method, _chat(method, params), send, patience_s=patience_s)

    async def close(self) -> None:
        """Close the other adapter."""
        await self._adapter.close()


@at_the_border
async def _call(adapter: Adapter, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
    # Adapters that other distributions bring may raise what their library does.
    return await adapter.call(method, params)


def _chat(method: str, params: Mapping[str, JsonValue]) -> Chat | None:
    chat = params.get("chat_id")
    return chat if is_message(method) and isinstance(chat, int | str) else None
