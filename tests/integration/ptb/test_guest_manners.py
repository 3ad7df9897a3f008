"""A host bot notices nothing of us but that its payments are taken care of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from telegram import LabeledPrice, Update
from telegram.ext import (
    ApplicationHandlerStop,
    CommandHandler,
    ConversationHandler,
    MessageHandler,
    PreCheckoutQueryHandler,
    TypeHandler,
    filters,
)

from neonpay.core.events import Event
from tests.integration.ptb.conftest import AnyApplication, PtbShop


def notes_everything(application: AnyApplication, *, group: int = 0) -> list[str]:
    """Catch-alls such as a careless host has; what they caught."""
    caught: list[str] = []

    async def any_message(update: Update, _: Any) -> None:
        message = update.message
        assert message is not None
        if message.successful_payment is not None:
            caught.append(f"paid {message.successful_payment.invoice_payload}")
        elif message.refunded_payment is not None:
            caught.append(f"refunded {message.refunded_payment.invoice_payload}")
        else:
            caught.append(str(message.text))

    async def any_query(update: Update, _: Any) -> None:
        assert update.pre_checkout_query is not None
        caught.append(f"query {update.pre_checkout_query.invoice_payload}")
        await update.pre_checkout_query.answer(ok=True)

    application.add_handler(MessageHandler(filters.ALL, any_message), group=group)
    application.add_handler(PreCheckoutQueryHandler(any_query), group=group)
    return caught


async def test_catch_alls_of_the_host_neither_take_a_payment_nor_see_one(shop: PtbShop) -> None:
    caught = notes_everything(shop.application)
    shop.sells_through(shop.application)
    caught_first = notes_everything(shop.application, group=-(2**40))
    async with shop.polling():
        outcome = await shop.sells(await shop.visitor())
        await shop.neonpay.refund(outcome.charge_id or "")
        await shop.settles()

    assert len(shop.delivered) == 1
    assert caught == caught_first == ["/start"]


async def test_invoices_of_the_host_reach_the_host_and_leave_no_trace_with_us(shop: PtbShop) -> None:
    caught = notes_everything(shop.application)
    neonpay = shop.sells_through(shop.application)
    async with shop.polling():
        ann = await shop.visitor()
        bot = shop.application.bot
        await bot.send_invoice(
            ann.id, "Tip", "A tip", "tip-7", currency="XTR", prices=[LabeledPrice("Tip", 3)], provider_token=""
        )
        outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await shop.settles()
        await bot.refund_star_payment(ann.id, outcome.charge_id or "")
        await shop.settles()
        history = await neonpay.payments.history(ann.id)

    assert caught == ["/start", "query tip-7", "paid tip-7", "refunded tip-7"]
    assert (outcome.status, history, shop.delivered) == ("paid", [], [])


async def test_card_payments_of_the_host_reach_the_host_and_leave_no_trace_with_us(shop: PtbShop) -> None:
    caught = notes_everything(shop.application)
    neonpay = shop.sells_through(shop.application)
    async with shop.polling():
        ann = await shop.visitor()
        mug = [LabeledPrice("Mug", 1000), LabeledPrice("Post", 450)]
        await shop.application.bot.send_invoice(
            ann.id, "Mug", "A mug", "mug-7", currency="USD", prices=mug, provider_token="1:TEST:2"
        )
        outcome = await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await shop.settles()
        payments = await neonpay.payments.list()

    assert caught == ["/start", "query mug-7", "paid mug-7"]
    assert (outcome.status, outcome.currency, payments, shop.delivered) == ("paid", "USD", [], [])


async def test_a_conversation_goes_on_around_a_payment(shop: PtbShop) -> None:
    names: list[str] = []

    async def ask(_update: Update, _: Any) -> int:
        return 1

    async def learn(update: Update, _: Any) -> int:
        assert update.message is not None
        names.append(str(update.message.text))
        return int(ConversationHandler.END)

    shop.application.add_handler(
        ConversationHandler([CommandHandler("name", ask)], {1: [MessageHandler(filters.ALL, learn)]}, [])
    )
    shop.sells_through(shop.application)
    async with shop.polling():
        ann = await shop.visitor()
        await ann.says("/name", to=shop.account)
        await shop.settles()
        await shop.sells(ann)
        await ann.says("Анна", to=shop.account)
        await shop.settles()

    assert len(shop.delivered) == 1
    assert names == ["Анна"]


async def test_a_gate_before_everything_does_not_stop_a_payment(shop: PtbShop) -> None:
    stopped: list[Update] = []

    async def maintenance(update: Update, _: Any) -> None:
        stopped.append(update)
        raise ApplicationHandlerStop

    shop.application.add_handler(TypeHandler(Update, maintenance), group=-100)
    shop.sells_through(shop.application)
    async with shop.polling():
        await shop.sells(await shop.visitor())

    assert len(shop.delivered) == 1
    assert [update.message and update.message.text for update in stopped] == ["/start"]


async def test_error_handlers_see_the_errors_of_the_host_and_none_of_ours(shop: PtbShop) -> None:
    seen: list[object] = []

    async def note(_update: object, context: Any) -> None:
        seen.append(context.error)

    async def stumble(_update: Update, _: Any) -> None:
        raise ZeroDivisionError

    shop.application.add_handler(MessageHandler(filters.ALL, stumble))
    shop.application.add_error_handler(note)
    neonpay = shop.sells_through(shop.application)

    @neonpay.on("payment_completed")
    async def broken(_event: Event) -> None:
        raise LookupError

    async with shop.polling():
        await shop.sells(await shop.visitor())
        await shop.settles()

    assert [type(error) for error in seen] == [ZeroDivisionError]


@pytest.mark.parametrize("concurrent", [False, True], ids=["one by one", "concurrent"])
async def test_a_slow_handler_of_the_host_delays_neither_a_checkout_nor_a_delivery(
    open_shop: Callable[..., PtbShop], *, concurrent: bool
) -> None:
    shop = open_shop(build=lambda builder: builder.concurrent_updates(concurrent))
    entered, release, left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(_update: Update, _: Any) -> None:
        entered.set()
        await release.wait()
        left.set()

    shop.application.add_handler(MessageHandler(filters.ALL, slow))
    shop.sells_through(shop.application)
    async with shop.polling():
        ann = await shop.visitor()
        await entered.wait()
        outcome = await shop.sells(ann)
        assert not left.is_set()
        release.set()

    assert outcome.status == "paid"
    assert left.is_set()


@pytest.mark.parametrize("given", ["application", "bot"])
@pytest.mark.parametrize("when", ["before", "after", "while running"])
async def test_it_does_not_matter_when_neonpay_comes(shop: PtbShop, when: str, given: str) -> None:
    application = shop.application

    def attach() -> None:
        if given == "application":
            shop.sells_through(application)
        else:
            shop.sells_through(application.bot, application=application)

    if when == "before":
        attach()
    caught = notes_everything(application)
    if when == "after":
        attach()
    async with shop.polling():
        ann = await shop.visitor()
        await shop.telegram.idle(shop.account)
        if when == "while running":
            attach()
        await shop.sells(ann)
        await shop.settles()

    assert len(shop.delivered) == 1
    assert caught == ["/start"]


async def test_what_stood_in_line_before_neonpay_came_is_taken_out_of_it(open_shop: Callable[..., PtbShop]) -> None:
    before, after = open_shop(), open_shop()
    async with before.polling():
        ann = await before.visitor()
        invoice = await before.invoices(ann)
        await before.settles()
    await before.aclose()
    entered, release = asyncio.Event(), asyncio.Event()

    async def slow(_update: Update, _: Any) -> None:
        entered.set()
        await release.wait()

    after.application.add_handler(MessageHandler(filters.TEXT, slow))
    caught = notes_everything(after.application, group=1)
    async with after.polling():
        await ann.says("be slow", to=after.account)
        await entered.wait()
        checkout = await ann.begins_to_pay(invoice)
        await after.telegram.idle(after.account)
        after.sells_through(after.application)
        release.set()
        outcome = await checkout.outcome()
        await after.has_delivered(outcome.charge_id)

    assert outcome.status == "paid"
    assert caught == ["be slow"]


@pytest.mark.parametrize("in_a_thread", [False, True])
async def test_an_update_that_is_put_in_line_without_waiting_waits_for_no_handler(
    shop: PtbShop, *, in_a_thread: bool
) -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def slow(_update: Update, _: Any) -> None:
        entered.set()
        await release.wait()

    shop.application.add_handler(MessageHandler(filters.TEXT, slow))
    caught = notes_everything(shop.application, group=1)
    shop.sells_through(shop.application)
    put = shop.application.update_queue.put_nowait
    ann = await shop.visitor()
    start = shop.telegram.updates(shop.account)[-1]
    checkout = await ann.begins_to_pay(await shop.invoices(ann))
    ask = shop.telegram.updates(shop.account)[-1]
    bot = shop.application.bot
    if in_a_thread:  # where there is no loop, as in a program that fills the queue before it starts one
        await asyncio.to_thread(put, Update.de_json(ask.body, bot))
    async with shop.started():
        put(Update.de_json(start.body, bot))
        if not in_a_thread:
            await entered.wait()
            put(Update.de_json(ask.body, bot))
        outcome = await checkout.outcome()
        release.set()

    assert outcome.status == "paid"
    assert caught == ["/start"]


async def test_two_applications_in_one_process_keep_their_money_apart(open_shop: Callable[..., PtbShop]) -> None:
    first, second = open_shop(username="first_bot"), open_shop(username="second_bot")
    first.sells_through(first.application)
    second.sells_through(second.application)
    async with first.polling(), second.polling():
        ann, bob = await first.visitor("Ann"), await second.visitor("Bob")
        paid = [await first.sells(ann), await second.sells(bob)]
        anns = [await first.neonpay.payments.history(ann.id), await second.neonpay.payments.history(ann.id)]

    assert [r.transaction_id for s in (first, second) for r in s.delivered] == [p.charge_id for p in paid]
    assert [len(payments) for payments in anns] == [1, 0]


async def test_an_update_of_a_kind_nobody_knows_passes(shop: PtbShop) -> None:
    seen: list[Any] = []

    async def note(update: Update, _: Any) -> None:
        seen.append(update.api_kwargs)

    shop.application.add_handler(TypeHandler(Update, note))
    shop.sells_through(shop.application)
    bot = shop.application.bot
    subscription = {
        "user": {"id": 7, "is_bot": False, "first_name": "Ann"},
        "invoice_payload": "x",
        "state": "canceled",
    }
    async with shop.started():
        for kind in ({"brand_new_kind": {"id": 1}}, {"subscription": subscription}):
            await shop.application.process_update(Update.de_json({"update_id": 1, **kind}, bot))

    assert [list(extra) for extra in seen] == [["brand_new_kind"], ["subscription"]]


async def test_a_narrow_choice_of_updates_is_widened_by_those_that_carry_money(shop: PtbShop) -> None:
    shop.sells_through(shop.application)
    async with shop.polling(allowed_updates=["message"]):
        await shop.sells(await shop.visitor())
        await shop.telegram.called("getUpdates")
    asked = shop.telegram.calls("getUpdates")[0].params["allowed_updates"]

    assert isinstance(asked, list)
    assert set(asked) == {"message", "pre_checkout_query", "subscription", "purchased_paid_media"}


async def test_a_host_that_chooses_no_updates_chooses_none(shop: PtbShop) -> None:
    shop.sells_through(shop.application)
    async with shop.polling():
        await shop.visitor()
        await shop.telegram.called("getUpdates")

    assert "allowed_updates" not in shop.telegram.calls("getUpdates")[0].params
