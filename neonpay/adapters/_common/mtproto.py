"""What the adapters of MTProto libraries share: updates taken wherever they pass first, and calls by HTTP beside them."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from neonpay.adapters._common.facts import Delivery, delivery_of
from neonpay.adapters._common.seeing import tell_of_tl
from neonpay.adapters._common.tl import TlObject, Users, update_of
from neonpay.core.clock import Clock
from neonpay.core.jsontext import JsonValue
from neonpay.core.ports import UpdateSink
from neonpay.errors import AdapterError, TelegramError
from neonpay.telegram.client import BASE_URL, BotApiClient

logger = logging.getLogger("neonpay.adapters")

_REMEMBERED_MAX: Final = 10_000
"""Updates that were taken as they arrived and have not come by again; a library may lose one in between."""
_FLOOD, _TOO_MANY, _SERVER_ERROR = 420, 429, 500

SignedInAs: TypeAlias = Callable[[], int | None]
"""The id of the account that the library is signed in with; None while nobody knows."""
TextOf: TypeAlias = Callable[[int], Awaitable[str | None]]
"""The text of one of the bot's messages by its id, asked of Telegram."""


class MtprotoTap:
    """Takes updates of ours out of a library's stream, each once.

    An update passes twice: as it arrives, which no handler of the host can delay and no parser can spoil, and on its way to
    the host's handlers, where it has to be kept back. One that the library has asked for afterwards passes only there.
    Deliveries are tasks of our own, so that a host that stops does not cancel a payment.

    Args:
        bot_id: the bot whose token we have.
        signed_in_as: whom the library is signed in as.
        text_of: the text above a pressed button, which the update does not have.
    """

    def __init__(self, bot_id: int, signed_in_as: SignedInAs, text_of: TextOf) -> None:
        self._bot_id = bot_id
        self._signed_in_as = signed_in_as
        self._text_of = text_of
        self._sink: UpdateSink | None = None
        self._taken: OrderedDict[int, TlObject] = OrderedDict()
        self._deliveries: set[asyncio.Task[None]] = set()
        self._is_stopped = False
        self.converses = False
        self.sees: Clock | None = None

    @property
    def sink(self) -> UpdateSink | None:
        """Where updates go; None before ``attach``."""
        return self._sink

    def attach(self, sink: UpdateSink) -> None:
        """Hand what is ours to this sink."""
        self._sink = sink

    def arrive(self, updates: Iterable[TlObject], users: Users) -> None:
        """Look at updates as they come in, and take what is ours."""
        for update in updates:
            if self._take(update, users):
                # Not marked on the object itself: some have no room for it, and all are equal when their fields are.
                self._taken[id(update)] = update
                while len(self._taken) > _REMEMBERED_MAX:
                    self._taken.popitem(last=False)

    def keeps(self, update: TlObject, users: Users) -> bool:
        """Whether an update on its way to the host's handlers is ours and goes no further."""
        if self.sees is not None and self._sink is not None and not self._is_stopped:
            tell_of_tl(self._sink, self._bot_id, update, users, self.sees)
        if self._taken.get(id(update)) is update:
            del self._taken[id(update)]
            return True
        return self._take(update, users)

    async def start(self) -> None:
        """The library has started: open."""
        self._is_stopped = False
        if self._sink is not None:
            await self._sink.open()

    async def settle(self) -> None:
        """Take no more updates, and wait for what is under way, which may need the library to answer."""
        self._is_stopped = True
        while pending := {task for task in self._deliveries if task is not asyncio.current_task()}:
            await asyncio.wait(pending)

    async def stop(self) -> None:
        """The library has stopped: close."""
        if self._sink is not None:
            await self._sink.close()

    def _take(self, update: TlObject, users: Users) -> bool:
        if self._sink is None or self._is_stopped:
            return False
        plain = update_of(update, users)
        delivery = None if plain is None else delivery_of(self._sink, self._bot_id, plain, converses=self.converses)
        if plain is None or delivery is None or self._is_somebody_elses():
            return False
        press = plain.get("callback_query")
        if press is not None:
            delivery = self._with_text(self._sink, press)
        task = asyncio.ensure_future(_deliver(delivery))
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)
        return True

    def _with_text(self, sink: UpdateSink, press: Mapping[str, Any]) -> Delivery:
        async def deliver() -> None:
            under = press["message"]
            text = await self._text_of(under["message_id"])
            whole = {"callback_query": {**press, "message": {**under, "text": text}}}
            delivery = delivery_of(sink, self._bot_id, whole, converses=True)
            if delivery is not None:
                await delivery()

        return deliver

    def _is_somebody_elses(self) -> bool:
        account_id = self._signed_in_as()
        if account_id in {None, self._bot_id}:
            return False
        logger.error("%s", _mix_up(self._bot_id, account_id))
        return True


class TokenCalls:
    """Calls of the Bot API by HTTP with the bot's token, for everything that the library cannot do or does in its own way.

    It never asks for updates, which come by the library.
    """

    def __init__(
        self, token: str, api_url: str | None, signed_in_as: SignedInAs, *, test_environment: bool = False
    ) -> None:
        self._http = BotApiClient(token, base_url=api_url or BASE_URL, test_environment=test_environment)
        self._signed_in_as = signed_in_as

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot, which its token begins with."""
        return self._http.bot_id

    def check(self) -> None:
        """Make sure that the library and the token are one bot.

        Raises:
            AdapterError: they are two; what one sells would never be told to the other.
        """
        account_id = self._signed_in_as()
        if account_id not in {None, self.bot_id}:
            raise AdapterError(_mix_up(self.bot_id, account_id))

    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """The result of a method; raises TelegramError, TelegramUnreachableError or AdapterError."""
        self.check()
        return await self._http.call(method, params)

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        await self._http.close()


def refusal(method: str, code: int, words: str, seconds: object) -> TelegramError:
    """An RPC error as the Bot API would have it.

    Args:
        code: of MTProto, negative where the server failed.
        words: Telegram's own.
        seconds: that a flood lasts.
    """
    if code == _FLOOD:
        retry_after_s = seconds if isinstance(seconds, int) else None
        return TelegramError(method, error_code=_TOO_MANY, description=words, retry_after_s=retry_after_s)
    return TelegramError(method, error_code=_SERVER_ERROR if code < 0 else code, description=words)


async def _deliver(delivery: Delivery) -> None:
    try:
        await delivery()
    except Exception:  # Telegram does not deliver again over MTProto, so nobody else could do something about it
        logger.exception("an update of neonpay's failed; a payment in it is found by the next comparison with Telegram")


def _mix_up(bot_id: int, account_id: int | None) -> str:
    return (
        f"the token is of bot {bot_id} and the client is signed in as {account_id}, so that no payment would arrive; give "
        "both the same token, or the client a new session"
    )
