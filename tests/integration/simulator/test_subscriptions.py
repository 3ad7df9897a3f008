"""Subscriptions by link: sold, renewed, cancelled, failed and ended, with aiogram as the bot's library."""

from __future__ import annotations

import asyncio

import pytest
from aiogram import Dispatcher, F
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import LabeledPrice
from aiohttp import web
from aiohttp.test_utils import TestServer

from neonpay.errors import SimulatorError
from neonpay.simulator import Simulator
from tests.integration.simulator.conftest import Wire

DAY_S = 86_400
MONTH_S = 30 * DAY_S


async def link_to(bot, *, payload="club", amount=100, period_s=MONTH_S):
    return await bot.create_invoice_link(
        title="Club",
        description="A month in the club",
        payload=payload,
        currency="XTR",
        prices=[LabeledPrice(label="Month", amount=amount)],
        subscription_period=period_s,
    )


async def subscribe(bot, buyer, link):
    checkout = await buyer.begins_to_pay(link)
    await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
    outcome = await checkout.outcome()
    assert outcome.status == "paid"
    return outcome.charge_id


async def news(bot):
    """Updates since the last look, and none of them a second time."""
    updates = await bot.get_updates(timeout=0)
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1, timeout=0)
    return updates


async def payments_in(bot):
    messages = [update.message for update in await news(bot) if update.message]
    return [message.successful_payment for message in messages if message.successful_payment]


async def states_in(bot):
    return [update.subscription.state for update in await news(bot) if update.subscription]


async def test_the_first_payment_says_that_it_is_the_first_and_when_it_ends(telegram, shop, bot, ann):
    charge_id = await subscribe(bot, ann, await link_to(bot))
    (paid,) = await payments_in(bot)
    assert (paid.is_recurring, paid.is_first_recurring) == (True, True)
    assert paid.subscription_expiration_date == int(telegram.clock.now()) + MONTH_S
    assert (paid.telegram_payment_charge_id, paid.total_amount, paid.invoice_payload) == (charge_id, 100, "club")
    assert (ann.stars, telegram.balance(shop)) == (400, 100)
    (subscription,) = ann.subscriptions(shop)
    assert (subscription.state, subscription.charge_id, subscription.period_s) == ("active", charge_id, MONTH_S)
    assert [one.charge_id for one in telegram.subscriptions(shop)] == [charge_id]


async def test_a_single_payment_says_nothing_of_subscriptions(bot, ann, wire):
    link = await bot.create_invoice_link(
        title="x", description="x", payload="p", currency="XTR", prices=[LabeledPrice(label="x", amount=1)]
    )
    await subscribe(bot, ann, link)
    updates = (await wire("getUpdates")).result
    (paid,) = [m["successful_payment"] for u in updates if "successful_payment" in (m := u.get("message", {}))]
    assert not {"is_recurring", "is_first_recurring", "subscription_expiration_date"} & set(paid)


async def test_a_renewal_is_a_new_charge_and_asks_nobody(telegram, shop, bot, ann):
    first = await subscribe(bot, ann, await link_to(bot))
    begun = int(telegram.clock.now())
    await news(bot)
    await telegram.advance(MONTH_S - 1)
    assert await news(bot) == []
    await telegram.advance(1)
    (update,) = await news(bot)
    paid = update.message.successful_payment
    assert (paid.is_recurring, paid.is_first_recurring) == (True, None)
    assert paid.subscription_expiration_date == begun + 2 * MONTH_S
    assert paid.telegram_payment_charge_id != first
    assert (update.message.chat.id, update.message.from_user.id) == (ann.id, ann.id)
    assert (ann.stars, telegram.balance(shop)) == (300, 200)
    assert telegram.subscriptions(shop)[0].charge_ids == [first, paid.telegram_payment_charge_id]


async def test_half_a_year_passes_at_once_and_renews_each_month(telegram, shop, bot, ann):
    await subscribe(bot, ann, await link_to(bot, amount=50))
    begun = telegram.clock.moment()
    await telegram.advance(6 * MONTH_S)
    renewals = telegram.payments(shop)[1:]
    assert [(paid.paid_at - begun).days for paid in renewals] == [30, 60, 90, 120, 150, 180]
    assert len({paid.charge_id for paid in telegram.payments(shop)}) == 7


