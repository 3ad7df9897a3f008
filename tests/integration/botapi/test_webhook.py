"""The webhook of a bare token: whose posts it takes, and what it does with everybody else's."""

from __future__ import annotations

import io
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, web

from neonpay import ConfigurationError, NeonPayCore, PaymentResult, PaymentStage, create_neonpay

if TYPE_CHECKING:
    from neonpay.simulator import Outcome, Simulator

HEADER = "X-Telegram-Bot-Api-Secret-Token"


class StillClock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.at_us = 1_800_000_000_000_000

    def now_us(self) -> int:
        return self.at_us


class Shop:
    """A token that sells behind a webhook."""

    def __init__(self, telegram: Simulator, database_url: str, **options: Any) -> None:
        self.telegram = telegram
        self.account = telegram.bot("shop_bot")
        self.neonpay: NeonPayCore = create_neonpay(
            self.account.token,
            api_url=telegram.base_url,
            database_url=database_url,
            messages_per_s=None,
            reconcile_every_s=None,
            **options,
        )
        self.neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=50))
        self.delivered: list[str | None] = []
        self.neonpay.on_payment(name="deliver")(self._deliver)

    async def _deliver(self, result: PaymentResult) -> None:
        self.delivered.append(result.transaction_id)

    @asynccontextmanager
    async def served(self, **how: Any) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/hook", self.neonpay.webhook_handler(**how))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        finally:
            await self.neonpay.call("deleteWebhook", {})
            await runner.cleanup()

    async def sells(self) -> Outcome:
        buyer = self.telegram.user("Ann", stars=1000)
        await buyer.says("/start", to=self.account)
        await self.neonpay.send_payment(buyer.id, "vip")
        outcome = await buyer.pays(
            await buyer.hears(self.account, predicate=lambda message: message.invoice is not None)
        )
        await self.telegram.idle(self.account)
        await self.neonpay.program.drain()
        return outcome


@pytest.fixture
async def open_shop(telegram: Simulator, sqlite_url: str) -> AsyncIterator[Callable[..., Shop]]:
    shops: list[Shop] = []

    def open_shop(**options: Any) -> Shop:
        shops.append(Shop(telegram, sqlite_url, **options))
        return shops[-1]

    yield open_shop
    for shop in shops:
        await shop.neonpay.close()


async def post(url: str, body: bytes = b"{}", secret: str | None = None) -> int:
    headers = {} if secret is None else {HEADER: secret}
    async with ClientSession() as http, http.post(url, data=io.BytesIO(body), headers=headers) as response:
        return response.status


@pytest.mark.parametrize("telegrams", ["new-secret", "old-secret"])
async def test_a_secret_is_replaced_without_a_gap(open_shop: Callable[..., Shop], telegrams: str) -> None:
    shop = open_shop()
    async with shop.served(secret_token=["new-secret", "old-secret"]) as url:
        await shop.telegram.post_to(shop.account, url, secret_token=telegrams)
        outcome = await shop.sells()
        assert await post(url, secret="older-secret") == 403
    assert (outcome.status, shop.delivered) == ("paid", [outcome.charge_id])


async def test_telegram_is_told_the_first_secret_and_every_kind_that_we_need(sqlite_url: str) -> None:
    told: list[dict[str, Any]] = []

    async def hear(request: web.Request) -> web.Response:
        told.append(await request.json())
        return web.json_response({"ok": True, "result": True})

    app = web.Application()
    app.router.add_post("/{bot}/setWebhook", hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    neonpay = create_neonpay("42:" + "A" * 35, api_url=url, database_url=sqlite_url, reconcile_every_s=None)
    with pytest.raises(ConfigurationError, match="webhook_handler"):
        await neonpay.set_webhook("https://bot.example/hook")
    neonpay.webhook_handler(secret_token=["new-secret", "old-secret"])
    await neonpay.set_webhook("https://bot.example/hook")
    await neonpay.close()
    await runner.cleanup()
    (params,) = told
    assert params["url"] == "https://bot.example/hook"
    assert params["secret_token"] == "new-secret"
    assert params["allowed_updates"] == ["message", "pre_checkout_query", "subscription"]


@pytest.mark.parametrize(
    "secrets", [[], ["new", ""], ["new", None], ["new", "with space"], 7, [7], b"bytes", {"new": "old"}]
)
async def test_a_list_of_secrets_has_no_bad_one(open_shop: Callable[..., Shop], secrets: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="secret_token"):
        open_shop().neonpay.webhook_handler(secret_token=secrets)


@pytest.mark.parametrize("most", [0, -1, None, "3", 2.5])
async def test_how_many_strangers_are_heard_is_a_count(open_shop: Callable[..., Shop], most: Any) -> None:
    with pytest.raises(ConfigurationError, match="strangers_per_s"):
        open_shop().neonpay.webhook_handler(secret_token="s3cret", strangers_per_s=most)


async def test_what_carries_the_secret_is_never_too_much_or_too_large(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(clock=StillClock())
    large = b'{"update_id": 1, "padding": "' + b"x" * 3 * 1024**2 + b'"}'
    async with shop.served(secret_token="s3cret", strangers_per_s=2) as url:
        assert [await post(url) for _ in range(4)] == [403, 403, 429, 429]
        assert [await post(url, secret="s3cret") for _ in range(4)] == [200] * 4
        assert await post(url, large, secret="s3cret") == 200
        assert await post(url, large) == 429


async def test_strangers_are_looked_at_again_in_the_next_second(open_shop: Callable[..., Shop]) -> None:
    clock = StillClock()
    shop = open_shop(clock=clock)
    async with shop.served(secret_token="s3cret", strangers_per_s=1) as url:
        assert [await post(url), await post(url)] == [403, 429]
        clock.at_us += 1_000_000
        assert await post(url) == 403


async def test_posts_without_the_secret_are_told_of_once_a_minute(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    clock = StillClock()
    shop = open_shop(clock=clock)
    async with shop.served(secret_token="s3cret") as url:
        for _ in range(3):
            await post(url)
        clock.at_us += 60_000_000
        await post(url)
    told = [record.getMessage() for record in caplog.records if "without its secret" in record.message]
    assert [line.split(" posts")[0] for line in told] == ["refused 1", "refused 3"]
    assert "a list of the new secret and the old one" in told[0]


async def test_a_webhook_without_a_check_says_so_once_and_loudly(
    open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    shop = open_shop()
    async with shop.served(secret_token=None) as url:
        await shop.telegram.post_to(shop.account, url)
        outcome = await shop.sells()
        assert await post(url, b"x" * 2 * 1024**2) == 413
    assert outcome.status == "paid"
    (loud,) = [record for record in caplog.records if "CHECKS NO SECRET" in record.getMessage()]
    assert loud.levelno == logging.WARNING
    assert 'os.environ["WEBHOOK_SECRET"]' in loud.getMessage()


async def test_without_a_check_what_is_too_much_is_put_off(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(clock=StillClock())
    async with shop.served(secret_token=None, strangers_per_s=2) as url:
        assert [await post(url) for _ in range(3)] == [200, 200, 429]
