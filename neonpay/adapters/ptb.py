"""python-telegram-bot: methods in front of the application's own, and calls through the host's own request object.

Updates pass ``Application.update_queue``, which is worked off one by one unless the host asked for more, or come by
``process_update`` from hosts that have a web server of their own. Ours are taken at both doors: they wait for no handler, and
no handler, conversation or error handler sees them.

The objects of the library have slots, so that from Python 3.13 on an attribute cannot shadow a method, and ``post_init``,
``post_stop`` and ``post_shutdown`` have room for one function each, which is the host's. So the application and the bot get
a subclass of their own class each, made for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telegram import Bot, Update
from telegram.ext import Application, ApplicationBuilder, InvalidCallbackData, Updater

from neonpay.adapters._common.facts import Delivery, delivery_of, must_be_recorded
from neonpay.adapters._common.held import HeldUpdates
from neonpay.adapters._common.kinds import with_ours
from neonpay.adapters._common.one_shop import Claim
from neonpay.adapters._common.ptb_calls import PtbCalls
from neonpay.adapters._common.seeing import tell_of
from neonpay.core.clock import Clock
from neonpay.core.jsontext import JsonValue
from neonpay.core.ports import Capabilities, Level, UpdateSink
from neonpay.errors import AdapterError
from neonpay.telegram.contested import Contest

logger = logging.getLogger("neonpay.adapters")

AnyApplication = Application[Any, Any, Any, Any, Any, Any]

_LINE = "create_neonpay(application)"
_BATCH = 100
"""Updates that getUpdates gives at most; https://core.telegram.org/bots/api#getupdates, 2026-11-21."""


def connect(
    bot_instance: object, *, dispatcher: object = None, application: object = None, api_url: str | None = None
) -> PtbAdapter:
    """The adapter of the objects that a user holds.

    Raises:
        AdapterError: there is no application, it is not built yet, or it is another bot's; the message shows the line to
            write.
    """
    if dispatcher is not None:
        msg = f"python-telegram-bot has an application instead of a dispatcher: {_LINE}"
        raise AdapterError(msg)
    for given in (bot_instance, application):
        if isinstance(given, ApplicationBuilder):
            msg = f"build the application first: application = builder.build(); neonpay = {_LINE}"
            raise AdapterError(msg)
    if isinstance(bot_instance, Application) and application is None:
        application = bot_instance
    if not isinstance(application, Application):
        msg = "python-telegram-bot needs the application, which a bot or an updater does not know: "
        msg += f"{_LINE}, or create_neonpay(bot, application=application)"
        raise AdapterError(msg)
    if not _belong_together(bot_instance, application):
        msg = f"the application is another one's than the {type(bot_instance).__name__} that was given: {_LINE}"
        raise AdapterError(msg)
    return PtbAdapter(application)


def _belong_together(given: object, application: AnyApplication) -> bool:
    if isinstance(given, Bot):
        return bool(given.token == application.bot.token)
    if isinstance(given, Updater):
        return application.updater is given
    return given is application


@dataclass(frozen=True, slots=True)
class _Ours:
    """An update that is ours."""

    update_id: int
    deliver: Delivery
    is_money: bool


