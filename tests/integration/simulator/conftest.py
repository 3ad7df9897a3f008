"""A simulated Telegram, a bot in it, aiogram as its client, and a client that sends exactly what a test says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from neonpay.simulator import BotAccount, Buyer, Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Reply:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.text)

    @property
    def result(self):
        assert self.status == 200, self.text
        return self.json["result"]

    @property
    def description(self) -> str:
        return str(self.json["description"])


class Wire:
    """Calls of one bot, form-encoded unless a test wants otherwise."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, token: str) -> None:
        self.session = session
        self.base_url = base_url
        self.root = f"{base_url}/bot{token}"

    async def __call__(self, method: str, **params: object) -> Reply:
        fields = {name: _text(value) for name, value in params.items() if value is not None}
        return await self.send("POST", f"/{method}", data=fields)

    async def send(self, verb: str, path: str, **options) -> Reply:
        async with self.session.request(verb, self.root + path, **options) as response:
            return Reply(response.status, await response.text(), dict(response.headers))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.fixture
async def telegram() -> AsyncIterator[Simulator]:
    async with Simulator(seed=7) as simulator:
        yield simulator


@pytest.fixture
def shop(telegram: Simulator) -> BotAccount:
    return telegram.bot("shop_bot")


@pytest.fixture
async def ann(telegram: Simulator, shop: BotAccount) -> Buyer:
    """A buyer who has started the shop."""
    buyer = telegram.user("Ann", stars=500)
    await buyer.says("/start", to=shop)
    return buyer


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


@pytest.fixture
def wire(telegram: Simulator, shop: BotAccount, http: aiohttp.ClientSession) -> Wire:
    return Wire(http, telegram.base_url, shop.token)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that has a bot has it over HTTP and in the simulator's own process."""
    if "bot" in metafunc.fixturenames:
        metafunc.parametrize("transport", ["http", "in_process"])


@pytest.fixture
async def bot(telegram: Simulator, shop: BotAccount, transport: str) -> AsyncIterator[Bot]:
    """aiogram's own client, unchanged."""
    if transport == "in_process":
        yield telegram.aiogram_bot(shop)
        return
    client = Bot(shop.token, session=AiohttpSession(api=TelegramAPIServer.from_base(telegram.base_url)))
    yield client
    await client.session.close()


@pytest.fixture
def invoice() -> dict[str, object]:
    """Parameters of an invoice for five Stars."""
    return {
        "title": "A book",
        "description": "About Stars",
        "payload": "order-1",
        "currency": "XTR",
        "prices": [{"label": "Book", "amount": 5}],
    }
