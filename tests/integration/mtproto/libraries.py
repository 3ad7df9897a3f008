"""Bots of the MTProto libraries that are installed here, each written as its users write bots.

pyrogram, kurigram and pyrofork install over each other, so one environment has one of the three at most;
``tests/packaging/test_forks.py`` runs these tests where the other two are.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from importlib import import_module, metadata
from io import BytesIO
from typing import Any

from neonpay.simulator import BotAccount, Simulator
from neonpay.testing.adapter_suite import Noted

FORKS = ("kurigram", "pyrofork", "pyrogram")
ROOTS = {**dict.fromkeys(FORKS, "pyrogram"), "hydrogram": "hydrogram", "telethon": "telethon"}
API = {"api_id": 1, "api_hash": "0123456789abcdef"}


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


INSTALLED = [name for name in ROOTS if _is_installed(name)]


def load(module: str) -> Any:
    """A module of a library. Some look for an event loop while they are imported, which Python 3.14 has none of by itself."""
    loop = asyncio.new_event_loop()
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
        asyncio.set_event_loop(loop)
    try:
        return import_module(module)
    finally:
        if running is None:
            asyncio.set_event_loop(None)
        loop.close()


class MtprotoBot:
    """What a test needs of a bot, whatever its library.

    Attributes:
        heard: texts that its handler got.
        raw: TL updates that its raw handler got, in the library's classes.
        answer: what it does with a text.
    """

    def __init__(self, library: str, telegram: Simulator, account: BotAccount) -> None:
        self.library = library
        self.telegram = telegram
        self.account = account
        self.heard: Noted[str] = Noted()
        self.raw: Noted[Any] = Noted()
        self.client: Any = None
        self.answer: Callable[[Any], Awaitable[None]] | None = None

    async def hears_raw(self, name: str, *, count: int = 1) -> Any:
        """Wait for the TL update of this name that comes as number ``count``, and return it."""
        return (await self.raw.has(lambda update: type(update).__name__ == name, count=count))[count - 1]

    async def hears(self, text: str, *, count: int = 1) -> None:
        """Wait for a text."""
        await self.heard.has(lambda heard: heard == text, count=count)

    async def start(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError

    async def ask(self, name: str, **fields: Any) -> Any:
        """The answer to a TL request."""
        raise NotImplementedError

    def tl_type(self, name: str) -> Any:
        """The class of a TL type; raises AttributeError where the layer has none."""
        raise NotImplementedError

    def tl(self, name: str, **fields: Any) -> Any:
        """A TL object."""
        return self.tl_type(name)(**fields)

    def knows(self, name: str, field: str | None = None) -> bool:
        """Whether the layer of this version has a TL type, and a field in it."""
        try:
            kind = self.tl_type(name)
        except AttributeError:
            return False
        return field is None or field in inspect.signature(kind).parameters

    def peer(self, user_id: int) -> Any:
        """Somebody, as a bot may name them that has not kept their hash."""
        return self.tl("InputPeerUser", user_id=user_id, access_hash=0)

    def adds_first(self, handler: Callable[[Any], Awaitable[None]], *, stops: bool = False) -> None:
        """Have a raw handler of the host come before all others, which stops every update when it ``stops``."""
        raise NotImplementedError

    async def receives(self, updates: Any) -> None:
        """Take ``Updates`` as if they had come from Telegram, through TL bytes."""
        raise NotImplementedError

    def invoice(self, payload: str = "order-1", amount: int = 5) -> Any:
        """An invoice of the bot's own."""
        price = self.tl("LabeledPrice", label="Tea", amount=amount)
        return self.tl(
            "InputMediaInvoice",
            title="Tea",
            description="A cup of tea",
            invoice=self.tl("Invoice", currency="XTR", prices=[price]),
            payload=payload.encode(),
            provider="",
            provider_data=self.tl("DataJSON", data="{}"),
        )

    async def sends_invoice(self, user_id: int, payload: str = "order-1", amount: int = 5) -> None:
        await self.ask(
            "messages.SendMedia",
            peer=self.peer(user_id),
            media=self.invoice(payload, amount),
            message="",
            random_id=len(self.telegram.calls()) + 1,
        )

    async def approves(self, query_id: str | None) -> None:
        await self.ask("messages.SetBotPrecheckoutResults", query_id=int(query_id or 0), success=True)


