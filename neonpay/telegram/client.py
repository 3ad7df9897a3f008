"""The Bot API over HTTP without a bot library: for tools, and for programs that have only a token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from neonpay.core.jsontext import JsonValue
from neonpay.core.text import clean
from neonpay.errors import ConfigurationError, TelegramError, TelegramUnreachableError
from neonpay.installing import install_line
from neonpay.telegram.breaker import Breaker

if TYPE_CHECKING:
    import aiohttp

BASE_URL = "https://api.telegram.org"
TIMEOUT_S = 30.0
CONNECTIONS = 100
"""Calls that one client makes at the same time."""
_SERVER_ERROR = 500
_WAIT_BEHIND_NOTHING = frozenset({"answerPreCheckoutQuery", "getUpdates"})
"""A buyer looks at a spinning wheel, and a poll that Telegram holds would keep the place of another call."""


class BotApiClient:
    """Calls methods of the Bot API as one bot.

    The token is part of every address that is asked for, so nothing that could show an address leaves this class: no error,
    no log line, no ``repr``.

    Args:
        token: as @BotFather gives it.
        base_url: of a Bot API server of one's own, or of a simulator.
        timeout_s: seconds for one call; what has not answered by then may have been done.
        test_environment: whether the bot lives in Telegram's test environment, which has accounts and tokens of its own.
        connections: calls at the same time; more wait for up to ``timeout_s``. Polls and answers to checkouts do not count and
            do not wait. With a ``session`` its connector decides.
        breaker: what keeps calls from being made that have had no answer again and again.
        session: what to call with, on its event loop; it stays open.

    Raises:
        ConfigurationError: the token is none, the session is none or has no event loop that runs, or aiohttp is not installed.
    """

    def __init__(
        self,
        token: str,
        *,
        base_url: str = BASE_URL,
        timeout_s: float = TIMEOUT_S,
        test_environment: bool = False,
        connections: int = CONNECTIONS,
        session: aiohttp.ClientSession | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        bot_id, colon, secret = token.strip().partition(":")
        if not (colon and secret and bot_id.isascii() and bot_id.isdigit() and _is_plain(secret)):
            msg = "this is not a bot's token; @BotFather prints it as <number>:<letters>"
            raise ConfigurationError(msg)
        try:
            import aiohttp  # an extra
        except ImportError as exc:
            msg = f"calls without a bot library need aiohttp; run: {install_line('botapi')}"
            raise ConfigurationError(msg) from exc
        self.bot_id = int(bot_id)
        # /bot<token>/test/METHOD (https://github.com/tdlib/telegram-bot-api, HttpConnection.cpp, read 2026-11-20).
        self._address = f"{base_url.rstrip('/')}/bot{bot_id}:{secret}{'/test' if test_environment else ''}"
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._connections = connections
        self.breaker = breaker
        self._is_given = session is not None
        self._session = session
        self._loop = None if session is None else _loop_of(session)
        self._places = asyncio.Semaphore(connections)

    async def call(self, method: str, params: Mapping[str, JsonValue], *, timeout_s: float | None = None) -> JsonValue:
        """The result of a method.

        Args:
            timeout_s: seconds for this call, where it may take longer than others.

        Raises:
            TelegramError: Telegram refused, or is not asked for the time being (code 503); nothing was done.
            TelegramUnreachableError: no answer that can be read; it may have been done.
        """
        breaker = self.breaker
        if breaker is None:
            return await self._ask(method, params, timeout_s)
        breaker.admit(method)
        try:
            result = await self._ask(method, params, timeout_s)
        except TelegramUnreachableError:
            breaker.failed(method)
            raise
        except TelegramError as refusal:
            (breaker.failed if refusal.error_code >= _SERVER_ERROR else breaker.answered)(method)
            raise
        except BaseException:
            breaker.given_up(method)
            raise
        breaker.answered(method)
        return result

    async def _ask(self, method: str, params: Mapping[str, JsonValue], timeout_s: float | None) -> JsonValue:
        answer, _ = await self._exchange(method, params, timeout_s)
        return _result(method, answer)

    async def server_time_s(self) -> int | None:
        """Unix time in whole seconds, cut off, by the server's clock as it answers ``getMe``; None when it does not say.

        Raises:
            TelegramError, TelegramUnreachableError: as ``call``.
        """
        answer, date = await self._exchange("getMe", {}, None)
        _result("getMe", answer)
        try:
            return int(parsedate_to_datetime(date or "").timestamp())
        except ValueError:
            return None

    async def _exchange(
        self, method: str, params: Mapping[str, JsonValue], timeout_s: float | None
    ) -> tuple[object, str | None]:
        """What came back, as it is, and when by its header."""
        import aiohttp

        if not _is_plain(method):
            msg = f"no method of the Bot API is called {method!r}"
            raise ValueError(msg)
        session = self._session_here()
        timeout = self._timeout if timeout_s is None else aiohttp.ClientTimeout(total=timeout_s)
        try:
            # A redirect would carry the token to another address.
            async with (
                self._place(method, timeout.total),
                session.post(
                    f"{self._address}/{method}",
                    json=dict(params),
                    allow_redirects=False,
                    raise_for_status=False,
                    timeout=timeout,
                ) as response,
            ):
                return json.loads(await response.text()), response.headers.get("Date")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, LookupError, RecursionError):
            unanswered = TelegramUnreachableError(method)
        # Not inside of the handler, where it would hold on to the error, which may show the address.
        raise unanswered

    def _session_here(self) -> aiohttp.ClientSession:
        """The session of the running loop."""
        import aiohttp

        loop, session = asyncio.get_running_loop(), self._session
        if self._is_given:
            assert session is not None, "it was given"
            if self._loop is not loop or session.closed:
                what = "is closed" if session.closed else "belongs to another event loop"
                msg = f"the session that create_neonpay was given {what}; make it where neonpay runs and close it last"
                raise ConfigurationError(msg)
            return session
        if session is None or self._loop is not loop:
            # Connections belong to the loop that opened them; one that has ended took them with it.
            self._loop, self._places = loop, asyncio.Semaphore(self._connections)
            connector = aiohttp.TCPConnector(limit=0)
            session = self._session = aiohttp.ClientSession(timeout=self._timeout, connector=connector, trust_env=True)
        return session

    @asynccontextmanager
    async def _place(self, method: str, wait_s: float | None) -> AsyncIterator[None]:
        """A place among the calls that are made at the same time; raises TimeoutError when none is free in time."""
        if self._is_given or method in _WAIT_BEHIND_NOTHING:
            yield
            return
        if self._places.locked():
            async with asyncio.timeout(wait_s):
                await self._places.acquire()
        else:
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()

    async def close(self) -> None:
        """Close the connections; a later call opens new ones. A session that was given stays as it is."""
        if self._is_given:
            return
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<BotApiClient of bot {self.bot_id}>"


def _loop_of(session: object) -> asyncio.AbstractEventLoop:
    import aiohttp

    if not isinstance(session, aiohttp.ClientSession):
        msg = f"session is an aiohttp.ClientSession; got {type(session).__name__}"
        raise ConfigurationError(msg)
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        msg = "a session belongs to an event loop: make it, and call create_neonpay, inside the coroutine that asyncio.run gets"
        raise ConfigurationError(msg) from None


def _result(method: str, answer: object) -> JsonValue:
    if not isinstance(answer, dict) or "ok" not in answer:
        raise TelegramUnreachableError(method)
    if answer["ok"]:
        return cast("JsonValue", answer.get("result"))
    parameters = answer.get("parameters")
    retry_after_s = parameters.get("retry_after") if isinstance(parameters, dict) else None
    code, description = answer.get("error_code"), answer.get("description")
    raise TelegramError(
        method,
        error_code=code if isinstance(code, int) else 500,
        description=clean(description),
        retry_after_s=retry_after_s if isinstance(retry_after_s, int) else None,
    )


def _is_plain(text: str) -> bool:
    """Whether a text can stand in an address as it is."""
    return text.isascii() and text.replace("_", "").replace("-", "").isalnum()
