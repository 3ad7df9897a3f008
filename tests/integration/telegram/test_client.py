"""Calls without a bot library: what Telegram says comes back as it is, and the token stays inside."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from neonpay.core.clock import SystemClock
from neonpay.errors import ConfigurationError, TelegramError, TelegramUnreachableError
from neonpay.simulator import Simulator
from neonpay.telegram.client import BotApiClient
from neonpay.telegram.console import ConsoleAdapter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from neonpay.simulator import BotAccount


@pytest.fixture
async def telegram() -> AsyncIterator[Simulator]:
    async with Simulator(seed=7) as telegram:
        yield telegram


@pytest.fixture
def account(telegram: Simulator) -> BotAccount:
    return telegram.bot("shop_bot")


@pytest.fixture
async def client(telegram: Simulator, account: BotAccount) -> AsyncIterator[BotApiClient]:
    async with BotApiClient(account.token, base_url=telegram.base_url, timeout_s=5) as client:
        yield client


async def test_a_call_gives_the_result_as_plain_json(client: BotApiClient, account: BotAccount) -> None:
    me = await client.call("getMe", {})
    assert isinstance(me, dict)
    assert (me["id"], me["username"]) == (client.bot_id, "shop_bot")
    assert await client.call("getStarTransactions", {"offset": 0, "limit": 100}) == {"transactions": []}
    assert client.bot_id == account.id


async def test_a_refusal_says_what_telegram_says(client: BotApiClient) -> None:
    with pytest.raises(TelegramError) as refused:
        await client.call("sendMessage", {"chat_id": 1})
    assert (refused.value.method, refused.value.error_code) == ("sendMessage", 400)
    assert refused.value.description.startswith("Bad Request: ")


async def test_a_refusal_says_how_long_to_wait(client: BotApiClient, telegram: Simulator) -> None:
    telegram.faults.fail("getMe", error_code=429, retry_after=17)
    with pytest.raises(TelegramError) as refused:
        await client.call("getMe", {})
    assert (refused.value.error_code, refused.value.retry_after_s) == (429, 17)


async def test_the_time_of_the_server_is_told(client: BotApiClient, telegram: Simulator) -> None:
    before_s, after_s = SystemClock().now_us() // 1_000_000, await client.server_time_s()
    assert after_s is not None
    assert before_s - 1 <= after_s <= SystemClock().now_us() // 1_000_000
    telegram.faults.fail("getMe", error_code=401)
    with pytest.raises(TelegramError):
        await client.server_time_s()


async def test_the_test_environment_is_a_part_of_every_address() -> None:
    asked: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return web.json_response({"ok": True, "result": {}})

    app = web.Application()
    app.router.add_post("/{tail:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with BotApiClient("123456:secret", base_url=url, test_environment=True) as client:
            await client.call("getMe", {})
    finally:
        await runner.cleanup()
    assert asked == ["/bot123456:secret/test/getMe"]


@pytest.mark.parametrize("fault", ["lose_answer", "drop_connection"])
async def test_a_call_without_an_answer_may_have_taken_effect(
    client: BotApiClient, telegram: Simulator, fault: str
) -> None:
    getattr(telegram.faults, fault)("getMe")
    with pytest.raises(TelegramUnreachableError) as lost:
        await client.call("getMe", {})
    assert lost.value.method == "getMe"
    assert await client.call("getMe", {}) is not None


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=502, text="<html>Bad Gateway</html>"),
        web.Response(status=200, text="[]"),
        web.Response(status=200, body=b"\xff\xfe{"),
        web.Response(status=302, headers={"Location": "http://127.0.0.1:1/elsewhere"}),
    ],
    ids=["a page", "a list", "no text", "a redirect"],
)
async def test_an_answer_that_is_not_the_bot_apis_is_no_answer(answer: web.Response) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return answer

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with BotApiClient("123456:secret-of-the-bot", base_url=f"http://127.0.0.1:{port}") as client:
            with pytest.raises(TelegramUnreachableError):
                await client.call("getMe", {})
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1", "http://name.invalid", "not an address"])
async def test_no_error_shows_the_token(base_url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with BotApiClient("123456:secret-of-the-bot", base_url=base_url, timeout_s=5) as client:
        with pytest.raises(TelegramUnreachableError) as lost:
            await client.call("getMe", {})
        shown = "".join(traceback.format_exception(lost.value)) + repr(client) + str(lost.value) + caplog.text
    assert "secret-of-the-bot" not in shown
    assert repr(client) == "<BotApiClient of bot 123456>"


@pytest.mark.parametrize("token", ["", "123456", "123456:", ":secret", "abc:secret", "123456:sec/ret", "123456:sécret"])
def test_what_is_no_token_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        BotApiClient(token)
    assert "secret" not in str(refused.value)


async def test_a_method_is_a_name(client: BotApiClient) -> None:
    with pytest.raises(ValueError, match="no method of the Bot API"):
        await client.call("getMe/../sendMessage", {})


async def test_a_tool_has_an_adapter_without_updates(telegram: Simulator, account: BotAccount) -> None:
    adapter = ConsoleAdapter(account.token, base_url=telegram.base_url)
    try:
        assert (adapter.library, adapter.bot_id, adapter.host_data()) == ("bot-api", account.id, {})
        assert await adapter.call("getMyStarBalance", {}) == {"amount": 0}
    finally:
        await adapter.close()
    assert "secret" not in repr(adapter)
