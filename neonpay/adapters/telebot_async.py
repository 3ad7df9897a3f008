"""pyTelegramBotAPI's AsyncTeleBot: updates are tapped before everything that the host has, on the host's own loop.

Three methods of the bot are shadowed on the instance: ``get_updates``, which polling calls for every batch,
``process_new_updates``, which every update passes, by polling, by the library's web server and by one of the host's own, and
``set_webhook``, which says what comes to those.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import aiohttp
from telebot import asyncio_helper, types
from telebot.async_telebot import AsyncTeleBot

from neonpay.adapters._common.facts import Delivery, delivery_of, must_be_recorded
from neonpay.adapters._common.given import refuse_unused
from neonpay.adapters._common.held_back import CONFIRM_WITHIN_S, PAUSE_S, HeldBack
from neonpay.adapters._common.one_shop import Claim
from neonpay.adapters._common.seeing import tell_of
from neonpay.adapters._common.telebot import (
    TELLS_OF_SUBSCRIPTIONS,
    as_fields,
    asking_for_ours,
    plain,
    refused,
    repair_parser,
)
from neonpay.core.clock import Clock
from neonpay.core.jsontext import JsonValue
from neonpay.core.ports import Capabilities, Level, UpdateSink
from neonpay.errors import AdapterError, TelegramUnreachableError
from neonpay.telegram.border import at_the_border
from neonpay.telegram.contested import Contest

logger = logging.getLogger("neonpay.adapters")

T = TypeVar("T")

_TIMEOUT_S = 30.0
"""The library's own is five minutes, which no buyer waits."""


def connect(
    bot_instance: object, *, dispatcher: object = None, application: object = None, api_url: str | None = None
) -> AsyncTeleBotAdapter:
    """The adapter of an AsyncTeleBot.

    Raises:
        AdapterError: it is none, or something is given beside it; the message shows the line to write.
    """
    refuse_unused("create_neonpay(bot)", dispatcher=dispatcher, application=application)
    if not isinstance(bot_instance, AsyncTeleBot):
        msg = "pyTelegramBotAPI needs the bot and nothing else: create_neonpay(bot)"
        raise AdapterError(msg)
    return AsyncTeleBotAdapter(bot_instance)


