"""A shop for tests: real aiogram that sells through neonpay in a simulated Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from copy import copy
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.manager import RequestMiddlewareManager
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import GetUpdates
from aiogram.methods.base import Response
from aiogram.types import Message, Update, User

from neonpay import PaymentStage, create_neonpay
from neonpay.core.events import Event
from neonpay.ledger import Transaction, open_ledger
from neonpay.simulator import BotAccount, Buyer, Outcome, Simulator
from neonpay.testing.postgres import PostgresServer

VIP = PaymentStage(title="VIP", description="A month of VIP", price=50, payload={"days": 30})


class MovableClock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self._now_us = 1_790_000_000_000_000

    def now_us(self) -> int:
        return self._now_us

    def advance(self, seconds: float) -> None:
        self._now_us += int(seconds * 1_000_000)


class Shop:
    """One bot. Without ``handle_as_tasks=True`` it handles its updates in turn, so that ``settles`` means done with them."""

    def __init__(self, telegram: Simulator, account: BotAccount, **options: Any) -> None:
        self.telegram = telegram
        self.account = account
        self.bot = bot_of(telegram, account)
        self.dispatcher = options.pop("dispatcher", None) or Dispatcher()
        self.clock: MovableClock | None = options.get("clock")
        # Nothing goes out that the test did not ask for.
        quiet = {"poll_s": 0.01, "messages_per_s": None, "reconcile_every_s": None}
        self.neonpay = create_neonpay(self.bot, dispatcher=self.dispatcher, **{**quiet, **options})
        self.facts: list[Event] = []
        self._told = asyncio.Event()
        self.neonpay.on(Event)(self._tell)

    async def _tell(self, event: Event) -> None:
        self.facts.append(event)
        self._told.set()

    @asynccontextmanager
    async def polling(
        self, *, handle_as_tasks: bool = False, telegram_sends: Sequence[str] | None = None, **data: object
    ) -> AsyncIterator[Shop]:
        """The bot runs inside the block. Telegram sends it these kinds of updates alone, whatever it asks for."""
        if telegram_sends is not None:
            # The last one is the next to Telegram, after ours, which asks for payments whatever the host names.
            self.bot.session.middleware.register(_asking_for(telegram_sends))
        started = asyncio.Event()
        self.dispatcher.startup.register(_setter(started))
        running = asyncio.ensure_future(
            self.dispatcher.start_polling(
                self.bot, handle_as_tasks=handle_as_tasks, handle_signals=False, close_bot_session=False, **data
            )
        )
        starting = asyncio.ensure_future(started.wait())
        await asyncio.wait({running, starting}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            starting.cancel()
            await running
        try:
            yield self
        finally:
            await self.dispatcher.stop_polling()
            await running

    async def visitor(self, name: str = "Ann", *, stars: int = 1000, language_code: str = "en") -> Buyer:
        """Somebody who has written to the bot, so that it may write back."""
        visitor = self.telegram.user(name, stars=stars, language_code=language_code)
        await visitor.says("/start", to=self.account)
        return visitor

    async def sells(self, buyer: Buyer, stage_id: str = "vip", **options: Any) -> Outcome:
        """Send an invoice, have it paid, and wait until everything that follows has happened."""
        await self.neonpay.send_payment(buyer.id, stage_id, **options)
        outcome = await buyer.pays(await buyer.hears(self.account, predicate=lambda m: m.invoice is not None))
        await self.settles()
        return outcome

    async def sells_in_vain(self, *buyers: Buyer, stage_id: str = "vip") -> list[Outcome]:
        """Sell what nobody in the shop delivers, and let the time run out in which somebody may still declare that they do."""
        assert self.clock is not None
        outcomes = [await self.sells(buyer, stage_id) for buyer in buyers]
        self.clock.advance(600)
        await self.fact("payment_needs_attention", count=len(self.named("payment_needs_attention")) + len(outcomes))
        return outcomes

    async def settles(self) -> None:
        """Wait until the bot is done with its updates, and its handlers and listeners have returned."""
        await self.telegram.idle(self.account)
        await self.neonpay.program.drain()

    async def delivers(self, outcome: Outcome) -> None:
        """Wait until every job of a payment has come to its end."""
        async with asyncio.timeout(100):
            while any(
                job.state not in {"done", "refused"} for job in await self.neonpay.jobs.of(outcome.charge_id or "")
            ):
                pass

    async def fact(self, name: str, *, count: int = 1) -> Event:
        """Wait for the event of this name that comes as number ``count``."""
        async with asyncio.timeout(100):
            while len(found := self.named(name)) < count:
                self._told.clear()
                await self._told.wait()
        return found[count - 1]

    def named(self, name: str) -> list[Event]:
        """The events of this name so far."""
        return [event for event in self.facts if event.name == name]

    async def aclose(self) -> None:
        await self.neonpay.close()
        await self.bot.session.close()


class PlainSession(AiohttpSession):
    """aiogram's own session, which closes without the quarter of a second that it leaves to TLS."""

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


_SESSION = PlainSession()
"""Copied for each bot, because reading the certificates of TLS takes longer than most tests."""
_ANSWERS = [Response[kind] for kind in (User, Message, list[Update], bool, Any)]
"""aiogram makes these models when it needs them; held here, so that it does not make them again in every test."""


def bot_of(telegram: Simulator, account: BotAccount) -> Bot:
    """aiogram's bot, signed in to the simulator."""
    session = copy(_SESSION)
    session.middleware = RequestMiddlewareManager()
    session.api = TelegramAPIServer.from_base(telegram.base_url)
    return Bot(account.token, session=session)


def _asking_for(kinds: Sequence[str]) -> Any:
    async def ask(make_request: Any, bot: Bot, method: Any) -> Any:
        if isinstance(method, GetUpdates):
            method = method.model_copy(update={"allowed_updates": list(kinds)})
        return await make_request(bot, method)

    return ask


def _setter(event: asyncio.Event) -> Callable[[], Any]:
    async def set_it() -> None:
        event.set()

    return set_it


@pytest.fixture
async def telegram() -> AsyncIterator[Simulator]:
    async with Simulator(seed=7) as telegram:
        yield telegram


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def open_shop(telegram: Simulator, database_url: str, clock: MovableClock) -> AsyncIterator[Callable[..., Shop]]:
    """Makes shops of one bot on one database: a second one is the first after a restart, or another worker."""
    shops: list[Shop] = []

    def open_shop(**options: Any) -> Shop:
        account = telegram.bot(options.pop("username", "shop_bot"))
        shop = Shop(telegram, account, **{"database_url": database_url, "clock": clock, **options})
        shop.neonpay.create_payment_stage("vip", VIP)
        shops.append(shop)
        return shop

    yield open_shop
    for shop in shops:
        await shop.aclose()


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    return open_shop()


@pytest.fixture
def other_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[str]:
    """A database of the other engine, with nothing in it."""
    if database_url.startswith("sqlite"):
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create_database()
        yield url
        server.drop_database(url)
    else:
        yield f"sqlite:///{tmp_path / 'moved.db'}"


@pytest.fixture
def query(database_url: str) -> Callable[[sa.Select[Any]], Any]:
    """What the ledger answers to a SELECT, as a list of tuples."""

    async def query(select: sa.Select[Any]) -> list[tuple[Any, ...]]:
        def unit(transaction: Transaction) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in transaction.connection.execute(select).all()]

        ledger = open_ledger(database_url)
        try:
            return await ledger.read(unit)
        finally:
            await ledger.close()

    return query
