"""A bare token gets its updates by polling, by webhook, or from somebody's web framework."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import pytest
from aiogram import Bot, Dispatcher
from aiohttp import ClientSession, web

from neonpay import AdapterError, ConfigurationError, NeonPayCore, PaymentResult, PaymentStage, create_neonpay
from neonpay.core.events import Event
from neonpay.telegram.client import BotApiClient
from tests.looking import between_looks

if TYPE_CHECKING:
    from pathlib import Path

    from neonpay.simulator import Buyer, Outcome, Simulator

_SECRET = "s3cret-of-the-webhook"


class Shop:
    """A token that sells."""

    def __init__(self, telegram: Simulator, database_url: str, **options: Any) -> None:
        self.telegram = telegram
        self.account = telegram.bot("shop_bot")
        quiet = {"poll_s": 0.01, "messages_per_s": None, "reconcile_every_s": None, "database_url": database_url}
        self.neonpay: NeonPayCore = create_neonpay(
            self.account.token, api_url=telegram.base_url, **{**quiet, **options}
        )
        self.neonpay.create_payment_stage("vip", PaymentStage(title="VIP", description="A month", price=50))
        self.delivered: list[str | None] = []
        self.foreign: list[Mapping[str, Any]] = []
        self.neonpay.on_payment(name="deliver")(self._deliver)

    async def _deliver(self, result: PaymentResult) -> None:
        self.delivered.append(result.transaction_id)

    async def on_update(self, update: Mapping[str, Any]) -> None:
        self.foreign.append(update)

    async def visitor(self) -> Buyer:
        visitor = self.telegram.user("Ann", stars=1000)
        await visitor.says("/start", to=self.account)
        return visitor

    async def sells(self, buyer: Buyer) -> Outcome:
        await self.neonpay.send_payment(buyer.id, "vip")
        return await buyer.pays(await buyer.hears(self.account, predicate=lambda message: message.invoice is not None))

    @asynccontextmanager
    async def polling(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.neonpay.run_polling(on_update=self.on_update, handle_signals=False))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @asynccontextmanager
    async def served(self, *, given_secret: str = _SECRET) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/hook", self.neonpay.webhook_handler(secret_token=_SECRET, on_update=self.on_update))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        await self.telegram.post_to(self.account, url, secret_token=given_secret)
        try:
            yield url
        finally:
            await self.neonpay.program.adapter.call("deleteWebhook", {})
            await runner.cleanup()


@pytest.fixture
async def open_shop(telegram: Simulator, database_url: str) -> AsyncIterator[Callable[..., Shop]]:
    shops: list[Shop] = []

    def open_shop(**options: Any) -> Shop:
        shops.append(Shop(telegram, database_url, **options))
        return shops[-1]

    yield open_shop
    for shop in shops:
        await shop.neonpay.close()


async def test_a_webhook_sells_and_hands_over_what_is_not_ours(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    async with shop.served():
        outcome = await shop.sells(await shop.visitor())
        await shop.telegram.idle(shop.account)
        await shop.neonpay.program.drain()
    assert (outcome.status, shop.delivered) == ("paid", [outcome.charge_id])
    assert [update["message"]["text"] for update in shop.foreign] == ["/start"]


@pytest.mark.parametrize(
    "headers",
    [
        b"",
        b"X-Telegram-Bot-Api-Secret-Token:\r\n",
        b"X-Telegram-Bot-Api-Secret-Token: \xff\r\n",
        b"X-Telegram-Bot-Api-Secret-Token: " + _SECRET.encode() + b"\xff\r\n",
        "X-Telegram-Bot-Api-Secret-Token: пароль\r\n".encode(),
        b"X-Telegram-Bot-Api-Secret-Token: " + _SECRET.encode()[:-1] + b"\r\n",
        (b"X-Telegram-Bot-Api-Secret-Token: " + _SECRET.encode() + b"\r\n") * 2,
        b"X-Telegram-Bot-Api-Secret-Token: " + _SECRET.encode() + b"\r\nX-Telegram-Bot-Api-Secret-Token: other\r\n",
    ],
)
async def test_a_secret_that_is_none_of_setwebhooks_is_refused_as_a_wrong_one(
    open_shop: Callable[..., Shop], headers: bytes
) -> None:
    shop = open_shop()
    async with shop.served() as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /hook HTTP/1.1\r\nHost: bot\r\nContent-Length: 2\r\n" + headers + b"\r\n{}")
        await writer.drain()
        status = (await reader.readline()).split()[1]
        writer.close()
    assert status == b"403"
    assert shop.foreign == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"\xff", "application/json"),
        (b"{}", "application/json; charset=klingon"),
        (b"[]", "text/x"),
    ],
)
async def test_what_is_no_update_is_a_bad_request(
    open_shop: Callable[..., Shop], body: bytes, content_type: str
) -> None:
    shop = open_shop()
    async with shop.served() as url, ClientSession() as http:
        headers = {"X-Telegram-Bot-Api-Secret-Token": _SECRET, "Content-Type": content_type}
        async with http.post(url, data=body, headers=headers) as response:
            assert response.status == 400


@pytest.mark.parametrize("secret", ["with space", "x" * 257, "naïve", "\udcff", "a\r\nb"])
async def test_a_secret_that_telegram_would_not_take_is_named_when_the_handler_is_made(
    open_shop: Callable[..., Shop], secret: str
) -> None:
    with pytest.raises(ConfigurationError, match="secret_token"):
        open_shop().neonpay.webhook_handler(secret_token=secret)


async def test_a_post_without_the_secret_is_refused(open_shop: Callable[..., Shop], telegram: Simulator) -> None:
    shop = open_shop()
    async with shop.served(given_secret="somebody-elses-secret"):
        await shop.visitor()
        async with BotApiClient(shop.account.token, base_url=telegram.base_url) as client:

            async def refused() -> str | None:
                info = await client.call("getWebhookInfo", {})
                assert isinstance(info, dict)
                words = info.get("last_error_message")
                return str(words) if words is not None else None

            async with asyncio.timeout(100):
                while (words := await refused()) is None:
                    await between_looks()
    assert "403" in words
    assert shop.foreign == []
    with pytest.raises(ConfigurationError, match="secret_token"):
        shop.neonpay.webhook_handler(secret_token="")


async def test_what_a_web_framework_received_is_taken_or_left(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    foreign = {
        "update_id": 1,
        "message": {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}, "text": "hi"},
    }
    paid = {
        "currency": "XTR",
        "total_amount": 50,
        "invoice_payload": "order-17",
        "telegram_payment_charge_id": "stx1",
        "provider_payment_charge_id": "",
    }
    not_ours = {"update_id": 2, "message": {**foreign["message"], "successful_payment": paid}}  # type: ignore[dict-item]
    assert not await shop.neonpay.process_update(foreign)
    assert not await shop.neonpay.process_update(not_ours)
    async with shop.neonpay:
        assert await shop.neonpay.payments.list() == []


async def test_a_payment_is_not_confirmed_before_it_is_recorded(telegram: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "busy.db"
    shop = Shop(telegram, f"sqlite:///{path}?timeout=0.05", patience_s=0.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:

        @shop.neonpay.on("checkout_approved")
        async def lock(_event: Event) -> None:
            other.execute("BEGIN IMMEDIATE")

        async with shop.polling():
            outcome = await shop.sells(await shop.visitor())
            update = telegram.updates(shop.account)[-1]
            await telegram.until(lambda: update.delivered_count >= 2, what="the payment to be asked for again")
            assert (update.kind, update.state) == ("message", "pending")
            other.execute("ROLLBACK")
            await telegram.idle(shop.account)
            await shop.neonpay.program.drain()
            assert await shop.neonpay.payments.list() != []
    assert shop.delivered == [outcome.charge_id]
    assert [update["message"]["text"] for update in shop.foreign] == ["/start"]


async def test_polling_that_is_cancelled_ends_when_everything_is_closed(
    telegram: Simulator, open_shop: Callable[..., Shop]
) -> None:
    shop = open_shop()
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def on_update(_update: Mapping[str, Any]) -> None:
        begun.set()
        await go_on.wait()
        ended.set()

    polling = asyncio.create_task(shop.neonpay.run_polling(on_update=on_update, handle_signals=False))
    await shop.visitor()
    await begun.wait()
    polling.cancel()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not polling.done()
    go_on.set()
    await asyncio.wait([polling])
    assert polling.cancelled()
    assert ended.is_set()


async def test_a_bot_of_a_library_is_started_by_its_library(telegram: Simulator, sqlite_url: str) -> None:
    bot = Bot(telegram.bot("shop_bot").token)
    neonpay = create_neonpay(bot, dispatcher=Dispatcher(), database_url=sqlite_url)
    with pytest.raises(ConfigurationError, match="aiogram receives"):
        await neonpay.run_polling()
    with pytest.raises(ConfigurationError, match="aiogram receives"):
        await neonpay.process_update({})
    await neonpay.close()


async def test_polling_beside_a_webhook_says_what_to_do(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    async with shop.served(), asyncio.timeout(100):
        with pytest.raises(ConfigurationError, match="deleteWebhook"):
            await shop.neonpay.run_polling(handle_signals=False)


@pytest.mark.parametrize("text", ["", "token", "42:", ":AAAA", "12345678:secret word"])
def test_a_text_that_is_no_token_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        create_neonpay(text)
    assert "secret word" not in str(caught.value)
    assert "BotFather" in str(caught.value)


async def test_a_token_that_telegram_does_not_know_is_said(telegram: Simulator, sqlite_url: str) -> None:
    neonpay = create_neonpay(
        "4242:" + "A" * 35, api_url=telegram.base_url, database_url=sqlite_url, reconcile_every_s=None
    )
    with pytest.raises(ConfigurationError, match="BotFather"):
        await neonpay.run_polling(handle_signals=False)


def test_something_that_is_no_bot_is_refused() -> None:
    with pytest.raises(AdapterError, match="no adapter"):
        create_neonpay(17)
