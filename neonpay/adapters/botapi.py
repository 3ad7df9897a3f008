"""A bare token: no bot library. Updates come by long polling of our own, by a webhook, or one by one from a web framework."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from neonpay.adapters._common.facts import delivery_of
from neonpay.adapters._common.given import refuse_unused
from neonpay.adapters._common.kinds import MESSAGE, PRE_CHECKOUT, PRESS, SUBSCRIPTION, with_ours
from neonpay.adapters._common.seeing import tell_of_plain
from neonpay.core.clock import Clock, SystemClock
from neonpay.core.jsontext import JsonValue
from neonpay.core.ports import Capabilities, Foreign, Level, Route, UpdateSink
from neonpay.errors import AdapterError
from neonpay.telegram.border import at_the_border
from neonpay.telegram.breaker import Breaker
from neonpay.telegram.client import BASE_URL, CONNECTIONS, TIMEOUT_S, BotApiClient
from neonpay.telegram.polling import Poller

if TYPE_CHECKING:
    import aiohttp

logger = logging.getLogger("neonpay.adapters")

_OURS = (MESSAGE, PRE_CHECKOUT, SUBSCRIPTION)
_WITH_BUTTONS = (*_OURS, PRESS)


def connect(
    bot_instance: object,
    *,
    dispatcher: object = None,
    application: object = None,
    api_url: str | None = None,
    timeout_s: float = TIMEOUT_S,
    connections: int = CONNECTIONS,
    test_environment: bool = False,
    session: aiohttp.ClientSession | None = None,
    clock: Clock | None = None,
) -> BotApiAdapter:
    """The adapter of a token; what comes after ``api_url`` is for ``BotApiClient``, and the clock for its circuits.

    Raises:
        ConfigurationError: it is no token, something is given beside it, or aiohttp is not installed.
    """
    line = "a token goes alone, create_neonpay(TOKEN); a library's bot goes with its own, create_neonpay(bot, dispatcher=dp)"
    refuse_unused(line, dispatcher=dispatcher, application=application)
    if not isinstance(bot_instance, str):
        msg = 'without a bot library neonpay needs the token as text: create_neonpay("123456:ABC...")'
        raise AdapterError(msg)
    client = BotApiClient(
        bot_instance,
        base_url=api_url or BASE_URL,
        timeout_s=timeout_s,
        connections=connections,
        test_environment=test_environment,
        session=session,
        breaker=Breaker(clock or SystemClock()),
    )
    return BotApiAdapter(client)


class BotApiAdapter:
    """A bot by its token alone.

    Every payment is recorded before Telegram is told that it arrived, by polling and by webhook.
    """

    library = "botapi"
    capabilities = Capabilities(level=Level.A, checkouts=Route.HTTP, calls=Route.HTTP)

    def __init__(self, client: BotApiClient) -> None:
        self._client = client
        self._sink: UpdateSink | None = None
        self._converses = False
        self._sees: Clock | None = None
        self._foreign_tasks: set[asyncio.Task[None]] = set()

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot, which its token begins with."""
        return self._client.bot_id

    @property
    def open_circuits(self) -> list[str]:
        """The methods that Telegram is not asked for, since it has not answered them again and again."""
        return [] if self._client.breaker is None else self._client.breaker.open_methods

    def attach(self, sink: UpdateSink) -> None:
        """Updates go to this sink; a second call does nothing."""
        self._sink = self._sink or sink

    def converse(self) -> None:
        """Hand over the commands and pressed buttons that the sink wants, too."""
        self._converses = True

    def see(self, clock: Clock) -> None:
        """Tell the sink of each update of a person, too."""
        self._sees = clock

    @property
    def _wants_presses(self) -> bool:
        return self._converses or self._sees is not None

    def host_data(self) -> Mapping[str, object]:
        """Nothing: there is no host."""
        return {}

    @at_the_border
    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """The result of a Bot API method; raises TelegramError or TelegramUnreachableError."""
        kinds = params.get("allowed_updates")
        if isinstance(kinds, list):
            ours = with_ours(map(str, kinds), _OURS, presses=self._wants_presses)
            params = {**params, "allowed_updates": cast("JsonValue", ours)}
        return await self._client.call(method, params)

    async def take(self, update: Mapping[str, Any]) -> bool:
        """Whether an update was ours; if so, everything about it is done. Raises what the sink raises."""
        assert self._sink is not None, "an application attaches its sink when it is made"
        self._sink.host_is_up()
        if self._sees is not None:
            tell_of_plain(self._sink, self.bot_id, update, self._sees)
        delivery = delivery_of(self._sink, self.bot_id, update, converses=self._converses)
        if delivery is None:
            return False
        await delivery()
        return True

    async def receive(self, foreign: Foreign | None) -> None:
        """Ask Telegram for updates until cancelled; see ``Poller``.

        Args:
            foreign: awaited with each update that is not ours, in a task of its own; what it raises is logged. Without it
                only the kinds of updates that can be ours are asked for.
        """
        assert self._sink is not None, "an application attaches its sink when it is made"

        async def take(update: Mapping[str, Any]) -> None:
            if not await self.take(update) and foreign is not None:
                task = asyncio.ensure_future(_handle(foreign, update))
                self._foreign_tasks.add(task)
                task.add_done_callback(self._foreign_tasks.discard)

        kinds = () if foreign is not None else (_WITH_BUTTONS if self._wants_presses else _OURS)
        await self._sink.open()
        try:
            await Poller(self._client, take, kinds=kinds).run()
        finally:
            await asyncio.gather(*self._foreign_tasks)
            await self._sink.close()

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        await self._client.close()

    def __repr__(self) -> str:
        return f"<BotApiAdapter of bot {self.bot_id}>"


async def _handle(foreign: Foreign, update: Mapping[str, Any]) -> None:
    try:
        await foreign(update)
    except Exception:  # a handler of the program's own; the other updates go on
        logger.exception("the handler of update %s failed", update.get("update_id"))