async def test_transactions_of_subscriptions_name_the_period(telegram, bot, ann):
    await subscribe(bot, ann, await link_to(bot))
    await telegram.advance(MONTH_S)
    rows = (await bot.get_star_transactions()).transactions
    assert [row.source.subscription_period.total_seconds() if hasattr(row.source.subscription_period, "total_seconds")
            else row.source.subscription_period for row in rows] == [MONTH_S, MONTH_S]  # fmt: skip
    assert {row.source.invoice_payload for row in rows} == {"club"}


async def test_too_few_stars_fail_the_renewal_and_a_top_up_makes_up_for_it(telegram, shop, bot, ann):
    await subscribe(bot, ann, await link_to(bot, amount=300))
    await telegram.advance(MONTH_S)
    updates = await news(bot)
    assert [update.subscription.state for update in updates if update.subscription] == ["failed"]
    told = updates[-1].subscription
    assert (told.user.id, told.invoice_payload) == (ann.id, "club")
    assert (ann.stars, ann.subscriptions(shop)[0].state) == (200, "failed")

    await telegram.advance(2 * DAY_S)
    assert await news(bot) == []
    ann.gets_stars(99)
    assert await news(bot) == []
    ann.gets_stars(1)
    (paid,) = await payments_in(bot)
    assert (paid.is_recurring, paid.is_first_recurring) == (True, None)
    assert paid.subscription_expiration_date == int(telegram.clock.now()) + MONTH_S
    assert (ann.stars, ann.subscriptions(shop)[0].state) == (0, "active")


async def test_a_cancelled_subscription_runs_out_without_a_word(telegram, shop, bot, ann):
    charge_id = await subscribe(bot, ann, await link_to(bot))
    await ann.cancels_subscription(shop)
    assert await states_in(bot) == ["canceled"]
    assert ann.subscriptions(shop)[0].state == "canceled"
    await telegram.advance(2 * MONTH_S)
    assert await news(bot) == []
    assert (ann.stars, ann.subscriptions(shop)[0].state) == (400, "ended")
    with pytest.raises(SimulatorError, match="pay its link again"):
        await ann.restores_subscription(charge_id)


async def test_a_restored_subscription_renews(telegram, shop, bot, ann):
    charge_id = await subscribe(bot, ann, await link_to(bot))
    await ann.cancels_subscription(charge_id)
    await ann.restores_subscription(charge_id)
    assert await states_in(bot) == ["canceled", "active"]
    assert ann.stars == 400
    await telegram.advance(MONTH_S)
    assert len(await payments_in(bot)) == 1


@pytest.mark.parametrize("deed", ["cancels_subscription", "restores_subscription"])
async def test_what_changes_nothing_is_refused(shop, bot, ann, deed):
    await subscribe(bot, ann, await link_to(bot))
    if deed == "cancels_subscription":
        await ann.cancels_subscription(shop)
    with pytest.raises(SimulatorError, match=r"canceled already|is not cancelled"):
        await getattr(ann, deed)(shop)


async def test_a_failed_subscription_that_is_cancelled_is_over(telegram, shop, bot, ann):
    await subscribe(bot, ann, await link_to(bot, amount=300))
    await telegram.advance(MONTH_S)
    await ann.cancels_subscription(shop)
    assert await states_in(bot) == ["failed", "canceled"]
    ann.gets_stars(1000)
    assert (ann.stars, ann.subscriptions(shop)[0].state) == (1200, "ended")


async def test_a_bot_ends_the_renewals_and_hears_nothing_of_it(telegram, shop, bot, ann):
    charge_id = await subscribe(bot, ann, await link_to(bot))
    await news(bot)
    assert await bot.edit_user_star_subscription(ann.id, charge_id, is_canceled=True) is True
    with pytest.raises(SimulatorError, match="has to allow"):
        await ann.restores_subscription(shop)
    await telegram.advance(MONTH_S)
    assert await news(bot) == []
    assert ann.subscriptions(shop)[0].state == "ended"


