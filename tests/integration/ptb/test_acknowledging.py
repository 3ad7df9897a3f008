"""Telegram is told that a payment arrived when it is recorded, and delivers again what could not be."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from telegram import Update
from telegram.ext import MessageHandler, filters

from neonpay.core.events import Event
from neonpay.simulator import Outcome
from tests.integration.ptb.conftest import PtbShop
from tests.integration.ptb.test_guest_manners import notes_everything

LINES = ["process_update", "update_queue"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "busy.db"


@pytest.fixture
def other(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program that can keep the database to itself."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        yield other


@pytest.fixture
def busy(open_shop: Callable[..., PtbShop], path: Path, other: sqlite3.Connection) -> PtbShop:
    """A shop whose database is locked from the moment that a checkout is approved."""
    shop = open_shop(database_url=f"sqlite:///{path}?timeout=0.05", patience_s=0.0)
    shop.sells_through(shop.application)

    @shop.neonpay.on("checkout_approved")
    async def lock(_event: Event) -> None:
        other.execute("BEGIN IMMEDIATE")

    return shop


@asynccontextmanager
async def served(shop: PtbShop, line: str) -> AsyncIterator[None]:
    """The bot behind a web server of its program's own."""
    application = shop.application

    async def hook(request: web.Request) -> web.Response:
        update = Update.de_json(await request.json(), application.bot)
        if line == "process_update":
            await application.process_update(update)
        else:
            await application.update_queue.put(update)
        return web.Response()

    server = web.Application()
    server.router.add_post("/hook", hook)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with shop.started():
        await shop.telegram.post_to(shop.account, f"http://127.0.0.1:{runner.addresses[0][1]}/hook")
        try:
            yield
        finally:
            await application.bot.delete_webhook()
            await runner.cleanup()


async def pays(shop: PtbShop) -> Outcome:
    """A payment whose update the shop has had, whatever became of it."""
    ann = await shop.visitor()
    outcome = await ann.pays(await shop.invoices(ann))
    assert outcome.status == "paid"
    update = shop.telegram.updates(shop.account)[-1]
    await shop.telegram.until(lambda: update.delivered_count >= 1, what="the payment to be told of")
    return outcome


@pytest.mark.parametrize("line", LINES)
async def test_a_webhook_sells(shop: PtbShop, line: str) -> None:
    caught = notes_everything(shop.application)
    shop.sells_through(shop.application)
    async with served(shop, line):
        outcome = await shop.sells(await shop.visitor())
        await shop.settles()
        payment = await shop.neonpay.payments.get(outcome.charge_id or "")

    assert (payment.source, caught) == ("update", ["/start"])


@pytest.mark.parametrize("line", LINES)
async def test_an_acknowledged_payment_is_in_the_ledger(shop: PtbShop, line: str) -> None:
    shop.sells_through(shop.application)
    async with served(shop, line):
        outcome = await pays(shop)
        await shop.telegram.idle(shop.account)
        assert (await shop.neonpay.payments.get(outcome.charge_id or "")).amount_stars == 50


@pytest.mark.parametrize("line", LINES)
async def test_a_webhook_is_told_again_of_what_could_not_be_recorded(
    busy: PtbShop, line: str, other: sqlite3.Connection
) -> None:
    errors: list[object] = []

    async def swallow(_update: object, context: Any) -> None:
        errors.append(context.error)

    caught = notes_everything(busy.application)
    busy.application.add_error_handler(swallow)
    async with served(busy, line):
        outcome = await pays(busy)
        update = busy.telegram.updates(busy.account)[-1]
        await busy.telegram.until(lambda: update.delivered_count >= 2, what="a second delivery of the payment")
        other.execute("ROLLBACK")
        await busy.telegram.advance(150)
        await busy.has_delivered(outcome.charge_id)
        await busy.settles()

    assert [result.transaction_id for result in busy.delivered] == [outcome.charge_id]
    assert (caught, errors) == (["/start"], [])


