"""Updates that come by aiogram's webhook handler."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from aiogram.types import ErrorEvent
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

from neonpay import PaymentResult
from neonpay.core.events import Event
from neonpay.simulator import Simulator
from tests.integration.conftest import Shop


@asynccontextmanager
async def served(shop: Shop, *, in_background: bool = False) -> AsyncIterator[None]:
    """The shop's bot behind a web server, with its webhook set."""
    app = web.Application()
    handler = SimpleRequestHandler(
        shop.dispatcher, shop.bot, handle_in_background=in_background, secret_token="s3cret-of-the-webhook"
    )
    handler.register(app, path="/hook")
    setup_application(app, shop.dispatcher, bot=shop.bot)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    await shop.bot.set_webhook(f"http://127.0.0.1:{port}/hook", secret_token="s3cret-of-the-webhook")
    try:
        yield
    finally:
        await shop.bot.delete_webhook()
        await runner.cleanup()


@pytest.mark.parametrize("in_background", [False, True])
async def test_a_webhook_sells(shop: Shop, *, in_background: bool) -> None:
    delivered: list[PaymentResult] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result)

    async with served(shop, in_background=in_background):
        outcome = await shop.sells(await shop.visitor())
        await shop.fact("payment_completed")
        await shop.settles()
        payment = await shop.neonpay.payments.get(outcome.charge_id or "")

    assert outcome.status == "paid"
    assert payment.source == "update"
    assert [result.transaction_id for result in delivered] == [outcome.charge_id]


async def test_an_acknowledged_payment_is_in_the_ledger(shop: Shop) -> None:
    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None: ...

    async with served(shop):
        ann = await shop.visitor()
        await shop.neonpay.send_payment(ann.id, "vip")
        outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await shop.telegram.idle(shop.account)

        payment = await shop.neonpay.payments.get(outcome.charge_id or "")

    assert payment.amount_stars == 50


async def test_telegram_delivers_again_what_could_not_be_recorded(
    telegram: Simulator, tmp_path: Path, open_shop: Callable[..., Shop]
) -> None:
    path = tmp_path / "busy.db"
    shop = open_shop(database_url=f"sqlite:///{path}?timeout=0.05", patience_s=0.0)
    delivered: list[PaymentResult] = []

    @shop.dispatcher.errors()
    async def swallow(event: ErrorEvent) -> bool:
        return True

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result)

    with closing(sqlite3.connect(path, isolation_level=None)) as other:

        @shop.neonpay.on("checkout_approved")
        async def lock(_event: Event) -> None:
            other.execute("BEGIN IMMEDIATE")

        async with served(shop):
            ann = await shop.visitor()
            await shop.neonpay.send_payment(ann.id, "vip")
            outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
            update = telegram.updates(shop.account)[-1]
            await telegram.until(lambda: update.delivered_count >= 2, what="a second delivery of the payment")
            unrecorded = await shop.neonpay.payments.history(ann.id)
            other.execute("ROLLBACK")
            await telegram.advance(150)
            await shop.settles()
            payments = await shop.neonpay.payments.history(ann.id)

    assert unrecorded == []
    assert [payment.charge_id for payment in payments] == [outcome.charge_id]
    assert [result.transaction_id for result in delivered] == [outcome.charge_id]
