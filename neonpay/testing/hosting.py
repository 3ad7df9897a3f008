"""A bot that runs for the length of a test, whatever its library."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

from neonpay.core.ports import OwnLoop
from neonpay.errors import ConfigurationError
from neonpay.telegram.client import BASE_URL, BotApiClient

if TYPE_CHECKING:
    from neonpay.app import NeonPayCore
    from neonpay.simulator import SteppedClock

_POLL_S: Final = 20
_JOIN_S: Final = 0.2


class SimulatedClock:
    """The simulator's time for ``create_neonpay(..., clock=...)``, so that ``advance`` moves both."""

    is_moved_by_hand: Final = True

    def __init__(self, clock: SteppedClock) -> None:
        self._clock = clock

    def now_us(self) -> int:
        """Microseconds since the epoch."""
        return round(self._clock.now() * 1_000_000)


@asynccontextmanager
async def running(
    bot: object,
    *,
    dispatcher: object = None,
    neonpay: NeonPayCore | None = None,
    bot_token: str | None = None,
    on_update: Callable[[Mapping[str, Any]], Awaitable[None]] | None = None,
) -> AsyncIterator[None]:
    """Inside the block, the bot takes updates the way a program of its library does; after it, neonpay is closed too.

    Args:
        bot: aiogram's bot, the application of python-telegram-bot, a ``TeleBot`` or ``AsyncTeleBot``, a client of the Pyrogram
            family or of Telethon, or a bare token.
        dispatcher: aiogram's.
        neonpay: what sells through the bot; a bare token needs it, as it does the polling then.
        bot_token: what Telethon signs in with.
        on_update: what a bare token's other updates are handed to.

    Raises:
        ConfigurationError: nobody knows how to run such a bot, or something that is needed is missing.
    """
    try:
        async with _running(bot, dispatcher, neonpay, bot_token, on_update):
            yield
    finally:
        if neonpay is not None and isinstance(neonpay.program.adapter, OwnLoop):
            await asyncio.to_thread(neonpay.sync.close)
        elif neonpay is not None:
            await neonpay.close()


def _running(
    bot: Any,
    dispatcher: Any,
    neonpay: NeonPayCore | None,
    bot_token: str | None,
    on_update: Callable[[Mapping[str, Any]], Awaitable[None]] | None,
) -> AbstractAsyncContextManager[None]:
    if isinstance(bot, str):
        if neonpay is None:
            raise ConfigurationError("a bare token is polled by neonpay: running(token, neonpay=neonpay)")
        return _in_background(neonpay.run_polling(on_update=on_update, handle_signals=False))
    names = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(bot).__mro__}
    if "aiogram.Bot" in names:
        if dispatcher is None:
            raise ConfigurationError("aiogram's bot runs with its dispatcher: running(bot, dispatcher=dispatcher)")
        return _aiogram(bot, dispatcher)
    if "telegram.Application" in names:
        return _ptb(bot)
    if "telebot.AsyncTeleBot" in names:
        return _telebot_async(bot)
    if "telebot.TeleBot" in names:
        return _telebot(bot)
    if names & {"pyrogram.Client", "hydrogram.Client"}:
        return _client(bot.start, bot.stop)
    if "telethon.TelegramClient" in names:
        return _client(lambda: bot.start(bot_token=bot_token), bot.disconnect)
    raise ConfigurationError(f"nobody knows how to run a {type(bot).__name__}; run it yourself beside the test")


@asynccontextmanager
async def _in_background(program: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(program)
    try:
        yield
    finally:
        if not task.done():
            task.cancel()
        ended = (await asyncio.gather(task, return_exceptions=True))[0]
    if isinstance(ended, Exception):
        raise ended


@asynccontextmanager
async def _aiogram(bot: Any, dispatcher: Any) -> AsyncIterator[None]:
    from neonpay.simulator.wire.known import UPDATE_KINDS

    started = asyncio.Event()

    async def note() -> None:
        started.set()

    dispatcher.startup.register(note)
    # All kinds: by itself aiogram asks for those that have a handler at this moment, and a test may add one later.
    kinds = sorted(UPDATE_KINDS)
    polling = asyncio.ensure_future(
        dispatcher.start_polling(
            bot, handle_signals=False, polling_timeout=_POLL_S, close_bot_session=False, allowed_updates=kinds
        )
    )
    starting = asyncio.ensure_future(started.wait())
    await asyncio.wait({polling, starting}, return_when=asyncio.FIRST_COMPLETED)
    starting.cancel()
    if polling.done():
        await polling
    try:
        yield
    finally:
        await dispatcher.stop_polling()
        await polling
        await bot.session.close()


@asynccontextmanager
async def _ptb(application: Any) -> AsyncIterator[None]:
    async with application:
        await application.start()
        await application.updater.start_polling()
        try:
            yield
        finally:
            await application.updater.stop()
            await application.stop()


@asynccontextmanager
async def _telebot(bot: Any) -> AsyncIterator[None]:
    from telebot import apihelper

    thread = threading.Thread(
        target=bot.polling,
        kwargs={"non_stop": True, "long_polling_timeout": _POLL_S, "logger_level": None},
        name="neonpay-test-telebot",
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        bot.stop_polling()
        # Telegram ends an open poll when another one comes. The library would sit it out, and cannot ask without waiting; and
        # one may still be about to open.
        address: str | None = apihelper.API_URL
        async with BotApiClient(bot.token, base_url=(address or BASE_URL).partition("/bot{0}")[0]) as client:
            while thread.is_alive():
                await client.call("getUpdates", {})
                await asyncio.to_thread(thread.join, _JOIN_S)
        bot.stop_bot()


@asynccontextmanager
async def _telebot_async(bot: Any) -> AsyncIterator[None]:
    async with _in_background(bot.polling(non_stop=True, timeout=_POLL_S)):
        yield
    await bot.close_session()


@asynccontextmanager
async def _client(start: Callable[[], Awaitable[object]], stop: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    await start()
    try:
        yield
    finally:
        await stop()


@contextmanager
def point_telebot(base_url: str) -> Iterator[None]:
    """Inside the block, bots of pyTelegramBotAPI call this address: the library has one for all bots of a process."""
    from telebot import apihelper, asyncio_helper

    modules: list[Any] = [apihelper, asyncio_helper]
    before = [(module.API_URL, module.FILE_URL) for module in modules]
    for module in modules:
        module.API_URL, module.FILE_URL = base_url + "/bot{0}/{1}", base_url + "/file/bot{0}/{1}"
    try:
        yield
    finally:
        for module, (api_url, file_url) in zip(modules, before, strict=True):
            module.API_URL, module.FILE_URL = api_url, file_url
