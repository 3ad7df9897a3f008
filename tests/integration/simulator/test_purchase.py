"""A payment from the invoice to the moved Stars, with aiogram as the bot's library."""

from __future__ import annotations

import asyncio

import pytest
from aiogram import Dispatcher, F
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import LabeledPrice

from neonpay.errors import SimulatorError, SimulatorTimeoutError

PRICES = [LabeledPrice(label="Book", amount=5)]


async def send_invoice(bot, ann, **more):
    return await bot.send_invoice(
        ann.id, title="A book", description="About Stars", payload="order-1", currency="XTR", prices=PRICES, **more
    )


async def query_of(bot):
    updates = await bot.get_updates(timeout=0, allowed_updates=[])
    return [update.pre_checkout_query for update in updates if update.pre_checkout_query][-1]


async def test_an_aiogram_bot_sells_over_polling(telegram, shop, bot):
    dispatcher = Dispatcher()

    @dispatcher.message(F.text == "/start book")
    async def start(message):
        await message.answer_invoice(
            title="A book", description="About Stars", payload="order-1", currency="XTR", prices=PRICES
        )

    @dispatcher.pre_checkout_query()
    async def approve(query):
        await query.answer(ok=True)

    @dispatcher.message(F.successful_payment)
    async def deliver(message):
        await message.answer(f"Here is {message.successful_payment.invoice_payload}")

    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False))
    buyer = telegram.user("Ann", stars=500)
    await buyer.says("/start book", to=shop)
    outcome = await buyer.pays(await buyer.hears(shop))
    assert outcome.status == "paid"
    assert (await buyer.hears(shop)).text == "Here is order-1"
    assert (buyer.stars, telegram.balance(shop)) == (495, 5)
    await telegram.idle(shop)
    await dispatcher.stop_polling()
    await polling


async def test_a_payment_gives_charge_service_message_and_transaction_with_one_id(telegram, shop, bot, ann):
    checkout = await ann.begins_to_pay(await send_invoice(bot, ann))
    query = await query_of(bot)
    assert (query.from_user.id, query.total_amount, query.currency) == (ann.id, 5, "XTR")
    assert query.invoice_payload == "order-1"
    assert await query.answer(ok=True).as_(bot) is True
    outcome = await checkout.outcome()
    paid = telegram.updates(shop)[-1].payload["successful_payment"]
    assert paid["telegram_payment_charge_id"] == outcome.charge_id
    assert [row.id for row in (await bot.get_star_transactions()).transactions] == [outcome.charge_id]
    assert len(outcome.charge_id) > 128
    assert outcome.charge_id.startswith("stx")
    assert outcome.query_id == query.id
    assert ann.messages(shop)[-1].successful_payment.total_amount == 5


async def test_a_declined_buyer_sees_the_bots_words_and_keeps_the_stars(telegram, shop, bot, ann):
    checkout = await ann.begins_to_pay(await send_invoice(bot, ann))
    await (await query_of(bot)).answer(ok=False, error_message="Sold out").as_(bot)
    outcome = await checkout.outcome()
    assert (outcome.status, outcome.reason, outcome.charge_id) == ("declined", "Sold out", None)
    assert (ann.stars, telegram.balance(shop), telegram.payments(shop)) == (500, 0, [])


async def test_declining_needs_words(bot, ann):
    await ann.begins_to_pay(await send_invoice(bot, ann))
    query = await query_of(bot)
    with pytest.raises(TelegramBadRequest, match='parameter "error_message" is required'):
        await query.answer(ok=False).as_(bot)
    assert await query.answer(ok=True).as_(bot) is True


async def test_ten_seconds_without_an_answer_end_the_payment(telegram, shop, bot, ann):
    checkout = await ann.begins_to_pay(await send_invoice(bot, ann))
    query = await query_of(bot)
    await telegram.advance(9.9)
    assert checkout.result is None
    await telegram.advance(0.1)
    outcome = await checkout.outcome()
    assert (outcome.status, outcome.reason) == ("timed_out", "BOT_PRECHECKOUT_TIMEOUT")
    with pytest.raises(
        TelegramBadRequest, match="query is too old and response timeout expired or query ID is invalid"
    ):
        await query.answer(ok=True).as_(bot)
    assert (ann.stars, telegram.payments(shop)) == (500, [])


async def test_a_bot_that_was_down_gets_a_stale_query_for_150_seconds(telegram, bot, ann):
    await ann.begins_to_pay(await send_invoice(bot, ann))
    await telegram.advance(149)
    query = await query_of(bot)
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await query.answer(ok=True).as_(bot)


async def test_an_undelivered_query_is_gone_after_150_seconds_and_a_message_is_not(telegram, shop, bot, ann):
    await ann.begins_to_pay(await send_invoice(bot, ann))
    await telegram.advance(150)
    assert [update.message.text for update in await bot.get_updates(timeout=0)] == ["/start"]
    assert [update.state for update in telegram.updates(shop)] == ["pending", "expired"]
    await telegram.advance(86_400 - 150)
    assert await bot.get_updates(timeout=0) == []