async def test_polling_keeps_its_offset_until_a_payment_is_recorded(busy: PtbShop, other: sqlite3.Connection) -> None:
    caught = notes_everything(busy.application)
    async with busy.polling():
        outcome = await pays(busy)
        update = busy.telegram.updates(busy.account)[-1]
        await busy.telegram.until(lambda: update.delivered_count >= 2, what="a second delivery of the payment")
        assert update.state == "pending"
        bob = await busy.visitor("Bob")
        words = busy.telegram.updates(busy.account)[-1]
        await busy.telegram.until(lambda: words.delivered_count >= 1, what="the host to get its own updates")
        other.execute("ROLLBACK")
        await busy.has_delivered(outcome.charge_id)
        await bob.says("hello", to=busy.account)
        await busy.settles()

    assert update.confirmed
    assert [result.transaction_id for result in busy.delivered] == [outcome.charge_id]
    assert caught == ["/start", "/start", "hello"]


async def test_a_bot_that_stops_before_a_payment_is_recorded_is_told_of_it_again(
    busy: PtbShop, open_shop: Callable[..., PtbShop], other: sqlite3.Connection
) -> None:
    async with busy.polling():
        outcome = await pays(busy)
    other.execute("ROLLBACK")
    update = busy.telegram.updates(busy.account)[-1]
    assert (update.state, busy.delivered) == ("pending", [])

    after = open_shop(database_url=busy.database_url)
    after.sells_through(after.application)
    async with after.polling():
        await after.has_delivered(outcome.charge_id)
        source = (await after.neonpay.payments.get(outcome.charge_id or "")).source

    assert source == "update"


async def test_a_payment_that_cannot_be_recorded_does_not_stop_the_line_that_it_stood_in(
    busy: PtbShop, other: sqlite3.Connection
) -> None:
    caught = notes_everything(busy.application)
    bot, queue = busy.application.bot, busy.application.update_queue
    ann = await busy.visitor()
    words = busy.telegram.updates(busy.account)[-1]
    async with busy.application as application:
        checkout = await ann.begins_to_pay(await busy.invoices(ann))
        await application.process_update(Update.de_json(busy.telegram.updates(busy.account)[-1].body, bot))
        outcome = await checkout.outcome()
        await busy.neonpay.program.drain()
        paid = busy.telegram.updates(busy.account)[-1]
        # In a thread there is no loop to record it in, so it stays in line until the application starts.
        await asyncio.to_thread(queue.put_nowait, Update.de_json(paid.body, bot))
        await application.start()
        await queue.put(Update.de_json(words.body, bot))
        await queue.join()
        await application.stop()
        other.execute("ROLLBACK")
        unrecorded = await busy.neonpay.payments.history(ann.id)
        report = await busy.neonpay.books.reconcile(grace_s=0)

    assert outcome.status == "paid"
    assert (caught, unrecorded, report.recovered) == (["/start"], [], 1)


async def test_a_payment_that_stays_unrecorded_does_not_starve_the_host(
    busy: PtbShop, other: sqlite3.Connection
) -> None:
    told: list[str] = []

    async def note(update: Update, _: Any) -> None:
        told.append(str(update.message and update.message.text))

    bot, queue = busy.application.bot, busy.application.update_queue
    busy.application.add_handler(MessageHandler(filters.ALL, note))
    next_id = 0

    async def asks() -> None:
        """What a program does that polls by itself, one update at a time."""
        nonlocal next_id
        for update in await bot.get_updates(offset=next_id, limit=1):
            await queue.put(update)
            next_id = update.update_id + 1

    async with busy.started():
        ann = await busy.visitor()
        await asks()
        invoice = await busy.invoices(ann)
        checkout = await ann.begins_to_pay(invoice)
        await asks()
        outcome = await checkout.outcome()
        await asks()  # the payment
        await ann.says("hello", to=busy.account)
        while "hello" not in told:
            await asks()
            await queue.join()
        other.execute("ROLLBACK")
        report = await busy.neonpay.books.reconcile(grace_s=0)
        await busy.has_delivered(outcome.charge_id)

    assert report.recovered == 1
    assert told == ["/start", "hello"]
