"""Updates for a bot that has no library: asked for by us, posted to us, or given to us."""

from __future__ import annotations

import asyncio
import hmac
import re
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from neonpay.app.house import House
from neonpay.core.namespaces import Awaiting, Namespace, verb
from neonpay.core.ports import Foreign
from neonpay.core.ports import Receiving as ReceivingAdapter
from neonpay.core.secrecy import guard_logs
from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from aiohttp import web

_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  # the name of a header
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_FORBIDDEN, _BAD_REQUEST = 403, 400


class Receiving(Namespace[Awaiting]):
    """Long polling and webhooks of a bare token."""

    _house: House

    @verb
    async def run_polling(self, *, on_update: Foreign | None = None, handle_signals: bool = True) -> None:
        """Sell until SIGINT, SIGTERM or cancellation, then finish what runs and close.

        Payments are recorded before Telegram is told that their update arrived.

        Args:
            on_update: awaited with each update that is not neonpay's, as plain JSON, in a task of its own; what it raises is
                logged.
            handle_signals: whether SIGINT and SIGTERM end it, where the event loop can do that.

        Raises:
            ConfigurationError: a bot library receives this bot's updates, a webhook is set, or the token is not valid.
        """
        receiving = asyncio.ensure_future(self._receiver().receive(on_update))
        handled: list[signal.Signals] = []
        if handle_signals:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                try:
                    loop.add_signal_handler(number, receiving.cancel)
                except (NotImplementedError, RuntimeError, ValueError):
                    continue  # Windows, or not the main thread: Ctrl+C cancels the whole program there
                handled.append(number)
        try:
            await asyncio.wait([receiving])
        finally:
            for number in handled:
                asyncio.get_running_loop().remove_signal_handler(number)
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)
        if not receiving.cancelled():
            receiving.result()

    @verb
    async def process_update(self, update: Mapping[str, Any]) -> bool:
        """Take an update that a web framework received, as plain JSON.

        Answer Telegram with a success only after this has returned: what raises has to be delivered again.

        Returns:
            Whether the update was neonpay's; one that was not is yours.

        Raises:
            LedgerError: a payment could not be recorded.
            ConfigurationError: a bot library receives this bot's updates.
        """
        return await self._receiver().take(update)

    def webhook_handler(
        self, *, secret_token: str, on_update: Foreign | None = None
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A handler for an aiohttp application, behind the address that ``setWebhook`` was given.

        It answers when the update is done with, and with an error when a payment could not be recorded, so that Telegram
        delivers it again.

        Args:
            secret_token: what ``setWebhook`` was given, without which anybody could post payments; others are answered 403.
            on_update: awaited with each update that is not neonpay's.

        Raises:
            ConfigurationError: no ``secret_token`` that ``setWebhook`` takes, or a bot library receives the updates.
        """
        from aiohttp import web

        if not secret_token:
            msg = "give setWebhook a secret_token and pass the same one here; without it anybody could post payments"
            raise ConfigurationError(msg)
        if not _SECRET.fullmatch(secret_token):
            msg = "a secret_token is 1 to 256 of the characters A-Z, a-z, 0-9, _ and -; setWebhook takes no other one"
            raise ConfigurationError(msg)
        guard_logs([secret_token])
        receiver = self._receiver()
        expected = secret_token.encode()

        async def handle(request: web.Request) -> web.Response:
            # aiohttp makes lone surrogates of bytes that are no UTF-8, and whoever sends the header twice is not Telegram.
            given = [text.encode("utf-8", "surrogateescape") for text in request.headers.getall(_SECRET_HEADER, ())]
            if len(given) != 1 or not hmac.compare_digest(given[0], expected):
                return web.Response(status=_FORBIDDEN)
            try:
                update = await request.json()
            except (ValueError, LookupError, RecursionError):
                return web.Response(status=_BAD_REQUEST)
            if not isinstance(update, dict):
                return web.Response(status=_BAD_REQUEST)
            if not await receiver.take(update) and on_update is not None:
                await on_update(update)
            return web.Response()

        return handle

    def _receiver(self) -> ReceivingAdapter:
        adapter = self._house.adapter
        if isinstance(adapter, ReceivingAdapter):
            return adapter
        msg = f"{adapter.library} receives this bot's updates itself; start it as you do without neonpay"
        raise ConfigurationError(msg)