class AsyncTeleBotAdapter:
    """An AsyncTeleBot.

    Polling tells Telegram that an update arrived when it asks for the next ones, and that waits until a payment is recorded,
    for at most ``CONFIRM_WITHIN_S``; so does a webhook handler of the host's that awaits ``bot.process_new_updates``. The
    library's own webhook server answers before that. The adapter cannot see which, so it promises level B.
    """

    library = "telebot_async"
    capabilities = Capabilities(level=Level.B, subscription_updates=TELLS_OF_SUBSCRIPTIONS)

    def __init__(self, bot: AsyncTeleBot) -> None:
        self._bot = bot
        self._sink: UpdateSink | None = None
        self._claim: Claim | None = None
        self._converses = False
        self._sees: Clock | None = None
        self._taken: weakref.WeakSet[types.Update] = weakref.WeakSet()
        self._held = HeldBack()
        self._contest = Contest()
        self._running: set[asyncio.Task[None]] = set()
        self._opening: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot, which its token begins with."""
        return int(self._bot.token.partition(":")[0])

    @property
    def bot_username(self) -> str | None:
        """What the bot is called, as far as the library has asked."""
        username: str | None = getattr(
            getattr(self._bot, "_user", None), "username", None
        )  # bot.user would ask Telegram
        return username

    def attach(self, sink: UpdateSink) -> None:
        """Tap the bot; a second call does nothing."""
        if self._sink is not None:
            return
        self._claim = Claim(self._bot)
        self._sink = sink
        repair_parser()
        bot = cast("Any", self._bot)
        bot.get_updates = _shadow(self._polled, bot.get_updates)
        bot.process_new_updates = _shadow(self._processed, bot.process_new_updates)
        bot.set_webhook = _shadow(self._webhook_set, bot.set_webhook)

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
        """The bot."""
        return {"bot": self._bot}

    @at_the_border
    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """The result of a Bot API method, as plain JSON, over the library's session."""
        # One request, as the library makes it: its own function repeats what may have arrived, which a refund must not be.
        manager: Any = asyncio_helper.session_manager
        theirs = manager.session
        session = await manager.get_session()
        if session is not theirs:
            self._session = session
        try:
            async with session.request(
                "post",
                asyncio_helper.API_URL.format(self._bot.token, method),
                data=as_fields(params),
                timeout=aiohttp.ClientTimeout(total=min(_TIMEOUT_S, asyncio_helper.REQUEST_TIMEOUT)),
                proxy=asyncio_helper.proxy,
            ) as response:
                answer = await asyncio_helper._check_result(method, response)  # noqa: SLF001
        except asyncio_helper.ApiTelegramException as exc:
            raise refused(method, exc) from exc
        except (aiohttp.ClientError, asyncio_helper.ApiException, OSError, ValueError, KeyError):
            # Not "from" the error, which may show the address and the token in it.
            raise TelegramUnreachableError(method) from None
        return cast("JsonValue", answer["result"])

    async def close(self) -> None:
        """Finish with the updates that were taken, and close a session that the library would leave open."""
        if self._claim is not None:
            self._claim.release()
        here = asyncio.current_task()
        await asyncio.gather(*[task for task in self._running if task is not here], return_exceptions=True)
        session, self._session = self._session, None
        # A bot that polls closes its session when it stops, and uses it until then.
        if session is not None and not session.closed and not getattr(self._bot, "_polling", False):
            await session.close()

    async def _polled(
        self, theirs: Callable[..., Awaitable[list[types.Update]]], *args: Any, **kwargs: Any
    ) -> list[types.Update]:
        """A batch for the host's polling, once its payments are recorded; what could not be is left to Telegram."""
        self._open_soon()
        asked = asking_for_ours(theirs, args, kwargs, presses=self._wants_presses)
        with self._contest.noticed(self.bot_id):
            updates = await theirs(*asked.args, **asked.kwargs)
        recording: list[tuple[int, asyncio.Task[None]]] = []
        others: set[int] = set()
        for number, update in enumerate(updates):
            delivery, is_money = self._delivery(update)
            if delivery is None:
                continue
            self._taken.add(update)
            if is_money:
                recording.append((number, self._start(delivery)))
                continue
            others.add(update.update_id)
            if not self._held.is_dealt_with(update.update_id):
                self._start(delivery).add_done_callback(_tell_of_fault)
        if recording:
            await asyncio.wait([task for _, task in recording], timeout=CONFIRM_WITHIN_S)
        left = [number for number, task in recording if not self._may_be_confirmed(updates[number], task)]
        if left:
            self._held.hold(others)
            await asyncio.sleep(PAUSE_S)
            return updates[: left[0]]
        self._held.confirm()
        return updates

    async def _webhook_set(self, theirs: Callable[..., Awaitable[bool]], *args: Any, **kwargs: Any) -> bool:
        assert self._sink is not None, "the bot is tapped when a sink is attached"
        self._sink.host_is_up()
        asked = asking_for_ours(theirs, args, kwargs, presses=self._wants_presses)
        return await theirs(*asked.args, **asked.kwargs)

    def _may_be_confirmed(self, update: types.Update, task: asyncio.Task[None]) -> bool:
        if not task.done():
            logger.error("update %d is not recorded yet; the bot goes on, and Telegram's list has it", update.update_id)
            task.add_done_callback(_tell_of_fault)
            return True
        error = asyncio.CancelledError("neonpay was closed") if task.cancelled() else task.exception()
        if error is None:
            return True
        if self._held.may_hold(update.update_id):
            logger.warning("update %d could not be recorded and is asked for again: %s", update.update_id, error)
            return False
        logger.error("update %d could not be recorded; Telegram's list has it: %s", update.update_id, error)
        return True

    async def _processed(
        self, theirs: Callable[[list[types.Update]], Awaitable[None]], updates: Sequence[types.Update]
    ) -> None:
        """Hand the host what is its own; raise what kept a payment from being recorded."""
        if self._opening is None:
            self._open_soon()
        rest: list[types.Update] = []
        waited: list[asyncio.Task[None]] = []
        for update in updates:
            if self._sees is not None and self._sink is not None:
                tell_of(self._sink, self.bot_id, update, self._sees)
            if update in self._taken:
                continue
            delivery, _ = self._delivery(update)
            if delivery is None:
                rest.append(update)
            else:
                waited.append(self._start(delivery))
        try:
            if rest or not updates:
                await theirs(rest)
        finally:
            if waited:
                await asyncio.wait(waited)
                for task in waited:
                    task.result()

    def _delivery(self, update: types.Update) -> tuple[Delivery | None, bool]:
        """How to hand an update of ours to the sink, and whether it tells of Stars that have moved."""
        assert self._sink is not None, "the bot is tapped when a sink is attached"
        facts = plain(update)
        return delivery_of(self._sink, self.bot_id, facts, converses=self._converses), must_be_recorded(facts)

    def _start(self, delivery: Delivery) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(_deliver(delivery))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def _open_soon(self) -> None:
        """Open the ledger when polling begins, which is the only start-up that the library has."""
        assert self._sink is not None, "the bot is tapped when a sink is attached"
        if self._opening is None or self._opening.done():
            self._opening = self._start(self._sink.open)
            self._opening.add_done_callback(_tell_of_fault)

    def __repr__(self) -> str:
        return f"<AsyncTeleBotAdapter of bot {self.bot_id}>"


def _shadow(ours: Callable[..., Awaitable[T]], theirs: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
    @functools.wraps(theirs)
    async def tapped(*args: Any, **kwargs: Any) -> T:
        return await ours(theirs, *args, **kwargs)

    return tapped


async def _deliver(delivery: Delivery) -> None:
    await delivery()


def _tell_of_fault(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("an update or the start failed: %s", error, exc_info=error)
