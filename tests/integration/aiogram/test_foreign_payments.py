"""What reaches whom when neonpay is a guest in a bot that has payments of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiogram import Router
from aiogram.types import LabeledPrice, Message, PreCheckoutQuery

from neonpay import PaymentResult, PaymentStage
from tests.integration.conftest import bot_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.simulator import Simulator
    from tests.integration.conftest import Shop


def notes_deliveries(shop: Shop) -> list[PaymentResult]:
    delivered: list[PaymentResult] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result)

    return delivered


def notes_everything(router: Router) -> list[str]:
    """Catch-alls such as a careless host has; what they caught."""
    caught: list[str] = []

    @router.message()
    async def any_message(message: Message) -> None:
        caught.append(message.text or message.content_type)

    @router.pre_checkout_query()
    async def any_query(query: PreCheckoutQuery) -> None:
        caught.append(f"query {query.invoice_payload}")
        await query.answer(ok=True)

    return caught


async def test_the_hosts_own_stars_invoices_reach_the_host(shop: Shop) -> None:
    caught = notes_everything(shop.dispatcher)
    delivered = notes_deliveries(shop)
    async with shop.polling():
        ann = await shop.visitor()
        await shop.bot.send_invoice(ann.id, "Tip", "A tip", "tip-7", "XTR", [LabeledPrice(label="Tip", amount=3)])
        outcome = await ann.pays(await ann.hears(shop.account))
        await shop.settles()
        await shop.bot.refund_star_payment(ann.id, outcome.charge_id or "")
        await shop.settles()
        assert await shop.neonpay.payments.history(ann.id) == []

    assert outcome.status == "paid"
    assert caught == ["/start", "query tip-7", "successful_payment", "refunded_payment"]
    assert delivered == []
    assert shop.facts == []


@pytest.mark.parametrize("says_so", [False, True])
async def test_card_payments_of_the_host_reach_the_host_whatever_it_says_of_stars(
    open_shop: Callable[..., Shop], says_so: bool
) -> None:
    shop = open_shop(all_invoices_are_ours=says_so)
    caught = notes_everything(shop.dispatcher)
    delivered = notes_deliveries(shop)
    async with shop.polling():
        ann = await shop.visitor()
        mug = [LabeledPrice(label="Mug", amount=1000), LabeledPrice(label="Post", amount=450)]
        await shop.bot.send_invoice(ann.id, "Mug", "A mug", "mug-7", "USD", mug, provider_token="1:TEST:2")
        outcome = await ann.pays(await ann.hears(shop.account))
        await shop.settles()
        report = await shop.neonpay.books.reconcile()
        payments = await shop.neonpay.payments.list()

    assert (outcome.status, outcome.amount, outcome.currency) == ("paid", 1450, "USD")
    assert caught == ["/start", "query mug-7", "successful_payment"]
    assert (payments, delivered, shop.facts) == ([], [], [])
    assert (report.checked, report.foreign, report.needs_attention) == (0, 0, 0)
    assert shop.telegram.balance(shop.account) == 0


async def test_an_unknown_bot_on_the_dispatcher_is_left_alone(
    open_shop: Callable[..., Shop], telegram: Simulator
) -> None:
    shop = open_shop()
    caught = notes_everything(shop.dispatcher)
    other = telegram.bot("other_bot")
    other_bot = bot_of(telegram, other)
    polling = asyncio.ensure_future(
        shop.dispatcher.start_polling(shop.bot, other_bot, handle_signals=False, close_bot_session=False)
    )
    ann = telegram.user("Ann", stars=50)
    await ann.says("/start", to=other)
    await shop.neonpay.setup()
    payload = (await shop.neonpay.create_payment_link("vip")).payload
    await other_bot.send_invoice(ann.id, "VIP", "A month", payload, "XTR", [LabeledPrice(label="VIP", amount=50)])
    await ann.pays(await ann.hears(other))
    await telegram.idle(other)
    await telegram.until(lambda: "successful_payment" in caught or None)
    await shop.dispatcher.stop_polling()
    await polling
    await other_bot.session.close()

    assert caught == ["/start", f"query {payload}", "successful_payment"]
    assert [fact.name for fact in shop.facts] == ["invoice_created"]


async def test_a_host_handler_that_raises_changes_nothing_for_payments(shop: Shop) -> None:
    @shop.dispatcher.message()
    async def fail(message: Message) -> None:
        raise RuntimeError("the host's own bug")

    delivered = notes_deliveries(shop)
    async with shop.polling():
        await shop.sells(await shop.visitor())

    assert len(delivered) == 1


async def test_an_update_fed_without_start_up_opens_the_ledger_by_itself(shop: Shop) -> None:
    delivered = notes_deliveries(shop)
    invoice = await shop.neonpay.create_payment_link("vip")
    await shop.neonpay.close()
    ann = shop.telegram.user("Ann", stars=50)
    checkout = await ann.begins_to_pay(invoice.link or "")
    (query,) = shop.telegram.updates(shop.account)
    await shop.dispatcher.feed_raw_update(shop.bot, query.body)
    outcome = await checkout.outcome()
    paid = shop.telegram.updates(shop.account)[-1]
    await shop.dispatcher.feed_raw_update(shop.bot, paid.body)
    await shop.neonpay.program.drain()

    assert [result.transaction_id for result in delivered] == [outcome.charge_id]


async def test_a_stage_made_after_the_start_can_be_sold(shop: Shop) -> None:
    delivered = notes_deliveries(shop)
    async with shop.polling():
        shop.neonpay.create_payment_stage("late", PaymentStage(title="Late", description="Late", price=1))
        await shop.sells(await shop.visitor(), "late")

    assert [result.stage_id for result in delivered] == ["late"]