class PtbAdapter:
    """An application of python-telegram-bot and its bot.

    A payment is recorded before Telegram is told that it arrived: polling keeps its offset, and ``update_queue.put`` and
    ``process_update`` return to a web server when it is recorded, or raise. While the database is away and as many updates as
    one request can give have come after the payment, the host's updates go first, and reconciliation finds the payment.
    """

    library = "ptb"
    capabilities = Capabilities(level=Level.A)

    def __init__(self, application: AnyApplication) -> None:
        self._application = application
        self._bot: Bot = application.bot
        number = self._bot.token.partition(":")[0]
        if not (number.isascii() and number.isdigit()):
            msg = "the bot of the application has no token that @BotFather gives"
            raise AdapterError(msg)
        self._bot_id = int(number)  # bot.id is known only after a request
        self._calls = PtbCalls(self._bot)
        self._sink: UpdateSink | None = None
        self._claim: Claim | None = None
        self._converses = False
        self._sees: Clock | None = None
        self._held = HeldUpdates()
        self._contest = Contest()
        self._poller: asyncio.Task[object] | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def bot_id(self) -> int:
        """Telegram's id of the bot."""
        return self._bot_id

    @property
    def bot_username(self) -> str | None:
        """What the bot is called, as far as the library has asked."""
        try:
            return self._bot.username
        except RuntimeError:  # it is not initialised
            return None

    def attach(self, sink: UpdateSink) -> None:
        """Tap the application, its queue and its bot; a second call does nothing."""
        if self._sink is not None:
            return
        self._claim = Claim(self._application.update_queue)  # the application itself has slots
        self._sink = sink
        self._tap_queue()
        self._tap_application(sink)
        self._tap_bot()

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
        """The bot, the application, and what the host keeps for the whole bot."""
        application = self._application
        return {"bot_data": application.bot_data, "application": application, "bot": self._bot}

    async def call(self, method: str, params: Mapping[str, JsonValue]) -> JsonValue:
        """The result of a Bot API method, as plain JSON."""
        return await self._calls.call(method, params)

    async def close(self) -> None:
        """Close connections that calls of ours have opened for a bot that its host never started."""
        if self._claim is not None:
            self._claim.release()
        await self._calls.close()

    def _ours(self, item: object) -> _Ours | None:
        """The update in an item of the queue when it is ours, else None."""
        if not isinstance(item, Update) or not _may_be_ours(item):
            return None
        assert self._sink is not None, "nothing is tapped before a sink is attached"
        plain = _plain(item)
        deliver = delivery_of(self._sink, self._bot_id, plain, converses=self._converses)
        if deliver is None:
            return None
        return _Ours(item.update_id, deliver, must_be_recorded(plain))

    def _tap_queue(self) -> None:
        """Keep our updates out of the line in which the host's wait."""
        queue = self._application.update_queue
        put, put_nowait, get = queue.put, queue.put_nowait, queue.get

        async def put_theirs(item: object) -> None:
            ours = self._ours(item)
            if ours is not None:
                self._tell_of(item)
            if ours is None:
                await put(item)
            elif not ours.is_money:
                self._begin(ours)
            elif asyncio.current_task() is self._poller:
                self._held.begin(ours.update_id, ours.deliver)
            else:
                await self._finish(ours)

        def put_theirs_nowait(item: object) -> None:
            ours = self._ours(item) if _is_in_a_loop() else None
            if ours is None:
                put_nowait(item)
            else:
                self._tell_of(item)
                self._begin(ours)

        async def get_theirs() -> object:
            # Some may have been in line before us.
            while (ours := self._ours(item := await get())) is not None:
                queue.task_done()
                self._tell_of(item)
                self._begin(ours)
            return item

        queue.put = put_theirs  # type: ignore[method-assign]
        queue.put_nowait = put_theirs_nowait  # type: ignore[method-assign]
        queue.get = get_theirs  # type: ignore[method-assign]

    def _tap_application(self, sink: UpdateSink) -> None:
        application = self._application
        kind = type(application)

        async def initialize(self: AnyApplication) -> None:
            await kind.initialize(self)
            # Who feeds updates from a web server of his own may start nothing.
            sink.host_is_up()

        async def start(self: AnyApplication) -> None:
            await sink.open()
            await kind.start(self)

        async def stop(self: AnyApplication) -> None:
            await kind.stop(self)
            await close()

        async def shutdown(self: AnyApplication) -> None:
            if not self.running:
                await close()  # while the bot can still send
            await kind.shutdown(self)

        async def process_update(_: AnyApplication, update: object) -> None:
            sink.host_is_up()
            self._tell_of(update)
            ours = self._ours(update)
            if ours is None:
                await kind.process_update(application, update)
            else:
                await self._finish(ours)

        async def close() -> None:
            await self._held.drain()
            while self._running:
                await asyncio.wait(self._running)
            await sink.close()

        _put_in_front(
            application,
            initialize=initialize,
            start=start,
            stop=stop,
            shutdown=shutdown,
            process_update=process_update,
        )

    def _tap_bot(self) -> None:
        """Keep Telegram from being told of money that is not recorded, and ask for the kinds of updates that carry it."""
        bot = self._bot
        kind = type(bot)

        async def get_updates(
            _: Bot,
            offset: int | None = None,
            limit: int | None = None,
            timeout: Any = None,  # noqa: ASYNC109  # the library's own, which Telegram gets
            allowed_updates: Sequence[str] | None = None,
            **options: Any,
        ) -> tuple[Update, ...]:
            self._poller = asyncio.current_task()
            held = await self._held.settle()
            options |= {
                "limit": limit,
                "timeout": timeout,
                "allowed_updates": with_ours(allowed_updates, presses=self._wants_presses),
            }
            if held is None or offset is None or not 0 <= held < offset:
                with self._contest.noticed(self.bot_id):
                    return await kind.get_updates(bot, offset=offset, **options)
            with self._contest.noticed(self.bot_id):
                updates = await kind.get_updates(bot, offset=held, **options)
            fresh = tuple(update for update in updates if update.update_id >= offset)
            if not fresh and len(updates) >= (limit or _BATCH):
                self._held.let_go()
            return fresh

        async def set_webhook(
            _: Bot,
            url: str,
            certificate: Any = None,
            max_connections: int | None = None,
            allowed_updates: Sequence[str] | None = None,
            *arguments: Any,
            **options: Any,
        ) -> bool:
            kinds = with_ours(allowed_updates, presses=self._wants_presses)
            return await kind.set_webhook(bot, url, certificate, max_connections, kinds, *arguments, **options)

        _put_in_front(
            bot, get_updates=get_updates, getUpdates=get_updates, set_webhook=set_webhook, setWebhook=set_webhook
        )

    def _tell_of(self, item: object) -> None:
        """Tell of an update that goes no further in the queue, or has come through it: each comes by here once."""
        if self._sees is not None and self._sink is not None and isinstance(item, Update):
            tell_of(self._sink, self._bot_id, item, self._sees)

    def _begin(self, ours: _Ours) -> None:
        """Deliver in a task that nobody waits for but the end of the application."""
        self._track(asyncio.ensure_future(_isolated(ours)))

    async def _finish(self, ours: _Ours) -> None:
        """Return when an update is done with; raises when it carries money that is not recorded."""
        task = asyncio.ensure_future(_delivered(ours) if ours.is_money else _isolated(ours))
        self._track(task)
        # A web server that drops a request whose client has gone drops no payment.
        await asyncio.shield(task)

    def _track(self, task: asyncio.Task[None]) -> None:
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def __repr__(self) -> str:
        return f"<PtbAdapter of bot {self._bot_id}>"


