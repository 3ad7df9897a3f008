"""``neonpay.sync``: what is awaited elsewhere, for bots without an event loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from telebot import types

from neonpay import AdapterError, PaymentContext, PaymentResult, StageNotFoundError
from neonpay.app.receiving import Receiving
from neonpay.core.namespaces import M, Namespace, Verb, verb
from neonpay.payments.namespaces.served import Served
from neonpay.store.payment_filter import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.telebot.conftest import Shop


class Tips(Served[M], path="tips"):
    """A namespace of a program's own."""

    @verb
    async def largest(self) -> str:
        """The charge id of the most generous payment."""
        pipeline = await self._opened()
        return max(await pipeline.history.select(Selection(), limit=100), key=lambda paid: paid.amount_stars).charge_id


def verbs(awaited: Namespace[Any], path: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """All that is awaited of a namespace and of those below it, by path."""
    kind = type(awaited)
    for name in dir(kind):
        static = inspect.getattr_static(kind, name)
        if isinstance(static, Verb):
            yield f"{path}{name}", getattr(awaited, name)
    for name in {name for name in dir(awaited) if not name.startswith("_")} - {"sync"}:
        below = getattr(awaited, name)
        if isinstance(below, Namespace):
            yield from verbs(below, f"{path}{name}.")


def test_all_that_is_awaited_waits_at_sync_with_the_same_arguments(shop: Shop) -> None:
    own_updates = {name for name, static in vars(Receiving).items() if isinstance(static, Verb)}
    found = {path: method for path, method in verbs(shop.neonpay) if path not in own_updates}

    assert {"send_payment", "close", "payments.history", "security.rate_limiter.is_allowed"} <= set(found)
    for path, awaited in found.items():
        waiting = attrgetter(path)(shop.neonpay.sync)
        assert inspect.iscoroutinefunction(awaited), path
        assert not inspect.iscoroutinefunction(waiting), path
        assert inspect.signature(waiting) == inspect.signature(awaited), path
        assert waiting.__doc__, path


def test_nothing_else_that_is_public_is_a_coroutine_function(shop: Shop) -> None:
    for name in dir(type(shop.neonpay)):
        if not name.startswith("_"):
            assert not inspect.iscoroutinefunction(inspect.getattr_static(type(shop.neonpay), name)), name


async def test_a_namespace_of_ones_own_is_there_in_both_modes(shop: Shop) -> None:
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
    awaited = await shop.neonpay.program.namespace(Tips).largest()
    waited = await asyncio.to_thread(shop.neonpay.sync.program.namespace(Tips).largest)

    assert awaited == waited == outcome.charge_id


async def test_wait_gives_what_a_coroutine_gives_on_neonpays_loop(shop: Shop) -> None:
    async def mine(charges: int) -> tuple[int, asyncio.AbstractEventLoop]:
        return charges + len(await shop.neonpay.payments.list()), asyncio.get_running_loop()

    count, loop = await asyncio.to_thread(lambda: shop.neonpay.sync.wait(mine(1)))

    assert count == 1
    assert loop is not asyncio.get_running_loop()
    assert loop is shop.neonpay.program.pipeline.loop


async def test_wait_on_neonpays_own_loop_says_to_await_and_leaves_nothing_behind(shop: Shop) -> None:
    async def mine() -> None:
        raise AssertionError("it has begun")

    async def impatient() -> str:
        with pytest.raises(AdapterError) as caught:
            shop.neonpay.sync.wait(mine())
        return str(caught.value)

    said = await asyncio.to_thread(lambda: shop.neonpay.sync.wait(impatient()))

    assert "await the coroutine itself" in said


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
        payments = await asyncio.to_thread(sync.payments.history, ann.id, limit=5)

    assert {outcome.charge_id for outcome in outcomes} == {payment.charge_id for payment in payments}
    assert [result.metadata.get("table") for result in shop.delivered.all] == [None, 4]
    assert shop.seen.all == ["vip"]


async def test_it_works_in_plain_payment_handlers_which_run_in_threads(shop: Shop) -> None:
    threads: list[str] = []

    @shop.neonpay.on_payment(name="look back")
    def look_back(result: PaymentResult) -> None:
        threads.append(threading.current_thread().name)
        shop.seen.add(str(len(shop.neonpay.sync.payments.history(result.user_id))))

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
            shop.neonpay.sync.payments.history(result.user_id)
        except AdapterError as error:
            shop.seen.add(str(error))

    async with shop.polling():
        await shop.sells(await shop.visitor())
        (said,) = await shop.seen.has()

    assert "await neonpay.payments.history(...)" in said


async def test_inside_a_transaction_it_refuses_instead_of_waiting_for_itself(shop: Shop) -> None:
    @shop.neonpay.on_payment(name="inside")
    def inside(result: PaymentResult, connection: sa.Connection) -> None:
        try:
            shop.neonpay.sync.payments.history(result.user_id)
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
    await asyncio.to_thread(sync.security.block_user, 7, reason="spam")

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
    await shop.neonpay.program.drain()

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
    jobs = await asyncio.to_thread(shop.neonpay.sync.jobs.of, outcome.charge_id or "")
    assert {job.state for job in jobs} == {"done"}


async def test_a_with_block_opens_and_closes(shop: Shop) -> None:
    def life() -> tuple[bool, bool]:
        with shop.neonpay.sync:
            inside = shop.neonpay.program.pipeline.is_open
        return inside, shop.neonpay.program.pipeline.is_open

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
        await neonpay.program.drain()
        await neonpay.jobs.retry(outcome.charge_id or "")
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


async def test_events_are_tracked_counted_and_a_person_erased_without_an_event_loop(shop: Shop) -> None:
    neonpay = shop.neonpay

    def work() -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
        sync = neonpay.sync
        with sync:
            assert sync.track_event("product_view", 5, stage_id="vip")
            counted = sync.tracking.count()
            erased = sync.people.erase(5)
            return counted, dict(erased.removed), sync.tracking.count()

    assert await asyncio.to_thread(work) == ({"product_view": 1}, {"soft_events": 1}, {})
