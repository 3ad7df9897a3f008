"""Updates for a bot that has no library: asked for by us, posted to us, or given to us."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from neonpay.app.house import House
from neonpay.app.strangers import STRANGERS_PER_S, Strangers
from neonpay.core.jsontext import JsonValue
from neonpay.core.namespaces import Awaiting, Namespace, verb
from neonpay.core.ports import Foreign
from neonpay.core.ports import Receiving as ReceivingAdapter
from neonpay.core.secrecy import guard_logs
from neonpay.core.whole import is_whole
from neonpay.errors import ConfigurationError

if TYPE_CHECKING:
    from aiohttp import web

logger = logging.getLogger("neonpay.app")

_SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  # the name of a header
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_BAD_REQUEST, _FORBIDDEN, _TOO_MANY = 400, 403, 429


class Receiving(Namespace[Awaiting]):
    """Long polling and webhooks of a bare token."""

    _house: House
    _webhook: _Webhook | None = None
    """What the newest ``webhook_handler`` expects."""

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
        self,
        *,
        secret_token: str | Sequence[str] | None,
        on_update: Foreign | None = None,
        strangers_per_s: int = STRANGERS_PER_S,
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A handler for an aiohttp application, behind the address that ``setWebhook`` was given.

        It answers when the update is done with, and with an error when a payment could not be recorded, so that Telegram
        delivers it again. What carries the secret is taken however much of it comes and however large it is. Of everything
        else the body is not read, and it is answered with 403, or with 429 when more than ``strangers_per_s`` came in a second.

        Args:
            secret_token: what ``setWebhook`` was given, without which anybody could post payments; or several, of which
                ``set_webhook`` tells Telegram the first and all are taken, so that a secret is replaced without a gap. None
                switches the check off, with a warning: then posts of more than the application's ``client_max_size`` and
                more than ``strangers_per_s`` are refused, and Telegram delivers again what it was refused.
            on_update: awaited with each update that is not neonpay's.
            strangers_per_s: most posts a second without the secret that are looked at.

        Raises:
            ConfigurationError: no ``secret_token`` that ``setWebhook`` takes, or a bot library receives the updates.
        """
        from aiohttp import web

        secrets = _secrets(secret_token)
        if not is_whole(strangers_per_s, 1, 1_000_000):
            msg = f"strangers_per_s is {strangers_per_s!r}; give a whole number, 1 or more"
            raise ConfigurationError(msg)
        guard_logs(secrets)
        receiver = self._receiver()
        expected = [secret.encode() for secret in secrets]
        strangers = Strangers(self._house.clock, most_per_s=strangers_per_s, is_checked=bool(expected))
        self._webhook = _Webhook(secrets[0] if secrets else None, wants_all=on_update is not None)
        if not expected:
            logger.warning(
                "THE WEBHOOK OF BOT %d CHECKS NO SECRET: WHOEVER KNOWS ITS ADDRESS CAN POST PAYMENTS THAT NOBODY MADE. "
                'Give webhook_handler a secret_token, such as os.environ["WEBHOOK_SECRET"], and call set_webhook again',
                self._house.adapter.bot_id,
            )

        async def handle(request: web.Request) -> web.Response:
            # aiohttp makes lone surrogates of bytes that are no UTF-8, and whoever sends the header twice is not Telegram.
            given = [text.encode("utf-8", "surrogateescape") for text in request.headers.getall(_SECRET_HEADER, ())]
            # All are compared, so that the time which that takes tells nothing.
            is_telegram = len(given) == 1 and sum(hmac.compare_digest(given[0], secret) for secret in expected) > 0
            if not is_telegram:
                if not strangers.admit():
                    return web.Response(status=_TOO_MANY)
                if expected:
                    return web.Response(status=_FORBIDDEN)
            try:
                # Past the limit of the application, which would keep an update out for good.
                body = await (request.content.read() if is_telegram else request.read())
                update = json.loads(body.decode(request.charset or "utf-8"))
            except (ValueError, LookupError, RecursionError):
                return web.Response(status=_BAD_REQUEST)
            if not isinstance(update, dict):
                return web.Response(status=_BAD_REQUEST)
            if not await receiver.take(update) and on_update is not None:
                await on_update(update)
            return web.Response()

        return handle

    @verb
    async def set_webhook(self, url: str) -> None:
        """Have Telegram post the updates to ``url``, with the first secret of ``webhook_handler``, which was called before.

        Updates that wait are posted there; none is dropped.

        Raises:
            ConfigurationError: ``webhook_handler`` was not called, or a bot library receives the updates.
            TelegramError: Telegram does not take the address.
            TelegramUnreachableError: no answer; call it again.
        """
        self._receiver()
        webhook = self._webhook
        if webhook is None:
            msg = "call webhook_handler(secret_token=...) first: set_webhook tells Telegram its secret"
            raise ConfigurationError(msg)
        # Telegram keeps what it was told before of what is left out; an empty list is its default, which has ours.
        kinds: list[JsonValue] = [] if webhook.wants_all else ["message"]
        params: dict[str, JsonValue] = {"url": url, "allowed_updates": kinds}
        if webhook.secret is not None:
            params["secret_token"] = webhook.secret
        await self._house.pipeline.adapter.call("setWebhook", params)

    def _receiver(self) -> ReceivingAdapter:
        adapter = self._house.adapter
        if isinstance(adapter, ReceivingAdapter):
            return adapter
        msg = f"{adapter.library} receives this bot's updates itself; start it as you do without neonpay"
        raise ConfigurationError(msg)


class _Webhook(NamedTuple):
    """What Telegram is told of a handler."""

    secret: str | None
    wants_all: bool


def _secrets(given: str | Sequence[str] | None) -> list[str]:
    """The secrets, of which the first is Telegram's to know; none when the check is off.

    Raises:
        ConfigurationError: one of them is none, or there is none in a list.
    """
    if given is None:
        return []
    told: list[object] = list(given) if isinstance(given, list | tuple) else [given]
    if len(told) > 1 and not all(told):
        msg = "a secret_token of the list is empty; leave it out, or set the variable that it comes from"
        raise ConfigurationError(msg)
    if not told or not all(told):
        msg = "give setWebhook a secret_token and pass the same one here; without it anybody could post payments"
        raise ConfigurationError(msg)
    secrets = [secret for secret in told if isinstance(secret, str) and _SECRET.fullmatch(secret)]
    if len(secrets) < len(told):
        msg = "a secret_token is 1 to 256 of the characters A-Z, a-z, 0-9, _ and -; setWebhook takes no other one"
        raise ConfigurationError(msg)
    return secrets
