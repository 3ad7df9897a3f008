"""``neonpay.sync``: what is awaited elsewhere, for bots without an event loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from telebot import types

from neonpay import AdapterError, NeonPayCore, PaymentContext, PaymentResult, StageNotFoundError
from neonpay.app.blocking import SyncNeonPay, SyncSecurity
from neonpay.security.manager import SecurityManager

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.telebot.conftest import Shop

FOR_A_BARE_TOKEN = {"run_polling", "process_update"}
"""What belongs to a bot that has no library, and awaits."""


@pytest.mark.parametrize(("facade", "of"), [(SyncNeonPay, NeonPayCore), (SyncSecurity, SecurityManager)])
def test_all_that_is_awaited_is_there_with_its_arguments(facade: type, of: type) -> None:
    awaited = {
        name
        for name in dir(of)
        if not name.startswith("_") and inspect.iscoroutinefunction(inspect.getattr_static(of, name))
    } - FOR_A_BARE_TOKEN

    assert awaited - set(dir(facade)) == set()
    for name in awaited - {"close"}:
        assert inspect.signature(getattr(facade, name).__wrapped__) == inspect.signature(getattr(of, name))


async def test_it_works_before_the_bot_polls_and_in_its_handlers(shop: Shop) -> None:
    sync = shop.neonpay.sync

    @shop.bot.message_handler(commands=["buy"])
    def buy(message: types.Message) -> None:
        shop.seen.add(sync.send_payment(message.chat.id, "vip", payload={"table": 4}).stage_id)

    link = await asyncio.to_thread(sync.create_payment_link, "vip")
    async with shop.polling():
        ann = await shop.visitor()
        await ann.says("/buy", to=shop.account)
        invoice = await ann.hears(shop.account, predicate=lambda message: message.invoice is not None)
        outcomes = [await ann.pays(link.link or ""), await ann.pays(invoice)]
        await shop.delivered.has(count=2)
        payments = await asyncio.to_thread(sync.history, ann.id, limit=5)

    assert {outcome.charge_id for outcome in outcomes} == {payment.charge_id for payment in payments}
    assert [result.metadata.get("table") for result in shop.delivered.all] == [None, 4]
    assert shop.seen.all == ["vip"]


async def test_it_works_in_plain_payment_handlers_which_run_in_threads(shop: Shop) -> None:
    threads: list[str] = []

    @shop.neonpay.on_payment(name="look back")
    def look_back(result: PaymentResult) -> None:
        threads.append(threading.current_thread().name)
        shop.seen.add(str(len(shop.neonpay.sync.history(result.user_id))))

    async with shop.polling():
        await shop.sells(await shop.visitor())
        await shop.seen.has()

    assert shop.seen.all == ["1"]
    assert threads[0].startswith("neonpay-handler")


async def test_it_raises_what_the_method_raises(shop: Shop) -> None:
    with pytest.raises(StageNotFoundError, match="'gold'"):
        await asyncio.to_thread(shop.neonpay.sync.send_payment, 7, "gold")


async def test_on_neonpays_own_loop_it_says_to_await(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="impatient")
    async def impatient(result: PaymentResult) -> None:
        try:
            shop.neonpay.sync.history(result.user_id)
        except AdapterError as error:
            shop.seen.add(str(error))

    async with shop.polling():
        await shop.sells(await shop.visitor())
        (said,) = await shop.seen.has()

    assert "await neonpay.history(...)" in said


async def test_inside_a_transaction_it_refuses_instead_of_waiting_for_itself(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="inside")
    def inside(result: PaymentResult, connection: sa.Connection) -> None:
        try:
            shop.neonpay.sync.history(result.user_id)
        except AdapterError as error:
            shop.seen.add(str(error))

    async with shop.polling():
        await shop.sells(await shop.visitor())
        (said,) = await shop.seen.has()

    assert "use the connection" in said


async def test_a_library_with_an_event_loop_is_told_to_await(async_shop: Shop) -> None:
    with pytest.raises(AdapterError, match=r"await neonpay\.send_payment"):
        _ = async_shop.neonpay.sync


async def test_security_waits_too(shop: Shop) -> None:
    sync = shop.neonpay.sync
    await asyncio.to_thread(sync.block_user, 7, reason="spam")

    profile = await asyncio.to_thread(sync.security.get_user_profile, 7)

    assert profile.is_blocked


async def test_what_is_awaited_on_another_loop_crosses_over(shop: Shop) -> None:
    ours = asyncio.get_running_loop()
    loops: set[Any] = set()

    @shop.neonpay.on("invoice_created")
    async def note(_event: object) -> None:
        loops.add(asyncio.get_running_loop())

    ann = await shop.visitor()
    await shop.neonpay.send_payment(ann.id, "vip")
    await shop.neonpay.drain()

    assert ours not in loops
    assert len(loops) == 1


async def test_closing_finishes_what_runs_and_a_later_call_opens_anew(shop: Shop) -> None:
    entered, released = threading.Event(), threading.Event()

    @shop.neonpay.on_payment(name="slow")
    def slow(result: PaymentResult) -> None:
        entered.set()
        released.wait()
        shop.seen.add("finished")

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await asyncio.to_thread(entered.wait)
    closing = asyncio.ensure_future(asyncio.to_thread(shop.neonpay.sync.close))
    released.set()
    await closing

    assert shop.seen.all == ["finished"]
    jobs = await asyncio.to_thread(shop.neonpay.sync.jobs, outcome.charge_id or "")
    assert {job.state for job in jobs} == {"done"}


async def test_a_with_block_opens_and_closes(shop: Shop) -> None:
    def life() -> tuple[bool, bool]:
        with shop.neonpay.sync:
            inside = shop.neonpay.pipeline.is_open
        return inside, shop.neonpay.pipeline.is_open

    assert await asyncio.to_thread(life) == (True, False)


async def test_a_step_of_a_plain_handler_is_made_once(new_shop: Callable[..., Shop]) -> None:
    shop = new_shop()
    neonpay = shop.opens()
    keys: list[str] = []

    @neonpay.on_payment(name="keyed")
    def keyed(result: PaymentResult, ctx: PaymentContext) -> None:
        shop.seen.add(ctx.step_sync("key", lambda: keys.append("made") or f"key {len(keys)}"))
        if ctx.attempt == 1:
            msg = "the shop is on fire"
            raise RuntimeError(msg)

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.seen.has()
        await neonpay.drain()
        await neonpay.retry(outcome.charge_id or "")
        await shop.seen.has(count=2)

    assert shop.seen.all == ["key 1", "key 1"]
    assert keys == ["made"]


async def test_a_step_that_waits_refuses_on_the_loop(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="impatient")
    async def impatient(result: PaymentResult, ctx: PaymentContext) -> None:
        try:
            ctx.step_sync("key", str)
        except RuntimeError as error:
            shop.seen.add(str(error))

    async with shop.polling():
        await shop.sells(await shop.visitor())
        (said,) = await shop.seen.has()

    assert "await ctx.step(...)" in said
