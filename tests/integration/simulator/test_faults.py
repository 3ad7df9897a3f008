"""Things that go wrong on purpose."""

from __future__ import annotations

import pytest
from aiogram.exceptions import TelegramBadRequest, TelegramNetworkError, TelegramRetryAfter, TelegramServerError


async def test_too_many_requests_with_its_header(telegram, shop, ann, wire, bot):
    telegram.faults.fail("sendMessage", error_code=429, retry_after=3, times=2)
    reply = await wire("sendMessage", chat_id=ann.id, text="hi")
    assert (reply.status, reply.headers["Retry-After"]) == (429, "3")
    assert reply.json["parameters"] == {"retry_after": 3}
    with pytest.raises(TelegramRetryAfter, match="retry after 3"):
        await bot.send_message(ann.id, "hi")
    assert (await bot.send_message(ann.id, "hi")).text == "hi"
    assert len(ann.messages(shop)) == 2


async def test_a_server_error_does_nothing(telegram, shop, ann, bot):
    telegram.faults.fail("*", error_code=502)
    with pytest.raises(TelegramServerError, match="Bad Gateway"):
        await bot.send_message(ann.id, "hi")
    assert len(ann.messages(shop)) == 1


async def test_a_lost_answer_leaves_the_effect(telegram, shop, ann, bot, invoice):
    checkout = await ann.begins_to_pay(await bot.send_invoice(ann.id, **invoice))
    await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
    charge_id = (await checkout.outcome()).charge_id
    telegram.faults.lose_answer("refundStarPayment")
    with pytest.raises(TelegramNetworkError):
        await bot.refund_star_payment(ann.id, charge_id)
    assert ann.stars == 500
    with pytest.raises(TelegramBadRequest, match="CHARGE_ALREADY_REFUNDED"):
        await bot.refund_star_payment(ann.id, charge_id)
    assert [(call.ok, call.answered) for call in telegram.calls("refundStarPayment")] == [(True, False), (False, True)]


async def test_a_dropped_connection_has_no_effect(telegram, shop, ann, bot):
    telegram.faults.drop_connection("sendMessage")
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(ann.id, "hi")
    assert len(ann.messages(shop)) == 1
    assert (await bot.send_message(ann.id, "hi")).text == "hi"


async def test_faults_can_be_taken_back(telegram, wire):
    telegram.faults.fail("getMe", times=5)
    telegram.faults.clear()
    assert (await wire("getMe")).status == 200
