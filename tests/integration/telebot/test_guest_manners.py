"""A TeleBot's own handlers, conversations, middlewares and threads neither lose a payment nor see one."""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import TYPE_CHECKING, Any

import pytest
from telebot import TeleBot, types
from telebot.async_telebot import AsyncTeleBot
from telebot.handler_backends import BaseMiddleware, CancelUpdate

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator import Buyer
    from tests.integration.telebot.conftest import Shop


def takes_everything(shop: Shop) -> None:
    """Without content_types the handler takes every message there is."""
    shop.bot.register_message_handler(lambda message: shop.seen.add(message.text or message.content_type or "?"))
    shop.bot.register_pre_checkout_query_handler(lambda query: shop.seen.add("checkout"), func=lambda _: True)


@pytest.mark.parametrize("attached", ["before the handlers", "after the handlers", "while it polls"])
async def test_handlers_that_take_everything_get_nothing_of_ours_whenever_we_came(
    new_shop: Callable[..., Shop], attached: str
) -> None:
    shop = new_shop()
    if attached == "before the handlers":
        shop.opens()
    takes_everything(shop)
    if attached == "after the handlers":
        shop.opens()
    async with shop.polling():
        if attached == "while it polls":
            shop.opens()
        ann = await shop.visitor()
        await shop.seen.has(lambda word: word == "/start")
        outcome = await shop.sells(ann)
        await shop.neonpay.refund(outcome.charge_id or "")
        await ann.says("bye", to=shop.account)
        await shop.seen.has(lambda word: word == "bye")

    assert shop.seen.all == ["/start", "bye"]


async def test_a_question_of_the_host_is_not_answered_by_a_payment(shop: Shop) -> None:
    async with shop.polling():
        ann = await shop.visitor()
        await shop.telegram.idle(shop.account)
        shop.bot.register_next_step_handler_by_chat_id(ann.id, lambda message: shop.seen.add(f"name {message.text}"))
        await shop.sells(ann)
        await ann.says("Anna", to=shop.account)
        await shop.seen.has()

    assert shop.seen.all[-1] == "name Anna"


async def test_busy_worker_threads_delay_no_checkout(new_shop: Callable[..., Shop]) -> None:
    shop, released = new_shop(num_threads=2), threading.Event()

    @shop.bot.message_handler(commands=["slow"])
    def slow(message: types.Message) -> None:
        shop.seen.add("slow")
        released.wait()

    shop.opens()
    async with shop.polling():
        ann = await shop.visitor()
        for _ in range(4):
            await ann.says("/slow", to=shop.account)
        await shop.seen.has(count=2)
        outcome = await shop.sells(ann)
        released.set()
        await shop.seen.has(count=4)

    assert outcome.status == "paid"


async def test_a_bot_without_worker_threads_sells(new_shop: Callable[..., Shop]) -> None:
    shop = new_shop(threaded=False)
    takes_everything(shop)
    shop.opens()
    async with shop.polling():
        await shop.sells(await shop.visitor())
        await shop.seen.has(lambda word: word == "/start")

    assert shop.seen.all == ["/start"]


async def test_a_middleware_that_cancels_everything_cancels_no_payment(new_shop: Callable[..., Shop]) -> None:
    shop = new_shop(use_class_middlewares=True)

    class Gate(BaseMiddleware):
        def __init__(self) -> None:
            super().__init__()
            self.update_types = ["message", "pre_checkout_query"]

        def pre_process(self, message: types.Message, data: dict[str, Any]) -> CancelUpdate:
            shop.seen.add(f"gate {message.text}")
            return CancelUpdate()

        def post_process(
            self, message: types.Message, data: dict[str, Any], exception: BaseException | None
        ) -> None: ...

    shop.bot.setup_middleware(Gate())
    takes_everything(shop)
    shop.opens()
    async with shop.polling():
        await shop.sells(await shop.visitor())
        await shop.seen.has()

    assert shop.seen.all == ["gate /start"]


