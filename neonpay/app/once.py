"""``neonpay.once``: an effect of the program's own that happens once, whoever asks for it and how often."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from neonpay.core import jsontext
from neonpay.core.clock import stopwatch_s
from neonpay.core.jsontext import JsonValue
from neonpay.core.text import REASON_MAX_CHARS, clean
from neonpay.errors import BusyError, LeaseLostError, LedgerError, ValidationError
from neonpay.ledger import Ledger
from neonpay.store.effects import begin, give_up, remember, renew

logger = logging.getLogger("neonpay.app")

P = ParamSpec("P")
R = TypeVar("R", bound="JsonValue")

LEASE_S = 30.0
"""How long a program may go without a sign of life before its effect is somebody else's."""
_LEASE_US = int(LEASE_S * 1_000_000)
_FIRST_LOOK_S, _LOOK_S = 0.02, 1.0


class Effects:
    """The effects of one bot's programs.

    Args:
        opened_ledger: the ledger of the moment, opened.
    """

    def __init__(
        self, opened_ledger: Callable[[], Awaitable[Ledger]], bot_id: int, new_token: Callable[[], int]
    ) -> None:
        self._opened_ledger = opened_ledger
        self._bot_id = bot_id
        self._new_token = new_token

    def once(
        self, key: str | Callable[..., str], patience_s: float
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Coroutine[Any, Any, R]]]:
        """See ``NeonPayCore.once``."""
        if not (isinstance(key, str) or callable(key)):
            raise ValidationError("key", key, "text, or a function that makes it of the arguments")

        def decorate(function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
            if not inspect.iscoroutinefunction(function):
                raise ValidationError(
                    "once", function, "for a function written with async def; a plain one runs in a thread there"
                )

            @wraps(function)
            async def call(*args: P.args, **kwargs: P.kwargs) -> R:
                name = _key(key if isinstance(key, str) else key(*args, **kwargs))
                return cast("R", await self._do(name, lambda: function(*args, **kwargs), patience_s))

            return call

        return decorate

    async def _do(self, key: str, function: Callable[[], Awaitable[JsonValue]], patience_s: float) -> JsonValue:
        ledger, token = await self._opened_ledger(), self._new_token()
        mine = (self._bot_id, key, token)
        began_s, pause_s = stopwatch_s(), _FIRST_LOOK_S
        while not (begun := await ledger.run(begin, *mine, _LEASE_US)).is_mine:
            if begun.result is not None:
                return jsontext.load(begun.result)
            if stopwatch_s() - began_s >= patience_s:
                raise BusyError(f"once({key!r})")
            await asyncio.sleep(pause_s)
            pause_s = min(_LOOK_S, pause_s * 2)
        renewing = asyncio.get_running_loop().create_task(self._renew(ledger, key, token))
        try:
            result = jsontext.dump_whatever(await function())
        except GeneratorExit:
            raise  # the event loop is gone, and nothing can be awaited any more
        except BaseException:
            with suppress(LedgerError):  # its lease runs out then
                await ledger.run(give_up, *mine)
            raise
        finally:
            renewing.cancel()
        if not await ledger.run(remember, *mine, result):
            msg = f"once({key!r}) took so long without a sign of life that another program began it too"
            raise LeaseLostError(msg)
        return jsontext.load(result)

    async def _renew(self, ledger: Ledger, key: str, token: int) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            try:
                await ledger.run(renew, self._bot_id, key, token, _LEASE_US)
            except LedgerError as exc:
                logger.warning("once(%r) could not show that it is being worked on: %s", key, exc)


def _key(key: str) -> str:
    if not key or clean(key) != key:
        raise ValidationError("key", key, f"text of 1 to {REASON_MAX_CHARS} characters, none of them NUL")
    return key
