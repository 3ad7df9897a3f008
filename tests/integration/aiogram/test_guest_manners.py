"""A host bot notices nothing of us but that its payments are taken care of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiogram import BaseMiddleware, Dispatcher, F, Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.memory import SimpleEventIsolation
from aiogram.types import LabeledPrice, Message, PreCheckoutQuery, TelegramObject

from neonpay import PaymentResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.integration.conftest import Shop


class Form(StatesGroup):
    name = State()


class Deliveries:
    """A payment handler that remembers what it delivered."""

    def __init__(self, shop: Shop) -> None:
        self.results: list[PaymentResult] = []
        shop.neonpay.on_payment(name="deliver")(self.deliver)

    async def deliver(self, result: PaymentResult) -> None:
        self.results.append(result)


async def test_catch_alls_of_the_host_neither_take_a_payment_nor_see_one(shop: Shop) -> None:
    deliveries, seen = Deliveries(shop), []
    router = Router()
    shop.dispatcher.include_router(router)

    @shop.dispatcher.message()
    async def on_the_dispatcher(message: Message) -> None:
        seen.append(message.content_type)

    @router.message()
    async def on_the_router(message: Message) -> None:
        seen.append(message.content_type)

    @router.pre_checkout_query()
    async def on_a_checkout(query: PreCheckoutQuery) -> None:
        seen.append(query.id)

    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.neonpay.refund(outcome.charge_id or "")
        await shop.settles()

    assert outcome.status == "paid"
    assert len(deliveries.results) == 1
    assert seen == ["text"]


async def test_handlers_that_the_host_adds_later_do_not_come_first(shop: Shop) -> None:
    seen: list[str] = []
    async with shop.polling():
        deliveries = Deliveries(shop)

        @shop.dispatcher.message()
        async def later(message: Message) -> None:
            seen.append(message.content_type)

        await shop.sells(await shop.visitor())

    assert len(deliveries.results) == 1
    assert seen == ["text"]


async def test_an_invoice_of_the_host_reaches_the_host_and_leaves_no_trace_with_us(shop: Shop) -> None:
    checkouts, paid = [], []

    @shop.dispatcher.pre_checkout_query()
    async def check(query: PreCheckoutQuery) -> None:
        checkouts.append(query.invoice_payload)
        await query.answer(ok=True)

    @shop.dispatcher.message(F.successful_payment)
    async def thank(message: Message) -> None:
        assert message.successful_payment is not None
        paid.append(message.successful_payment.invoice_payload)

    deliveries = Deliveries(shop)
    async with shop.polling():
        ann = await shop.visitor()
        prices = [LabeledPrice(label="own", amount=20)]
        await shop.bot.send_invoice(ann.id, "Own", "The host's own", "order-77", "XTR", prices)
        outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await shop.settles()
        history = await shop.neonpay.payments.history(ann.id)

    assert outcome.status == "paid"
    assert (checkouts, paid) == (["order-77"], ["order-77"])
    assert (deliveries.results, history, shop.facts) == ([], [], [])


async def test_a_host_invoice_in_dollars_reaches_the_host_untouched(shop: Shop) -> None:
    checkouts: list[tuple[str, str, int]] = []
    paid: list[str] = []

    @shop.dispatcher.pre_checkout_query()
    async def check(query: PreCheckoutQuery) -> None:
        checkouts.append((query.invoice_payload, query.currency, query.total_amount))

    @shop.dispatcher.message(F.successful_payment)
    async def thank(message: Message) -> None:
        assert message.successful_payment is not None
        paid.append(message.successful_payment.currency)

    # The simulator takes Stars only, so what Telegram sends for a card payment is fed as it is.
    ann = {"id": 7, "is_bot": False, "first_name": "Ann"}
    card = {"currency": "USD", "total_amount": 999, "invoice_payload": "order-78"}
    charge = {**card, "telegram_payment_charge_id": "c1", "provider_payment_charge_id": "p1"}
    message = {"message_id": 1, "date": 1_790_000_000, "chat": {"id": 7, "type": "private"}, "from": ann}
    await shop.dispatcher.feed_raw_update(
        shop.bot, {"update_id": 1, "pre_checkout_query": {"id": "q1", "from": ann, **card}}
    )
    await shop.dispatcher.feed_raw_update(
        shop.bot, {"update_id": 2, "message": {**message, "successful_payment": charge}}
    )

    assert checkouts == [("order-78", "USD", 999)]
    assert paid == ["USD"]
    assert shop.telegram.calls("answerPreCheckoutQuery") == []


async def test_a_conversation_goes_on_around_a_payment(shop: Shop) -> None:
    names: list[str] = []
    deliveries = Deliveries(shop)

    @shop.dispatcher.message(Command("name"))
    async def ask(message: Message, state: FSMContext) -> None:
        await state.set_state(Form.name)

    @shop.dispatcher.message(Form.name)
    async def learn(message: Message, state: FSMContext) -> None:
        names.append(message.text or "")
        await state.clear()

    async with shop.polling():
        ann = await shop.visitor()
        await ann.says("/name", to=shop.account)
        await shop.settles()
        await shop.sells(ann)
        await ann.says("Анна", to=shop.account)
        await shop.settles()

    assert len(deliveries.results) == 1
    assert names == ["Анна"]


async def test_middlewares_of_the_host_see_what_is_the_hosts_and_cannot_stop_a_payment(shop: Shop) -> None:
    seen: list[str] = []

    class Gate(BaseMiddleware):
        async def __call__(
            self,
            handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
            event: TelegramObject,
            data: dict[str, Any],
        ) -> None:
            seen.append(type(event).__name__)

    shop.dispatcher.message.outer_middleware(Gate())
    shop.dispatcher.pre_checkout_query.outer_middleware(Gate())
    deliveries = Deliveries(shop)
    async with shop.polling():
        await shop.sells(await shop.visitor())

    assert len(deliveries.results) == 1
    assert seen == ["Message"]


async def test_a_gate_before_everything_does_not_stop_a_payment(open_shop: Callable[..., Shop]) -> None:
    dispatcher, stopped = Dispatcher(), []

    @dispatcher.update.outer_middleware()
    async def maintenance(
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> None:
        stopped.append(event)

    shop = open_shop(dispatcher=dispatcher)
    deliveries = Deliveries(shop)
    async with shop.polling():
        await shop.sells(await shop.visitor())

    assert len(deliveries.results) == 1
    assert len(stopped) == 1, "the words of the visitor"


async def test_a_host_that_is_busy_with_the_buyer_does_not_delay_the_checkout(open_shop: Callable[..., Shop]) -> None:
    # SimpleEventIsolation lets the updates of one user in one chat pass one at a time.
    dispatcher = Dispatcher(events_isolation=SimpleEventIsolation())
    shop = open_shop(dispatcher=dispatcher)
    deliveries, asked, answered = Deliveries(shop), asyncio.Event(), asyncio.Event()

    @shop.dispatcher.message(Command("wait"))
    async def wait(message: Message) -> None:
        asked.set()
        await answered.wait()

    async with shop.polling(handle_as_tasks=True):
        ann = await shop.visitor()
        await ann.says("/wait", to=shop.account)
        await asked.wait()
        await shop.neonpay.send_payment(ann.id, "vip")
        outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await shop.fact("payment_completed")
        await shop.neonpay.program.drain()
        answered.set()

    assert outcome.status == "paid"
    assert len(deliveries.results) == 1


async def test_an_update_of_a_kind_nobody_knows_passes(shop: Shop) -> None:
    Deliveries(shop)

    with pytest.warns(RuntimeWarning, match="unknown update type"):  # aiogram's own, so the update has reached it
        await shop.dispatcher.feed_raw_update(shop.bot, {"update_id": 1, "brand_new_kind": {"id": 1}})

    assert shop.facts == []


async def test_polling_asks_telegram_for_checkouts_although_the_host_has_no_handler_for_them(shop: Shop) -> None:
    @shop.dispatcher.message(Command("start"))
    async def start(message: Message) -> None: ...

    async with shop.polling():
        await shop.visitor()
        await shop.telegram.called("getUpdates")
    asked = shop.telegram.calls("getUpdates")[0].params["allowed_updates"]

    assert {"message", "pre_checkout_query", "subscription", "purchased_paid_media"} <= set(asked)


async def test_a_host_that_names_the_updates_to_get_gets_those_that_carry_money_too(shop: Shop) -> None:
    async with shop.polling(allowed_updates=["message", "poll"]):
        await shop.sells(await shop.visitor())
    for kinds in (["poll"], [], None):
        await shop.bot.set_webhook("https://shop.example/hook", allowed_updates=kinds)
    ours = ["message", "pre_checkout_query", "purchased_paid_media", "subscription"]

    polled = shop.telegram.calls("getUpdates")[0].params["allowed_updates"]
    assert polled == ["message", "poll", *ours[1:]]
    hooked = [call.params.get("allowed_updates") for call in shop.telegram.calls("setWebhook")]
    assert hooked == [["poll", *ours], [], None]


async def test_a_slow_handler_of_the_host_does_not_delay_a_checkout(shop: Shop) -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    @shop.dispatcher.message(Command("slow"))
    async def slow(message: Message) -> None:
        entered.set()
        await release.wait()

    deliveries = Deliveries(shop)
    async with shop.polling(handle_as_tasks=True):
        ann = await shop.visitor()
        await ann.says("/slow", to=shop.account)
        await entered.wait()
        await shop.neonpay.send_payment(ann.id, "vip")
        outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await shop.fact("payment_completed")
        release.set()
        await shop.settles()

    assert outcome.status == "paid"
    assert len(deliveries.results) == 1


async def test_two_bots_on_one_dispatcher_keep_their_money_apart(open_shop: Callable[..., Shop]) -> None:
    first = open_shop(username="first_bot")
    second = open_shop(username="second_bot", dispatcher=first.dispatcher)
    to_first, to_second = Deliveries(first), Deliveries(second)
    started = asyncio.Event()

    async def tell() -> None:
        started.set()

    first.dispatcher.startup.register(tell)
    running = asyncio.ensure_future(
        first.dispatcher.start_polling(first.bot, second.bot, handle_signals=False, close_bot_session=False)
    )
    await started.wait()
    ann, bob = await first.visitor("Ann"), await second.visitor("Bob")
    ann_paid, bob_paid = await first.sells(ann), await second.sells(bob)
    await first.fact("payment_completed")
    await second.fact("payment_completed")
    await first.neonpay.program.drain()
    await second.neonpay.program.drain()
    anns = await first.neonpay.payments.history(ann.id), await second.neonpay.payments.history(ann.id)
    await first.dispatcher.stop_polling()
    await running

    assert [r.transaction_id for r in to_first.results] == [ann_paid.charge_id]
    assert [r.transaction_id for r in to_second.results] == [bob_paid.charge_id]
    assert [len(payments) for payments in anns] == [1, 0]


async def test_a_bot_that_comes_back_answers_a_checkout_before_anything_else(open_shop: Callable[..., Shop]) -> None:
    before = open_shop()
    Deliveries(before)
    async with before.polling():
        ann = await before.visitor()
        await before.neonpay.send_payment(ann.id, "vip")
        invoice = await ann.hears(before.account, predicate=lambda m: m.invoice is not None)
    await before.neonpay.close()
    checkout = await ann.begins_to_pay(invoice)

    after = open_shop()
    deliveries = Deliveries(after)
    async with after.polling():
        outcome = await checkout.outcome()
        await after.settles()

    assert outcome.status == "paid"
    assert len(deliveries.results) == 1