async def test_a_query_can_be_answered_once(bot, ann):
    await ann.begins_to_pay(await send_invoice(bot, ann))
    query = await query_of(bot)
    await query.answer(ok=True).as_(bot)
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await query.answer(ok=True).as_(bot)


async def test_another_bot_cannot_answer_the_query(telegram, bot, ann, wire):
    checkout = await ann.begins_to_pay(await send_invoice(bot, ann))
    other = telegram.bot("other_bot")
    wire.root = f"{telegram.base_url}/bot{other.token}"
    reply = await wire("answerPreCheckoutQuery", pre_checkout_query_id=checkout.query_id, ok=True)
    assert reply.description.startswith("Bad Request: query is too old")
    assert checkout.result is None


async def test_too_little_balance_is_told_before_the_bot_is_asked(telegram, shop, bot, ann):
    poor = telegram.user("Poor", stars=4)
    await poor.says("hi", to=shop)
    outcome = await poor.pays(await send_invoice(bot, poor))
    assert (outcome.status, outcome.reason, outcome.query_id) == ("balance_too_low", "BALANCE_TOO_LOW", None)
    assert "pre_checkout_query" not in [update.kind for update in telegram.updates(shop)]


async def test_stars_spent_while_the_bot_thinks_are_not_spent_twice(telegram, shop, bot):
    buyer = telegram.user("Ann", stars=5)
    await buyer.says("/start", to=shop)
    message = await send_invoice(bot, buyer)
    first, second = await buyer.begins_to_pay(message), await buyer.begins_to_pay(message)
    for checkout in (first, second):
        await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
    assert (await first.outcome()).status == "paid"
    assert (await second.outcome()).status == "balance_too_low"
    assert (buyer.stars, telegram.balance(shop)) == (0, 5)


async def test_one_invoice_is_paid_many_times_by_many_people(telegram, shop, bot, ann):
    message = await send_invoice(bot, ann)
    bob = telegram.user("Bob", stars=100)
    copy = await bob.receives(message)
    for buyer, seen in ((ann, message), (bob, copy), (ann, message)):
        checkout = await buyer.begins_to_pay(seen)
        await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
        assert (await checkout.outcome()).status == "paid"
    assert [payment.user_id for payment in telegram.payments(shop)] == [ann.id, bob.id, ann.id]
    assert len({payment.charge_id for payment in telegram.payments(shop)}) == 3
    assert (ann.stars, bob.stars, telegram.balance(shop)) == (490, 95, 15)


async def test_a_person_pays_only_what_they_see(telegram, bot, ann):
    bob = telegram.user("Bob", stars=100)
    with pytest.raises(SimulatorError, match="receives"):
        await bob.pays(await send_invoice(bot, ann))


async def test_a_forwarded_copy_with_a_start_parameter_leads_to_the_bot_instead(telegram, shop, bot, ann):
    bob = telegram.user("Bob", stars=100)
    copy = await bob.receives(await send_invoice(bot, ann, start_parameter="book"))
    with pytest.raises(SimulatorError, match="no invoice"):
        await bob.pays(copy)
    await bob.presses("Pay", on=copy)
    assert telegram.updates(shop)[-1].payload["text"] == "/start book"


async def test_protected_messages_are_not_forwarded(telegram, bot, ann):
    message = await send_invoice(bot, ann, protect_content=True)
    assert message.has_protected_content is True
    with pytest.raises(SimulatorError, match="protected"):
        await telegram.user("Bob").receives(message)


async def test_a_link_is_paid_by_somebody_who_never_met_the_bot(telegram, shop, bot):
    link = await bot.create_invoice_link(
        title="A book", description="About Stars", payload="order-1", currency="XTR", prices=PRICES
    )
    stranger = telegram.user("Stranger", stars=10)
    form = await stranger.opens(link)
    assert (form.title, form.amount_stars) == ("A book", 5)
    checkout = await stranger.begins_to_pay(form)
    await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
    assert (await checkout.outcome()).status == "paid"
    assert (await bot.send_message(stranger.id, "Thank you")).text == "Thank you"


async def test_a_form_is_good_for_ten_minutes(telegram, shop, bot, ann):
    form = await ann.opens(await send_invoice(bot, ann))
    await telegram.advance(601)
    outcome = await ann.pays(form)
    assert (outcome.status, outcome.reason) == ("form_expired", "FORM_EXPIRED")


async def test_waiting_for_an_answer_that_never_comes_says_what_to_do(bot, ann):
    message = await send_invoice(bot, ann)
    with pytest.raises(SimulatorTimeoutError, match=r"advance\(10\)"):
        await ann.pays(message, timeout_s=0.01)


async def test_a_deleted_invoice_cannot_be_paid(bot, ann):
    message = await send_invoice(bot, ann)
    await bot.delete_message(ann.id, message.message_id)
    with pytest.raises(SimulatorError, match="does not see"):
        await ann.pays(message)
