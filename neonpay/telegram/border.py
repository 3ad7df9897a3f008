"""What comes back from Telegram: results, and errors that hold nothing of a library's with the bot's token in it."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from neonpay.core.jsontext import JsonValue
from neonpay.core.secrecy import shows_secret
from neonpay.core.text import clean
from neonpay.errors import NeonPayError, TelegramError, TelegramUnreachableError

CallerT = TypeVar("CallerT")

Call = Callable[[CallerT, str, Mapping[str, JsonValue]], Awaitable[JsonValue]]


def at_the_border(
    call: Call[CallerT],
) -> Callable[[CallerT, str, Mapping[str, JsonValue]], Coroutine[Any, Any, JsonValue]]:
    """The method ``call`` of an adapter, whose errors can be shown, logged and kept.

    An error of ours keeps what caused it unless that shows a secret. Any other error that shows one becomes
    TelegramUnreachableError, since whoever raised it got as far as the address. Telegram's words are masked and cut.
    """

    @functools.wraps(call)
    async def guarded(caller: CallerT, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        try:
            return await call(caller, method, params)
        except Exception as exc:  # noqa: BLE001  # whatever a library raises may show the address that it was calling
            error = fit_to_show(method, exc)
        # Not inside of the handler, where it would get the library's error as its context.
        raise error

    return guarded


def fit_to_show(method: str, error: Exception) -> Exception:
    """The error itself, without what it was raised from where that shows a secret, or one of ours in its place."""
    if isinstance(error, TelegramError) and (words := clean(error.description)) != error.description:
        error = TelegramError(
            error.method,
            error_code=error.error_code,
            description=words,
            retry_after_s=error.retry_after_s,
            charge_id=error.charge_id,
        )
    if not shows_secret(error):
        return error
    if isinstance(error, NeonPayError):
        error.__cause__ = error.__context__ = None
        if not shows_secret(error):
            return error
    return TelegramUnreachableError(method)
