"""Calls of the Bot API by a bot of python-telegram-bot: its proxy, server, timeouts and rate limiter, and Telegram's own words.

The bot's methods give the library's models, and its errors change Telegram's words ("Query_id_invalid") and lose the code. So
the bot's request object is asked itself, as the library asks it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from telegram import Bot
from telegram.error import NetworkError, RetryAfter
from telegram.error import TelegramError as LibraryError
from telegram.ext import ExtBot
from telegram.request import BaseRequest, RequestData

# Private, and the one way to parameters for a request object; every method of the library's bot goes this way.
from telegram.request._requestparameter import RequestParameter

from neonpay.core.jsontext import JsonValue
from neonpay.core.text import clean
from neonpay.errors import TelegramError, TelegramUnreachableError
from neonpay.telegram.border import at_the_border

_CHECKOUT_ANSWER = "answerPreCheckoutQuery"
_TOO_MANY = 429


class PtbCalls:
    """Calls through one bot."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    @at_the_border
    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """The result of a Bot API method, as plain JSON.

        Raises:
            TelegramError: Telegram refused; nothing was done.
            TelegramUnreachableError: no answer; it may have been done.
        """
        data = {name: value for name, value in params.items() if value is not None}
        limiter = self._bot.rate_limiter if isinstance(self._bot, ExtBot) else None
        try:
            # A limiter that waits out a refusal holds everything back, and a buyer waits ten seconds for this answer.
            if limiter is None or method == _CHECKOUT_ANSWER:
                return await self._post(method, data)
            result = await limiter.process_request(
                self._post_limited, args=(method, data), kwargs={}, endpoint=method, data=data, rate_limit_args=None
            )
            return cast("JsonValue", result)
        except RetryAfter as exc:
            if isinstance(exc.__cause__, TelegramError):
                raise exc.__cause__ from None
            wait = exc.retry_after
            wait_s = round(wait.total_seconds()) if isinstance(wait, timedelta) else wait
            raise TelegramError(method, error_code=_TOO_MANY, description=str(exc), retry_after_s=wait_s) from exc
        except LibraryError:
            # Not "from" the error, which may show the address that was asked for, and the token in it.
            raise TelegramUnreachableError(method) from None

    async def close(self) -> None:
        """Close the connections of a bot that its host never initialized; one that it did is the host's to close."""
        if not self._is_initialized():
            await self._bot.request.shutdown()

    async def _post_limited(self, method: str, data: dict[str, JsonValue]) -> Any:
        try:
            return await self._post(method, data)
        except TelegramError as exc:
            if exc.retry_after_s is None:
                raise
            # What a limiter waits for.
            raise RetryAfter(exc.retry_after_s) from exc

    async def _post(self, method: str, data: Mapping[str, JsonValue]) -> JsonValue:
        parameters = [RequestParameter(name, value, None) for name, value in data.items()]
        request, unset = self._bot.request, BaseRequest.DEFAULT_NONE
        try:
            if not self._is_initialized():
                await request.initialize()
            status, body = await request.do_request(
                url=f"{self._bot.base_url}/{method}",
                method="POST",
                request_data=RequestData(parameters),
                read_timeout=unset,
                write_timeout=unset,
                connect_timeout=unset,
                pool_timeout=unset,
            )
        except LibraryError:
            raise
        except Exception:  # noqa: BLE001  # a host's own request object raises what its HTTP client raises
            msg = "the request object failed"
            raise NetworkError(msg) from None
        return _result(method, status, body)

    def _is_initialized(self) -> bool:
        try:
            return self._bot.bot is not None
        except RuntimeError:
            return False


def _result(method: str, status: int, body: bytes) -> JsonValue:
    try:
        answer = json.loads(body)
    except ValueError:
        raise TelegramUnreachableError(method) from None
    if not isinstance(answer, dict) or "ok" not in answer:
        raise TelegramUnreachableError(method)
    if answer["ok"]:
        return cast("JsonValue", answer.get("result"))
    code, parameters = answer.get("error_code"), answer.get("parameters")
    wait_s = parameters.get("retry_after") if isinstance(parameters, dict) else None
    raise TelegramError(
        method,
        error_code=code if isinstance(code, int) else status,
        description=clean(answer.get("description")),
        retry_after_s=wait_s if isinstance(wait_s, int) else None,
    )
