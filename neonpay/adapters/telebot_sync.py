"""pyTelegramBotAPI's TeleBot, which has no event loop: updates are tapped in its threads, and all else runs in one of ours.

Three methods of the bot are shadowed on the instance: ``get_updates``, which polling calls for every batch,
``process_new_updates``, which every update passes, by polling, by the library's web server and by one of the host's own, and
``set_webhook``, which says what comes to those.
Handlers, next-step handlers, middlewares and worker threads of the host all come later.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar, cast

from telebot import TeleBot, apihelper, types

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
from neonpay.ledger.loop_thread import LoopThread
from neonpay.telegram.border import at_the_border
from neonpay.telegram.contested import Contest

logger = logging.getLogger("neonpay.adapters")

T = TypeVar("T")

_LIBRARY: Any = apihelper
"""What of it is called here has no types."""
_ANSWER = "answerPreCheckoutQuery"
_CALLERS, _ANSWERERS = 16, 4
_EXIT_S = 15.0
"""How long the end of a program that has not closed may take: a little more than running handlers are given to finish."""


def connect(
    bot_instance: object, *, dispatcher: object = None, application: object = None, api_url: str | None = None
) -> TeleBotAdapter:
    """The adapter of a TeleBot.

    Raises:
        AdapterError: it is none, or something is given beside it; the message shows the line to write.
    """
    refuse_unused("create_neonpay(bot)", dispatcher=dispatcher, application=application)
    if not isinstance(bot_instance, TeleBot):
        msg = "pyTelegramBotAPI needs the bot and nothing else: create_neonpay(bot)"
        raise AdapterError(msg)
    return TeleBotAdapter(bot_instance)


class TeleBotAdapter:
    """A TeleBot, with an event loop of ours in a daemon thread.

    Polling tells Telegram that an update arrived when it asks for the next ones, and that waits until a payment is recorded,
    for at most ``CONFIRM_WITHIN_S``. A webhook handler that calls ``bot.process_new_updates`` gets its exception when a
    payment could not be recorded, so that Telegram is answered with an error.
    """

    library = "telebot"
    capabilities = Capabilities(level=Level.A, subscription_updates=TELLS_OF_SUBSCRIPTIONS)

    def __init__(self, bot: TeleBot) -> None:
        self._bot = bot
        self._sink: UpdateSink | None = None
        self._claim: Claim | None = None
        self._converses = False
        self._sees: Clock | None = None
        self._starting = threading.Lock()
        self._thread: LoopThread | None = None
        self._callers: tuple[ThreadPoolExecutor, ThreadPoolExecutor] | None = None
        self._opening: Future[None] | None = None
        self._taken: weakref.WeakSet[types.Update] = weakref.WeakSet()
        self._held = HeldBack()
        self._contest = Contest()

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
        # Earlier than atexit, which comes when threads can no longer be started; the standard library's own executors are
        # ended by the same means.
        register = getattr(threading, "_register_atexit", atexit.register)
        register(functools.partial(_close_at_exit, weakref.ref(self)))
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=functools.partial(_begin_in_child, weakref.ref(self)))

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
        """The result of a Bot API method, as plain JSON; the library's request runs in a thread."""
        # Threads of its own for answers, so that a checkout never waits for messages that are slow to go out.
        with self._starting:
            if self._callers is None:
                self._callers = (
                    ThreadPoolExecutor(_CALLERS, thread_name_prefix="neonpay-call"),
                    ThreadPoolExecutor(_ANSWERERS, thread_name_prefix="neonpay-answer"),
                )
            calls, answers = self._callers
        lane = answers if method == _ANSWER else calls
        request = functools.partial(_request, self._bot.token, method, as_fields(params))
        return await asyncio.get_running_loop().run_in_executor(lane, request)

    async def close(self) -> None:
        """End the threads that call Telegram; a later call starts new ones. The loop goes on until ``stop_loop``."""
        if self._claim is not None:
            self._claim.release()
        with self._starting:
            lanes, self._callers = self._callers, None
        for lane in lanes or ():
            lane.shutdown(wait=False)

    @property
    def on_loop_thread(self) -> bool:
        """Whether the caller runs on the adapter's loop."""
        thread = self._thread
        try:
            return thread is not None and asyncio.get_running_loop() is thread.loop
        except RuntimeError:
            return False

    def run_soon(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the adapter's loop, from any thread."""
        with self._starting:
            if self._thread is None or not self._thread.is_of_this_process:
                self._thread = LoopThread(name="neonpay-telebot")
            return self._thread.submit(coroutine)

    def stop_loop(self) -> None:
        """Stop the loop and end its thread; a later ``run_soon`` starts another one."""
        with self._starting:
            thread, self._thread = self._thread, None
        # Not under the lock, which what is cancelled there may need in order to end.
        if thread is not None:
            thread.close()

    @property
    def has_loop(self) -> bool:
        """Whether the loop runs now."""
        return self._thread is not None and self._thread.is_of_this_process

    def _begin_in_child(self) -> None:
        """Called in a process that was forked: threads stay behind, and a lock may be held by one of them."""
        self._starting = threading.Lock()
        self._thread = self._callers = self._opening = None

    def close_at_exit(self) -> None:
        """Let the application finish what runs, at the end of a program that has not closed it."""
        assert self._sink is not None, "only registered when a sink is attached"
        try:
            self.run_soon(self._sink.close()).result(timeout=_EXIT_S)
        except Exception:  # what is recorded stays recorded, and the next start carries on with it
            logger.warning("not everything was finished when the program ended", exc_info=True)
        self.stop_loop()

    def _polled(self, theirs: Callable[..., list[types.Update]], *args: Any, **kwargs: Any) -> list[types.Update]:
        """A batch for the host's polling, once its payments are recorded; what could not be is left to Telegram."""
        self._open_soon()
        asked = asking_for_ours(theirs, args, kwargs, presses=self._wants_presses)
        with self._contest.noticed(self.bot_id):
            updates = theirs(*asked.args, **asked.kwargs)
        recording: list[tuple[int, Future[None]]] = []
        others: set[int] = set()
        for number, update in enumerate(updates):
            delivery, is_money = self._delivery(update)
            if delivery is None:
                continue
            self._taken.add(update)
            if is_money:
                recording.append((number, self.run_soon(_deliver(delivery))))
                continue
            others.add(update.update_id)
            if not self._held.is_dealt_with(update.update_id):
                self.run_soon(_deliver(delivery)).add_done_callback(_tell_of_fault)
        wait([future for _, future in recording], timeout=CONFIRM_WITHIN_S)
        left = [number for number, future in recording if not self._may_be_confirmed(updates[number], future)]
        if left:
            self._held.hold(others)
            time.sleep(PAUSE_S)
            return updates[: left[0]]
        self._held.confirm()
        return updates

    def _webhook_set(self, theirs: Callable[..., bool], *args: Any, **kwargs: Any) -> bool:
        asked = asking_for_ours(theirs, args, kwargs, presses=self._wants_presses)
        return theirs(*asked.args, **asked.kwargs)

    def _may_be_confirmed(self, update: types.Update, future: Future[None]) -> bool:
        if not future.done():
            logger.error("update %d is not recorded yet; the bot goes on, and Telegram's list has it", update.update_id)
            future.add_done_callback(_tell_of_fault)
            return True
        error = _error(future)
        if error is None:
            return True
        if self._held.may_hold(update.update_id):
            logger.warning("update %d could not be recorded and is asked for again: %s", update.update_id, error)
            return False
        logger.error("update %d could not be recorded; Telegram's list has it: %s", update.update_id, error)
        return True

    def _processed(self, theirs: Callable[[list[types.Update]], None], updates: Sequence[types.Update]) -> None:
        """Hand the host what is its own; raise what kept a payment from being recorded."""
        if self._opening is None:
            self._open_soon()
        rest: list[types.Update] = []
        waited: list[tuple[types.Update, Future[None]]] = []
        for update in updates:
            if self._sees is not None and self._sink is not None:
                tell_of(self._sink, self.bot_id, update, self._sees)
            if update in self._taken:
                self._move_past(update)
                continue
            delivery, _ = self._delivery(update)
            if delivery is None:
                rest.append(update)
            else:
                waited.append((update, self.run_soon(_deliver(delivery))))
        try:
            if rest or not updates:
                theirs(rest)
        finally:
            for update, future in waited:
                future.result()
                self._move_past(update)

    def _move_past(self, update: types.Update) -> None:
        # The library does so for what it processes itself, and would ask for this update for ever otherwise.
        self._bot.last_update_id = max(self._bot.last_update_id or 0, update.update_id)

    def _delivery(self, update: types.Update) -> tuple[Delivery | None, bool]:
        """How to hand an update of ours to the sink, and whether it tells of Stars that have moved."""
        assert self._sink is not None, "the bot is tapped when a sink is attached"
        facts = plain(update)
        return delivery_of(self._sink, self.bot_id, facts, converses=self._converses), must_be_recorded(facts)

    def _open_soon(self) -> None:
        """Open the ledger when polling begins, which is the only start-up that the library has."""
        assert self._sink is not None, "the bot is tapped when a sink is attached"
        if self._opening is None or self._opening.done():
            self._opening = self.run_soon(self._sink.open())
            self._opening.add_done_callback(_tell_of_fault)

    def __repr__(self) -> str:
        return f"<TeleBotAdapter of bot {self.bot_id}>"


def _shadow(ours: Callable[..., T], theirs: Callable[..., T]) -> Callable[..., T]:
    @functools.wraps(theirs)
    def tapped(*args: Any, **kwargs: Any) -> T:
        return ours(theirs, *args, **kwargs)

    return tapped


async def _deliver(delivery: Delivery) -> None:
    await delivery()


def _error(future: Future[None]) -> BaseException | None:
    return asyncio.CancelledError("neonpay was closed") if future.cancelled() else future.exception()


def _tell_of_fault(future: Future[None]) -> None:
    error = _error(future)
    if error is not None and not future.cancelled():
        logger.error("an update or the start failed: %s", error, exc_info=error)


def _begin_in_child(reference: weakref.ref[TeleBotAdapter]) -> None:
    adapter = reference()
    if adapter is not None:
        adapter._begin_in_child()  # noqa: SLF001  # the adapter's own


def _close_at_exit(reference: weakref.ref[TeleBotAdapter]) -> None:
    adapter = reference()
    if adapter is not None and adapter.has_loop:
        adapter.close_at_exit()


def _request(token: str, method: str, fields: Mapping[str, str]) -> JsonValue:
    # Fields of a form and not parameters of the address, which would be too long for a long message.
    files = {name: (None, value) for name, value in fields.items()}
    try:
        if apihelper.RETRY_ON_ERROR and apihelper.CUSTOM_REQUEST_SENDER is None:
            return _request_once(token, method, files)
        return cast("JsonValue", _LIBRARY._make_request(token, method, method="post", files=files))  # noqa: SLF001
    except apihelper.ApiTelegramException as exc:
        raise refused(method, exc) from exc
    except Exception:  # noqa: BLE001  # a host's own sender raises what it likes, and most of it would show the address
        raise TelegramUnreachableError(method) from None


def _request_once(token: str, method: str, files: Mapping[str, tuple[None, str]]) -> JsonValue:
    """A request as the library makes it, without its repetitions: a message that may have arrived is not sent again."""
    response = _LIBRARY._get_req_session().request(  # noqa: SLF001
        "post",
        (_LIBRARY.API_URL or "https://api.telegram.org/bot{0}/{1}").format(token, method),
        files=files,
        timeout=(apihelper.CONNECT_TIMEOUT, apihelper.READ_TIMEOUT),
        proxies=apihelper.proxy,
    )
    return cast("JsonValue", _LIBRARY._check_result(method, response)["result"])  # noqa: SLF001