async def _delivered(ours: _Ours) -> None:
    await ours.deliver()


async def _isolated(ours: _Ours) -> None:
    try:
        await ours.deliver()
    except Exception:  # nobody waits for it, and the host's other updates go on
        logger.exception("update %d could not be handled", ours.update_id)


def _may_be_ours(update: Update) -> bool:
    """A quick look that spares the host's updates from being taken apart."""
    message = update.message
    if message is not None:
        if message.text is not None:
            return message.text.startswith("/")
        return message.successful_payment is not None or message.refunded_payment is not None
    return (
        update.pre_checkout_query is not None
        or update.callback_query is not None
        or update.purchased_paid_media is not None
        # What the library does not know is here as Telegram sent it.
        or "subscription" in update.api_kwargs
        or getattr(update, "subscription", None) is not None
    )


def _plain(update: Update) -> dict[str, Any]:
    """An update as Telegram sent it."""
    plain = update.to_dict()
    query = update.callback_query
    if query is not None:
        # A host with arbitrary_callback_data gets its own objects for its own buttons, and this for everybody else's.
        data: object = query.data
        if isinstance(data, InvalidCallbackData):
            data = data.callback_data
        plain["callback_query"]["data"] = data if isinstance(data, str) else None
    return plain


def _put_in_front(thing: object, **methods: Callable[..., Coroutine[Any, Any, Any]]) -> None:
    """Put methods in front of those of one object, which stays an instance of its class."""
    kind = type(thing)
    about = {name: getattr(kind, name) for name in ("__module__", "__qualname__", "__doc__")}
    thing.__class__ = type(kind.__name__, (kind,), {"__slots__": (), **about, **methods})


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
