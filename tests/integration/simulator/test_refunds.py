"""Refunds, transactions and the balance."""

from __future__ import annotations

import pytest
from aiogram.exceptions import TelegramBadRequest


async def buy(bot, buyer, invoice, *, amount=5):
    fields = invoice | {"prices": [{"label": "x", "amount": amount}]}
    checkout = await buyer.begins_to_pay(await bot.send_invoice(buyer.id, **fields))
    await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
    return await checkout.outcome()


async def test_a_refund_moves_all_stars_back(telegram, shop, bot, ann, invoice):
    outcome = await buy(bot, ann, invoice)
    assert await bot.refund_star_payment(ann.id, outcome.charge_id) is True
    assert (ann.stars, telegram.balance(shop)) == (500, 0)
    assert [payment.refunded for payment in telegram.payments(shop)] == [True]


async def test_a_refund_leaves_a_service_message_from_the_bot(telegram, shop, bot, ann, invoice):
    outcome = await buy(bot, ann, invoice)
    await bot.refund_star_payment(ann.id, outcome.charge_id)
    message = (await bot.get_updates(timeout=0))[-1].message
    assert message.refunded_payment.telegram_payment_charge_id == outcome.charge_id
    assert (message.refunded_payment.total_amount, message.refunded_payment.invoice_payload) == (5, "order-1")
    assert (message.chat.id, message.from_user.id) == (ann.id, shop.id)


async def test_a_charge_is_refunded_once(bot, ann, invoice):
    outcome = await buy(bot, ann, invoice)
    await bot.refund_star_payment(ann.id, outcome.charge_id)
    with pytest.raises(TelegramBadRequest, match="Bad Request: CHARGE_ALREADY_REFUNDED"):
        await bot.refund_star_payment(ann.id, outcome.charge_id)


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({}, "Bad Request: invalid user_id specified"),
        ({"user_id": "abc"}, "Bad Request: invalid user_id specified"),
        ({"user_id": "-5"}, "Bad Request: invalid user_id specified"),
        ({"user_id": 999}, 'Bad Request: parameter "telegram_payment_charge_id" is required'),
        ({"user_id": 999, "telegram_payment_charge_id": "stx"}, "Bad Request: USER_ID_INVALID"),
    ],
)
async def test_refunds_that_name_nobody_or_nothing(wire, ann, params, description):
    reply = await wire("refundStarPayment", **params)
    assert (reply.status, reply.description) == (400, description)


async def test_a_charge_of_somebody_else_is_refused(telegram, bot, ann, invoice, wire):
    outcome = await buy(bot, ann, invoice)
    bob = telegram.user("Bob")
    for user_id, charge_id in ((bob.id, outcome.charge_id), (ann.id, "stx-unknown")):
        reply = await wire("refundStarPayment", user_id=user_id, telegram_payment_charge_id=charge_id)
        assert reply.status == 400
    assert ann.stars == 495


async def test_transactions_are_oldest_first_and_a_refund_shares_the_id(telegram, bot, ann, invoice):
    first = await buy(bot, ann, invoice)
    await telegram.advance(60)
    second = await buy(bot, ann, invoice, amount=7)
    await telegram.advance(60)
    await bot.refund_star_payment(ann.id, first.charge_id)
    rows = (await bot.get_star_transactions()).transactions
    assert [(row.id, row.amount, row.source is None) for row in rows] == [
        (first.charge_id, 5, False),
        (second.charge_id, 7, False),
        (first.charge_id, 5, True),
    ]
    assert [row.date for row in rows] == sorted(row.date for row in rows)
    assert (rows[0].source.type, rows[0].source.transaction_type) == ("user", "invoice_payment")
    assert (rows[0].source.user.id, rows[0].source.invoice_payload) == (ann.id, "order-1")
    assert rows[2].receiver.user.id == ann.id


async def test_transactions_come_in_pages_with_clamped_bounds(telegram, bot, ann, invoice, wire):
    for _ in range(103):
        await buy(bot, ann, invoice, amount=1)

    async def page(**params):
        return [row["id"] for row in (await wire("getStarTransactions", **params)).result["transactions"]]

    everything = await page() + await page(offset=100)
    assert everything == [payment.charge_id for payment in telegram.payments(telegram.bot("shop_bot"))]
    assert len(await page()) == len(await page(limit=500)) == 100
    assert await page(limit=0) == await page(limit="abc") == await page(limit=-3) == everything[:1]
    assert await page(offset=101, limit=1) == everything[101:102]
    assert await page(offset=-5, limit=2) == everything[:2]
    assert await page(offset=103) == []


async def test_the_balance_is_what_came_in_less_what_went_out(bot, ann, invoice):
    assert (await bot.get_my_star_balance()).amount == 0
    outcome = await buy(bot, ann, invoice)
    await buy(bot, ann, invoice, amount=7)
    await bot.refund_star_payment(ann.id, outcome.charge_id)
    assert (await bot.get_my_star_balance()).amount == 7
