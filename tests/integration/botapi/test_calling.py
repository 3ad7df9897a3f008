"""How the calls of a bare token are made: whose session, how many at a time, for how long, and where to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import telebot
from aiogram import Bot, Dispatcher
from aiohttp import ClientSession, web

from neonpay import ConfigurationError, PaymentStage, TelegramError, create_neonpay
from neonpay.errors import TelegramUnreachableError
from neonpay.simulator import Simulator

if TYPE_CHECKING:
    from neonpay import NeonPayCore

TOKEN = "42:" + "A" * 35


def shop_of(token: str, telegram: Simulator, database_url: str, **how: Any) -> NeonPayCore:
    neonpay = create_neonpay(token, api_url=telegram.base_url, database_url=database_url, reconcile_every_s=None, **how)
    neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=50))
    return neonpay


class Server:
    """Holds every call until it is told to answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.has_been_asked = asyncio.Condition()
        self.answer = asyncio.Event()
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        async with self.has_been_asked:
            self.asked.append(request.path.rpartition("/")[2])
            self.has_been_asked.notify_all()
        await self.answer.wait()
        return web.json_response({"ok": True, "result": True})

    async def until(self, count: int) -> None:
        async with self.has_been_asked:
            await self.has_been_asked.wait_for(lambda: len(self.asked) >= count)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_post("/{tail:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    server.answer.set()
    await runner.cleanup()


@asynccontextmanager
async def calling(server: Server, database_url: str, **how: Any) -> AsyncIterator[NeonPayCore]:
    neonpay = create_neonpay(TOKEN, api_url=server.url, database_url=database_url, **how)
    yield neonpay
    await neonpay.close()


async def test_a_bot_of_the_test_environment_sells_there(sqlite_url: str) -> None:
    async with Simulator(test_environment=True) as telegram:
        account = telegram.bot("shop_bot")
        shop = shop_of(account.token, telegram, sqlite_url, test_environment=True)
        ann = telegram.user("Ann", stars=1000)
        await ann.says("/start", to=account)
        await shop.send_payment(ann.id, "vip")
        assert (await ann.hears(account)).invoice is not None
        await shop.close()


async def test_calls_go_through_the_session_that_was_given_which_stays_open(
    telegram: Simulator, sqlite_url: str
) -> None:
    account = telegram.bot("shop_bot")
    async with ClientSession(raise_for_status=True) as session:
        shop = shop_of(account.token, telegram, sqlite_url, session=session)
        assert isinstance(await shop.call("getMe", {}), dict)
        with pytest.raises(TelegramError, match="chat not found"):
            await shop.call("getChat", {"chat_id": 4242})
        await shop.close()
        assert not session.closed
        assert session.connector is not None
        assert isinstance(await shop.call("getMe", {}), dict)
    with pytest.raises(ConfigurationError, match="is closed"):
        await shop.program.adapter.call("getMe", {})
    await shop.close()


async def test_a_session_of_another_event_loop_is_refused(server: Server, sqlite_url: str) -> None:
    async with ClientSession() as session, calling(server, sqlite_url, session=session) as neonpay:
        with pytest.raises(ConfigurationError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, neonpay.program.adapter.call("getMe", {}))


async def test_what_is_no_session_is_refused(sqlite_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"aiohttp\.ClientSession; got str"):
        create_neonpay(TOKEN, session="session", database_url=sqlite_url)  # type: ignore[arg-type]


async def test_a_session_says_itself_how_many_connections_there_are(sqlite_url: str) -> None:
    async with ClientSession() as session:
        with pytest.raises(ConfigurationError, match=r"TCPConnector\(limit="):
            create_neonpay(TOKEN, session=session, connections=5, database_url=sqlite_url)


async def test_a_call_without_an_answer_in_time_may_have_been_done(server: Server, sqlite_url: str) -> None:
    async with calling(server, sqlite_url, timeout_s=0.2) as neonpay:
        with pytest.raises(TelegramUnreachableError):
            await neonpay.program.adapter.call("sendMessage", {"chat_id": 1, "text": "x"})


async def test_more_calls_wait_and_a_checkout_and_a_poll_do_not(server: Server, sqlite_url: str) -> None:
    async with calling(server, sqlite_url, connections=1) as neonpay:
        call = neonpay.program.adapter.call
        calls = [asyncio.ensure_future(call("sendMessage", {"chat_id": number})) for number in (1, 2)]
        await server.until(1)
        urgent = [asyncio.ensure_future(call(name, {})) for name in ("answerPreCheckoutQuery", "getUpdates")]
        await server.until(3)
        assert sorted(server.asked) == ["answerPreCheckoutQuery", "getUpdates", "sendMessage"]
        server.answer.set()
        await asyncio.gather(*calls, *urgent)
        assert server.asked.count("sendMessage") == 2


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ({"session": object()}, "AiohttpSession("),
        ({"timeout_s": 5.0}, "AiohttpSession(timeout=30)"),
        ({"connections": 5}, "AiohttpSession(limit=100)"),
        ({"test_environment": True}, "AiohttpSession(api=TEST)"),
    ],
)
async def test_a_library_that_calls_by_itself_is_told_so_there(how: dict[str, Any], line: str, sqlite_url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        create_neonpay(Bot(TOKEN), dispatcher=Dispatcher(), database_url=sqlite_url, **how)
    assert line in str(refused.value)
    with pytest.raises(ConfigurationError, match="telebot makes its calls itself"):
        create_neonpay(telebot.TeleBot(TOKEN), database_url=sqlite_url, **how)


async def test_settings_that_commands_read_too_do_not_stop_a_library(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEONPAY_TEST_ENVIRONMENT", "true")
    neonpay = create_neonpay(Bot(TOKEN), dispatcher=Dispatcher(), database_url=sqlite_url)
    await neonpay.close()