class PyrogramBot(MtprotoBot):
    def __init__(self, library: str, telegram: Simulator, account: BotAccount, **options: Any) -> None:
        super().__init__(library, telegram, account)
        self._module = load(ROOTS[library])
        self._raw = load(f"{ROOTS[library]}.raw")
        given = {"name": "bot", "bot_token": account.token, "in_memory": True, **API, **options}
        self.client = telegram.adopt(self._module.Client(**given))
        handlers = load(f"{ROOTS[library]}.handlers")
        self.client.add_handler(handlers.RawUpdateHandler(self._raw_update), group=1)
        self.client.add_handler(handlers.MessageHandler(self._message), group=2)
        if library == "hydrogram":
            # It drops what it has no parser for before its raw handlers; who wants checkouts gives it one.
            query = self._raw.types.UpdateBotPrecheckoutQuery
            self.client.dispatcher.update_parsers.setdefault(query, _as_it_is)

    async def start(self) -> None:
        await self.client.start()

    async def stop(self) -> None:
        if self.client.is_initialized:
            await self.client.stop()
        elif self.client.is_connected:
            await self.client.disconnect()

    async def ask(self, name: str, **fields: Any) -> Any:
        return await self.client.invoke(_find(self._raw.functions, name)(**fields))

    def tl_type(self, name: str) -> Any:
        return _find(self._raw.types, name)

    def adds_first(self, handler: Callable[[Any], Awaitable[None]], *, stops: bool = False) -> None:
        async def first(client: Any, update: Any, users: Any, chats: Any) -> None:
            await handler(update)
            if stops:
                raise self._module.StopPropagation

        handlers = load(f"{ROOTS[self.library]}.handlers")
        self.client.add_handler(handlers.RawUpdateHandler(first), group=-(2**40))

    async def receives(self, updates: Any) -> None:
        await self.client.handle_updates(self._raw.core.TLObject.read(BytesIO(updates.write())))

    async def _raw_update(self, client: Any, update: Any, users: Any, chats: Any) -> None:
        self.raw.add(update)

    async def _message(self, client: Any, message: Any) -> None:
        if message.text:
            self.heard.add(str(message.text))
            if self.answer is not None:
                await self.answer(message)


class TelethonBot(MtprotoBot):
    def __init__(self, library: str, telegram: Simulator, account: BotAccount, **options: Any) -> None:
        super().__init__(library, telegram, account)
        telethon = load("telethon")
        self._functions, self._types = load("telethon.tl.functions"), load("telethon.tl.types")
        session = options.pop("session", None) or load("telethon.sessions").MemorySession()
        self.client = telegram.adopt(telethon.TelegramClient(session, **API, **options))
        self.client.add_event_handler(self._raw_update, telethon.events.Raw())
        self.client.add_event_handler(self._message, telethon.events.NewMessage(incoming=True))

    async def start(self) -> None:
        await self.client.start(bot_token=self.account.token)

    async def stop(self) -> None:
        await self.client.disconnect()

    async def ask(self, name: str, **fields: Any) -> Any:
        return await self.client(_find(self._functions, f"{name}Request")(**fields))

    def tl_type(self, name: str) -> Any:
        return _find(self._types, name)

    def adds_first(self, handler: Callable[[Any], Awaitable[None]], *, stops: bool = False) -> None:
        events = load("telethon").events

        async def first(update: Any) -> None:
            await handler(update)
            if stops:
                raise events.StopPropagation

        self.client.add_event_handler(first, events.Raw())
        builders = self.client._event_builders  # noqa: SLF001
        builders.insert(0, builders.pop())

    async def receives(self, updates: Any) -> None:
        with load("telethon.extensions").BinaryReader(bytes(updates)) as reader:
            await self.client._updates_queue.put(reader.tgread_object())  # noqa: SLF001

    async def _raw_update(self, update: Any) -> None:
        self.raw.add(update)

    async def _message(self, event: Any) -> None:
        self.heard.add(event.raw_text)
        if self.answer is not None:
            await self.answer(event)


def bot_of(library: str, telegram: Simulator, account: BotAccount, **options: Any) -> MtprotoBot:
    """A bot that is not started."""
    kind = TelethonBot if library == "telethon" else PyrogramBot
    return kind(library, telegram, account, **options)


async def _as_it_is(update: Any, users: Any, chats: Any) -> tuple[None, type[None]]:
    return None, type(None)


def _find(space: Any, name: str) -> Any:
    for part in name.split("."):
        space = getattr(space, part)
    return space