async def test_invoices_of_the_hosts_own_are_the_hosts_from_checkout_to_refund(shop: Shop) -> None:
    def noted(message: types.Message) -> None:
        moved = message.successful_payment or message.json.get("refunded_payment")
        if moved is not None:
            shop.seen.add("paid" if message.successful_payment else f"back {moved['invoice_payload']}")

    def approve(query: types.PreCheckoutQuery) -> None:
        shop.seen.add(f"checkout {query.invoice_payload}")
        shop.bot.answer_pre_checkout_query(query.id, ok=True)

    shop.bot.register_message_handler(noted)
    shop.bot.register_pre_checkout_query_handler(approve, func=lambda _: True)
    async with shop.polling():
        ann = await shop.visitor()
        outcome = await ann.pays(await _own_invoice(shop, ann))
        await shop.seen.has(lambda word: word == "paid")
        charge: dict[str, Any] = {"user_id": ann.id, "telegram_payment_charge_id": outcome.charge_id}
        await shop.neonpay.call("refundStarPayment", charge)
        await shop.seen.has(lambda word: word.startswith("back"))
        payments = await shop.neonpay.payments.list()

    assert shop.seen.all == ["checkout order-17", "paid", "back order-17"]
    assert payments == []


async def test_card_payments_of_the_host_reach_the_host_and_leave_no_trace_with_us(shop: Shop) -> None:
    def approve(query: types.PreCheckoutQuery) -> None:
        shop.seen.add(f"checkout {query.total_amount} {query.currency}")
        shop.bot.answer_pre_checkout_query(query.id, ok=True)

    takes_payments = functools.partial(shop.bot.register_message_handler, content_types=["successful_payment"])
    takes_payments(lambda message: shop.seen.add(f"paid {message.successful_payment.currency}"))
    shop.bot.register_pre_checkout_query_handler(approve, func=lambda _: True)
    async with shop.polling():
        ann = await shop.visitor()
        prices = [{"label": "Mug", "amount": 1000}, {"label": "Post", "amount": 450}]
        card = {"currency": "USD", "provider_token": "1:TEST:2", "prices": prices}
        outcome = await ann.pays(await _own_invoice(shop, ann, **card))
        await shop.seen.has(lambda word: word == "paid USD")
        payments = await shop.neonpay.payments.list()

    assert (outcome.status, shop.seen.all) == ("paid", ["checkout 1450 USD", "paid USD"])
    assert payments == []


async def test_a_poll_for_some_kinds_of_updates_asks_for_payments_too(shop: Shop) -> None:
    async with shop.polling(allowed_updates=["message", "poll"]):
        await shop.sells(await shop.visitor())
    asked = shop.telegram.calls("getUpdates")[0].params["allowed_updates"]

    assert asked == ["message", "poll", "pre_checkout_query", "subscription"]


@pytest.mark.parametrize("kind", [TeleBot, AsyncTeleBot])
async def test_a_webhook_for_some_kinds_of_updates_gets_payments_too(new_shop: Callable[..., Shop], kind: type) -> None:
    shop = new_shop(kind)
    shop.opens()
    for kinds in (["message"], [], None):
        setting = functools.partial(shop.bot.set_webhook, "https://shop.example/hook", allowed_updates=kinds)
        assert await (asyncio.to_thread(setting) if kind is TeleBot else setting())
    asked = [call.params.get("allowed_updates") for call in shop.telegram.calls("setWebhook")]

    assert asked == [["message", "pre_checkout_query", "subscription"], [], None]


async def test_a_bot_with_threads_and_one_with_a_loop_sell_in_one_process(new_shop: Callable[..., Shop]) -> None:
    shops = [new_shop(username="first_bot"), new_shop(AsyncTeleBot, username="second_bot")]
    for shop in shops:
        shop.opens()
    async with shops[0].polling(), shops[1].polling():
        outcomes = [await shop.sells(await shop.visitor()) for shop in shops]
        payments = [await shop.neonpay.payments.list() for shop in shops]

    assert [[found.charge_id for found in of_one] for of_one in payments] == [[o.charge_id] for o in outcomes]


async def _own_invoice(shop: Shop, buyer: Buyer, **instead: Any) -> Any:
    await shop.neonpay.call(
        "sendInvoice",
        {
            "chat_id": buyer.id,
            "title": "Coffee",
            "description": "One cup",
            "payload": "order-17",
            "currency": "XTR",
            "prices": [{"label": "Coffee", "amount": 3}],
            **instead,
        },
    )
    return await buyer.hears(shop.account, predicate=lambda message: message.invoice is not None)