async def test_what_a_bot_allows_again_is_for_the_person_to_take_up(telegram, shop, bot, ann):
    charge_id = await subscribe(bot, ann, await link_to(bot))
    await bot.edit_user_star_subscription(ann.id, charge_id, is_canceled=True)
    assert await bot.edit_user_star_subscription(ann.id, charge_id, is_canceled=False) is True
    assert ann.subscriptions(shop)[0].state == "canceled"
    await ann.restores_subscription(shop)
    assert await states_in(bot) == ["active"]
    await telegram.advance(MONTH_S)
    assert len(await payments_in(bot)) == 1


async def test_edits_that_change_nothing_or_name_nothing_are_refused(telegram, bot, ann):
    link = await link_to(bot)
    charge_id = await subscribe(bot, ann, link)
    await telegram.advance(MONTH_S)
    renewal = (await payments_in(bot))[-1].telegram_payment_charge_id
    bob = telegram.user("Bob")
    for user_id, charge, is_canceled, word in (
        (ann.id, charge_id, False, "SUBSCRIPTION_NOT_MODIFIED"),
        (ann.id, renewal, True, "CHARGE_ID_INVALID"),
        (ann.id, "stx-unknown", True, "CHARGE_ID_INVALID"),
        (bob.id, charge_id, True, "CHARGE_ID_INVALID"),
        (999, charge_id, True, "USER_ID_INVALID"),
        (0, charge_id, True, "invalid user_id specified"),
    ):
        with pytest.raises(TelegramBadRequest, match=word):
            await bot.edit_user_star_subscription(user_id, charge, is_canceled=is_canceled)
    await bot.edit_user_star_subscription(ann.id, charge_id, is_canceled=True)
    with pytest.raises(TelegramBadRequest, match="SUBSCRIPTION_NOT_MODIFIED"):
        await bot.edit_user_star_subscription(ann.id, charge_id, is_canceled=True)
    await telegram.advance(MONTH_S)
    with pytest.raises(TelegramBadRequest, match="SUBSCRIPTION_NOT_ACTIVE"):
        await bot.edit_user_star_subscription(ann.id, charge_id, is_canceled=False)


async def test_one_person_has_several_subscriptions_of_one_link_too(telegram, shop, bot, ann):
    link = await link_to(bot)
    first, second = await subscribe(bot, ann, link), await subscribe(bot, ann, link)
    third = await subscribe(bot, ann, await link_to(bot, payload="choir", amount=1))
    assert [one.charge_id for one in ann.subscriptions(shop)] == [first, second, third]
    with pytest.raises(SimulatorError, match="3 such subscriptions"):
        await ann.cancels_subscription(shop)
    await ann.cancels_subscription(second)
    await telegram.advance(MONTH_S)
    assert [one.state for one in ann.subscriptions(shop)] == ["active", "ended", "active"]
    assert ann.stars == 500 - 100 - 100 - 1 - 100 - 1


async def test_a_subscription_that_is_over_is_bought_anew(telegram, shop, bot, ann):
    link = await link_to(bot)
    await subscribe(bot, ann, link)
    await ann.cancels_subscription(shop)
    await telegram.advance(MONTH_S)
    await subscribe(bot, ann, link)
    assert [one.state for one in ann.subscriptions(shop)] == ["ended", "active"]
    assert (await payments_in(bot))[-1].is_first_recurring is True


async def test_a_refund_takes_back_one_payment_and_leaves_the_subscription(telegram, shop, bot, ann):
    charge_id = await subscribe(bot, ann, await link_to(bot))
    await bot.refund_star_payment(ann.id, charge_id)
    assert (ann.stars, ann.subscriptions(shop)[0].state) == (500, "active")
    rows = (await bot.get_star_transactions()).transactions
    assert [row.id for row in rows] == [charge_id, charge_id]
    await telegram.advance(MONTH_S)
    assert ann.stars == 400


async def test_a_declined_or_unaffordable_subscription_does_not_begin(telegram, shop, bot, ann):
    link = await link_to(bot, amount=501)
    assert (await ann.pays(link)).reason == "BALANCE_TOO_LOW"
    checkout = await ann.begins_to_pay(await link_to(bot))
    await bot.answer_pre_checkout_query(checkout.query_id, ok=False, error_message="no")
    assert (await checkout.outcome()).status == "declined"
    assert telegram.subscriptions(shop) == []


