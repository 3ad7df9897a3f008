"""The Pyrogram family: kurigram, pyrofork, hydrogram and Pyrogram itself, one adapter for all.

Updates come by MTProto: they are taken as they arrive and kept out of the dispatcher's queue, so that no handler, parser,
filter or busy worker of the host comes between. Pre-checkout queries are answered by MTProto. Everything else goes by HTTP
with the bot's token, since what these libraries can do, and how they name it, differs from one to the next.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import aiohttp  # noqa: F401 - for calls by HTTP; without it the extra is named

from neonpay.adapters import detect
from neonpay.adapters._common.given import refuse_unused
from neonpay.adapters._common.mtproto import MtprotoTap, TokenCalls, refusal
from neonpay.adapters._common.one_shop import Claim
from neonpay.core.clock import Clock
from neonpay.core.jsontext import JsonValue
from neonpay.core.ports import Capabilities, Level, Route, UpdateSink
from neonpay.errors import AdapterError, TelegramUnreachableError
from neonpay.telegram.border import at_the_border

_ROOTS: Final = ("pyrogram", "hydrogram")
_MODERN: Final = Capabilities(level=Level.B, calls=Route.HTTP, missed_updates=False)
# The schemas of these two are older than the message that tells of a refund.
_OLD: Final = Capabilities(
    level=Level.B, calls=Route.HTTP, missed_updates=False, refund_updates=False, subscription_updates=False
)
CAPABILITIES: Final = {
    "kurigram": _MODERN,
    "pyrofork": replace(_MODERN, subscription_updates=False),
    "pyrogram": _OLD,
    "hydrogram": _OLD,
}
"""Of the newest versions."""


def connect(
    bot_instance: object,
    *,
    dispatcher: object = None,
    application: object = None,
    api_url: str | None = None,
    bot_token: str | None = None,
) -> PyrogramAdapter:
    """The adapter of a client.

    Args:
        bot_token: where the client itself has none, because it signs in with a session file.

    Raises:
        AdapterError: it is no client, has no token, gets no updates, or something is given beside it; the message shows the
            line to write.
    """
    refuse_unused("create_neonpay(client)", dispatcher=dispatcher, application=application)
    classes = {(kind.__module__ or "").partition(".")[0] for kind in type(bot_instance).__mro__}
    root = next((root for root in _ROOTS if root in classes), None)
    if root is None or not hasattr(bot_instance, "dispatcher"):
        msg = "neonpay needs the client: create_neonpay(Client(...))"
        raise AdapterError(msg)
    client: Any = bot_instance
    token = client.bot_token or bot_token
    if not token:
        msg = (
            "this client has no bot token, which neonpay needs for refunds and for Telegram's list of transactions; write "
            'Client("my_bot", api_id=..., api_hash=..., bot_token="123456:ABC..."), or pass it on: '
            'create_neonpay(client, bot_token="123456:ABC...")'
        )
        raise AdapterError(msg)
    if client.no_updates:
        msg = "this client gets no updates, so no payments either; make it without no_updates=True"
        raise AdapterError(msg)
    return PyrogramAdapter(client, root, token, api_url)


class PyrogramAdapter:
    """A client of the Pyrogram family."""

    def __init__(self, client: Any, root: str, token: str, api_url: str | None) -> None:
        self._client = client
        self._raw: Any = importlib.import_module(f"{root}.raw")
        self._rpc_error: Any = importlib.import_module(f"{root}.errors").RPCError
        self.library = detect(client).name
        self._calls = TokenCalls(token, api_url, self._signed_in_as, test_environment=bool(client.test_mode))
        self._tap = MtprotoTap(self._calls.bot_id, self._signed_in_as, self._text_of)
        self._claim: Claim | None = None

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot."""
        return self._calls.bot_id

    @property
    def bot_username(self) -> str | None:
        """What the bot is called, as far as the library has asked."""
        me = self._client.me
        return None if me is None else me.username

    @property
    def capabilities(self) -> Capabilities:
        """What this member of the family can do."""
        knows = hasattr(self._raw.types, "UpdateBotStarsSubscription")
        return replace(CAPABILITIES[self.library], subscription_updates=knows)

    def attach(self, sink: UpdateSink) -> None:
        """Tap the client; a second call does nothing.

        What the library calls on the instance is put in front of, not replaced: other programs may have done the same.
        """
        if self._tap.sink is not None:
            return
        self._claim = Claim(self._client)
        self._tap.attach(sink)
        client, dispatcher, tap = self._client, self._client.dispatcher, self._tap
        handle_updates, put_nowait = client.handle_updates, dispatcher.updates_queue.put_nowait
        start, stop = dispatcher.start, dispatcher.stop

        async def take_first(updates: Any) -> None:
            users = {user.id: user for user in getattr(updates, "users", ())}
            single = getattr(updates, "update", None)
            tap.arrive(getattr(updates, "updates", ()) if single is None else (single,), users)
            await handle_updates(updates)

        def keep_back(item: Any) -> None:
            # None ends a worker.
            if item is None or not tap.keeps(item[0], item[1]):
                put_nowait(item)

        async def start_both(*args: Any, **kwargs: Any) -> None:
            await tap.start()
            await start(*args, **kwargs)

        async def stop_both(*args: Any, **kwargs: Any) -> None:
            await tap.settle()
            try:
                await stop(*args, **kwargs)
            finally:
                await tap.stop()

        client.handle_updates = take_first
        dispatcher.updates_queue.put_nowait = keep_back
        dispatcher.start, dispatcher.stop = start_both, stop_both

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
        answer = self._raw.functions.messages.SetBotPrecheckoutResults(
            query_id=int(str(params["pre_checkout_query_id"])),
            success=bool(params["ok"]),
            error=params.get("error_message"),
        )
        try:
            return bool(await self._client.invoke(answer))
        except self._rpc_error as exc:
            raise refusal(method, exc.CODE or 0, str(exc.ID or exc.value or exc), exc.value) from exc
        except (OSError, TimeoutError) as exc:
            raise TelegramUnreachableError(method) from exc

    async def close(self) -> None:
        """Close the connections for calls by HTTP; the client stays as it is."""
        if self._claim is not None:
            self._claim.release()
        await self._calls.close()

    async def _text_of(self, message_id: int) -> str | None:
        wanted = self._raw.types.InputMessageID(id=message_id)
        try:
            found = await self._client.invoke(self._raw.functions.messages.GetMessages(id=[wanted]))
        except (self._rpc_error, OSError, TimeoutError):
            return None
        return next((message.message for message in found.messages if hasattr(message, "message")), None)

    def _signed_in_as(self) -> int | None:
        me = self._client.me
        return None if me is None else me.id

    def __repr__(self) -> str:
        return f"<PyrogramAdapter of bot {self.bot_id} on {self.library}>"
