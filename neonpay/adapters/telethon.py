"""Telethon.

Updates come by MTProto: they are taken as they arrive, before Telethon puts them in order, and kept back before its first
handler. Pre-checkout queries are answered by MTProto. Everything else goes by HTTP with the bot's token, which Telethon does
not keep after signing in.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Mapping
from typing import Any, Final

import aiohttp  # noqa: F401 - for calls by HTTP; without it the extra is named
from telethon import TelegramClient
from telethon.errors import RPCError
from telethon.tl import types
from telethon.tl.functions.messages import GetMessagesRequest, SetBotPrecheckoutResultsRequest
from telethon.tl.types import InputMessageID

from neonpay.adapters._common.given import refuse_unused
from neonpay.adapters._common.mtproto import MtprotoTap, TokenCalls, refusal
from neonpay.adapters._common.one_shop import Claim
from neonpay.core.clock import Clock
from neonpay.core.jsontext import JsonValue
from neonpay.core.ports import Capabilities, Level, Route, UpdateSink
from neonpay.errors import AdapterError, TelegramUnreachableError
from neonpay.telegram.border import at_the_border

logger = logging.getLogger("neonpay.adapters")

CAPABILITIES: Final = {
    "telethon": Capabilities(
        level=Level.B,
        calls=Route.HTTP,
        missed_updates=False,
        subscription_updates=hasattr(types, "UpdateBotStarsSubscription"),
    )
}


def connect(
    bot_instance: object,
    *,
    dispatcher: object = None,
    application: object = None,
    api_url: str | None = None,
    bot_token: str | None = None,
) -> TelethonAdapter:
    """The adapter of a client.

    Args:
        bot_token: what ``client.start`` is given; Telethon does not keep it.

    Raises:
        AdapterError: it is no client, gets no updates, the token is missing, or something is given beside it; the message shows
            the line to write.
    """
    refuse_unused("create_neonpay(client, bot_token=TOKEN)", dispatcher=dispatcher, application=application)
    if not isinstance(bot_instance, TelegramClient):
        msg = "neonpay needs the client: create_neonpay(TelegramClient(...), bot_token=TOKEN)"
        raise AdapterError(msg)
    if not bot_token:
        msg = (
            "Telethon does not keep the bot's token, which neonpay needs for invoices, refunds and Telegram's list of "
            "transactions; write create_neonpay(client, bot_token=TOKEN), with what client.start(bot_token=TOKEN) gets, or "
            "set the environment variable NEONPAY_BOT_TOKEN"
        )
        raise AdapterError(msg)
    if getattr(bot_instance, "_no_updates", False):
        msg = "this client gets no updates, so no payments either; make it without receive_updates=False"
        raise AdapterError(msg)
    return TelethonAdapter(bot_instance, bot_token, api_url)


class TelethonAdapter:
    """A Telethon client."""

    library = "telethon"
    capabilities = CAPABILITIES["telethon"]

    def __init__(self, client: Any, token: str, api_url: str | None) -> None:
        self._client = client
        self._calls = TokenCalls(token, api_url, self._signed_in_as)
        self._tap = MtprotoTap(self._calls.bot_id, self._signed_in_as, self._text_of)
        self._claim: Claim | None = None
        self._opening: asyncio.Task[None] | None = None

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot."""
        return self._calls.bot_id

    def attach(self, sink: UpdateSink) -> None:
        """Tap the client; a second call does nothing.

        What the library calls on the instance is put in front of, not replaced: other programs may have done the same. There
        is no public way to be the first handler, and handlers wait for each other with ``sequential_updates=True``.
        """
        if self._tap.sink is not None:
            return
        self._claim = Claim(self._client)
        self._tap.attach(sink)
        client, queue, tap = self._client, self._client._updates_queue, self._tap  # noqa: SLF001
        put_nowait, connect_client = queue.put_nowait, client.connect
        dispatch, disconnect = client._dispatch_update, client._disconnect_coro  # noqa: SLF001

        def take_first(updates: Any) -> None:
            users = {user.id: user for user in getattr(updates, "users", ())}
            single = getattr(updates, "update", None)
            tap.arrive(getattr(updates, "updates", ()) if single is None else (single,), users)
            put_nowait(updates)

        async def keep_back(update: Any, *args: Any) -> None:
            if not tap.keeps(update, getattr(update, "_entities", {})):
                await dispatch(update, *args)

        def connect_both() -> Any:
            connecting = connect_client()
            if inspect.isawaitable(connecting):
                return start(connecting)
            # Under telethon.sync, outside of a loop, it is connected by now. The loop goes on when the client waits for
            # something again, which it does until it is disconnected.
            self._opening = client.loop.create_task(open_soon())
            return connecting

        async def open_soon() -> None:
            try:
                await tap.start()
            except Exception as error:  # nobody awaits it
                logger.exception("the shop cannot start: %s", error)  # noqa: TRY401  # it says what to write

        async def start(connecting: Awaitable[None]) -> None:
            await connecting
            await tap.start()

        async def stop_both() -> None:
            await tap.settle()
            try:
                await disconnect()
            finally:
                await tap.stop()

        queue.put_nowait = take_first
        client.connect = connect_both
        client._dispatch_update, client._disconnect_coro = keep_back, stop_both  # noqa: SLF001

    def converse(self) -> None:
        """Hand over the commands and pressed buttons that the sink wants, too."""
        self._tap.converses = True

    def see(self, clock: Clock) -> None:
        """Tell the sink of each update of a person, too."""
        self._tap.sees = clock

    def host_data(self) -> Mapping[str, object]:
        """The client, as ``client`` and as ``bot``."""
        return {"client": self._client, "bot": self._client}

    @at_the_border
    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """The result of a Bot API method, as plain JSON; raises TelegramError or TelegramUnreachableError."""
        if method != "answerPreCheckoutQuery":
            return await self._calls.call(method, params)
        self._calls.check()
        answer = SetBotPrecheckoutResultsRequest(
            query_id=int(str(params["pre_checkout_query_id"])),
            success=bool(params["ok"]),
            error=params.get("error_message"),
        )
        try:
            return bool(await self._client(answer))
        except RPCError as exc:
            raise refusal(method, exc.code or 0, str(exc), getattr(exc, "seconds", None)) from exc
        except (OSError, TimeoutError, ValueError) as exc:
            # ValueError is what it says after several tries.
            raise TelegramUnreachableError(method) from exc

    async def close(self) -> None:
        """Close the connections for calls by HTTP; the client stays as it is."""
        if self._claim is not None:
            self._claim.release()
        await self._calls.close()

    async def _text_of(self, message_id: int) -> str | None:
        try:
            found = await self._client(GetMessagesRequest([InputMessageID(message_id)]))
        except (RPCError, OSError, TimeoutError, ValueError):
            return None
        return next((message.message for message in found.messages if hasattr(message, "message")), None)

    def _signed_in_as(self) -> int | None:
        self_id: int | None = self._client._self_id  # noqa: SLF001 - get_me() would ask Telegram
        return self_id

    def __repr__(self) -> str:
        return f"<TelethonAdapter of bot {self.bot_id}>"