@pytest.mark.parametrize("period_s", [60, 300, MONTH_S])
async def test_the_test_environment_has_short_subscriptions(http, period_s):
    async with Simulator(test_environment=True) as telegram:
        shop, ann = telegram.bot("shop_bot"), telegram.user("Ann", stars=10)
        ask = Wire(http, telegram.base_url, shop.token)
        invoice = {
            "title": "Club", "description": "x", "payload": "club", "currency": "XTR",
            "prices": [{"label": "x", "amount": 1}], "subscription_period": period_s,
        }  # fmt: skip
        assert (await ask("createInvoiceLink", **invoice)).status == 401
        link = (await ask("test/createInvoiceLink", **invoice)).result
        wrong = await ask("test/createInvoiceLink", **(invoice | {"subscription_period": 61}))
        assert wrong.description == "Bad Request: SUBSCRIPTION_PERIOD_INVALID"
        checkout = await ann.begins_to_pay(link)
        await ask("test/answerPreCheckoutQuery", pre_checkout_query_id=checkout.query_id, ok=True)
        assert (await checkout.outcome()).status == "paid"
        await telegram.advance(2 * period_s)
        assert (ann.stars, len(telegram.payments(shop))) == (7, 3)


async def test_a_router_of_aiogram_hears_what_becomes_of_them(telegram, shop, bot, ann):
    dispatcher = Dispatcher()

    @dispatcher.pre_checkout_query()
    async def approve(query):
        await query.answer(ok=True)

    @dispatcher.message(F.successful_payment)
    async def paid(message):
        await message.answer("first" if message.successful_payment.is_first_recurring else "again")

    @dispatcher.subscription()
    async def changed(subscription):
        await bot.send_message(subscription.user.id, f"{subscription.invoice_payload}: {subscription.state}")

    link = await link_to(bot, amount=200)
    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False))
    assert (await ann.pays(link)).status == "paid"
    assert (await ann.hears(shop)).text == "first"
    await telegram.advance(MONTH_S)
    assert (await ann.hears(shop)).text == "again"
    await telegram.advance(MONTH_S)
    assert (await ann.hears(shop)).text == "club: failed"
    await ann.cancels_subscription(shop)
    assert (await ann.hears(shop)).text == "club: canceled"
    await dispatcher.stop_polling()
    await polling


async def test_a_bot_that_polls_misses_nothing_of_months_that_pass_at_once(telegram, shop, bot, ann):
    await subscribe(bot, ann, await link_to(bot))
    await news(bot)
    renewed = asyncio.Queue()
    dispatcher = Dispatcher()
    dispatcher.message.register(renewed.put, F.successful_payment)
    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False))
    await telegram.until(lambda: telegram.polling(shop))
    await telegram.advance(days=90)
    async with asyncio.timeout(100):
        charges = {(await renewed.get()).successful_payment.telegram_payment_charge_id for _ in range(3)}
    assert charges < set(ann.subscriptions(shop)[0].charge_ids)

    assert not [update for update in telegram.updates(shop) if update.state == "expired"]
    await dispatcher.stop_polling()
    await polling


async def test_a_webhook_misses_nothing_of_months_that_pass_at_once(telegram, shop, bot, ann):
    await subscribe(bot, ann, await link_to(bot))
    await news(bot)
    heard = asyncio.Queue()

    async def take(request):
        await heard.put((await request.json())["message"]["successful_payment"])
        return web.Response()

    application = web.Application()
    application.router.add_post("/", take)
    async with TestServer(application) as server:
        await telegram.post_to(shop, str(server.make_url("/")))
        await telegram.advance(days=90)
        async with asyncio.timeout(100):
            assert len({(await heard.get())["telegram_payment_charge_id"] for _ in range(3)}) == 3


async def test_updates_that_no_bot_takes_are_gone_a_day_later_and_counted(telegram, shop, bot, ann, http):
    await subscribe(bot, ann, await link_to(bot))
    await news(bot)
    await telegram.advance(days=30)
    async with http.post(f"{telegram.base_url}/_sim/advance", json={"days": 2}) as response:
        assert (await response.json())["expired_updates"] == 1
    async with http.post(f"{telegram.base_url}/_sim/advance", json={"days": 2}) as response:
        assert (await response.json())["expired_updates"] == 0
