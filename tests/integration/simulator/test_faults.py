"""Things that go wrong on purpose."""

from __future__ import annotations

import asyncio

import pytest
from aiogram.exceptions import TelegramBadRequest, TelegramNetworkError, TelegramRetryAfter, TelegramServerError

from neonpay.errors import SimulatorError
from neonpay.simulator import Simulator


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


async def test_a_lost_answer_is_lost_also_when_it_is_a_refusal(telegram, bot):
    telegram.faults.lose_answer("sendMessage")
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(1, "hi")
    call = telegram.calls("sendMessage")[0]
    assert (call.ok, call.answered, call.error_code) == (False, False, 400)


async def test_a_slow_call_has_its_effect_when_virtual_time_has_passed(telegram, shop, ann, bot):
    telegram.faults.slow("sendMessage", delay_s=30)
    sending = asyncio.create_task(bot.send_message(ann.id, "late"))
    await telegram.until(lambda: telegram.clock.next_due() is not None)
    await telegram.advance(29)
    assert not sending.done()
    assert len(ann.messages(shop)) == 1
    await telegram.advance(1)
    assert (await sending).text == "late"


async def test_a_slow_answer_comes_late_and_the_effect_at_once(telegram, shop, ann, bot):
    telegram.faults.slow("sendMessage", delay_s=30, answer_only=True)
    sending = asyncio.create_task(bot.send_message(ann.id, "soon"))
    assert (await ann.hears(shop)).text == "soon"
    assert not sending.done()
    await telegram.step()
    assert (await sending).text == "soon"


async def test_real_slowness_makes_a_client_time_out(telegram, shop, ann, bot):
    telegram.faults.slow("sendMessage", delay_s=60, real=True, answer_only=True)
    with pytest.raises(TelegramNetworkError, match="timeout"):
        await bot.send_message(ann.id, "hi", request_timeout=0.05)
    assert len(ann.messages(shop)) == 2


async def test_a_probability_repeats_with_its_seed_whatever_else_is_called(telegram):
    def asked_between(faults) -> bool:
        faults.take_for_call("getMe", "shop_bot")
        return True

    def struck(seed: int, *, between: bool) -> list[bool]:
        faults = Simulator(seed=seed).faults
        faults.fail("sendMessage", probability=0.3, times=None)
        faults.fail("*", probability=0.5, times=None)
        return [
            faults.take_for_call("sendMessage", "shop_bot") is not None
            for _ in range(60)
            if not between or asked_between(faults)
        ]

    once = struck(3, between=False)
    assert 15 < sum(once) < 55
    assert struck(3, between=True) == once
    assert struck(4, between=False) != once


async def test_a_fault_is_for_one_bot_and_for_a_while(telegram, shop, wire):
    telegram.faults.fail("getMe", bot="another_bot")
    assert (await wire("getMe")).status == 200
    telegram.faults.fail("getMe", bot=shop, times=None, for_s=60)
    assert [(await wire("getMe")).status for _ in range(3)] == [500, 500, 500]
    await telegram.advance(minutes=1)
    assert (await wire("getMe")).status == 200
    assert [fault.bot for fault in telegram.faults.waiting()] == ["another_bot"]


async def test_a_duplicate_comes_with_the_same_id_after_it_was_confirmed(telegram, shop, bot):
    telegram.faults.duplicate("successful_payment")
    telegram.faults.duplicate("message", times=2)
    ann = telegram.user("Ann")
    for text in ("one", "two", "three"):
        await ann.says(text, to=shop)
    first = await bot.get_updates()
    assert [update.message.text for update in first] == ["one", "two", "three"]
    again = await bot.get_updates(offset=first[-1].update_id + 1)
    assert [(update.update_id, update.message.text) for update in again] == [
        (first[0].update_id, "one"),
        (first[1].update_id, "two"),
    ]
    assert await bot.get_updates(offset=first[-1].update_id + 1) == []
    assert [fault.target for fault in telegram.faults.waiting()] == ["successful_payment"]


async def test_a_reordered_update_is_passed_by_the_next_one(telegram, shop, bot):
    telegram.faults.reorder("message")
    ann = telegram.user("Ann")
    for text in ("one", "two", "three"):
        await ann.says(text, to=shop)
    updates = await bot.get_updates()
    assert [update.message.text for update in updates] == ["two", "one", "three"]
    assert [update.update_id - updates[0].update_id for update in updates] == [0, 1, 2]


async def test_a_reordered_update_comes_also_when_nothing_passes_it(telegram, shop, bot):
    telegram.faults.reorder()
    await telegram.user("Ann").says("hello", to=shop)
    assert await bot.get_updates() == []
    assert telegram.updates(shop)[0].state == "held"
    await telegram.step()
    assert [update.message.text for update in await bot.get_updates()] == ["hello"]


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (lambda faults: faults.fail("*", error_code=200), "from 400 to 599"),
        (lambda faults: faults.fail("*", times=0), "at least once"),
        (lambda faults: faults.fail("*", probability=0), "more than 0"),
        (lambda faults: faults.slow("*", delay_s=0), "a delay is a positive"),
        (lambda faults: faults.slow("*", delay_s=1, for_s=-1), "lasts a positive"),
        (lambda faults: faults.reorder("*", passed_by=0), "at least one"),
        (lambda faults: faults.remove(1), "no fault 1"),
        (
            lambda faults: faults.fail("sendMesage"),
            "the Bot API has no method 'sendMesage'; did you mean 'sendMessage'?",
        ),
        (lambda faults: faults.lose_answer("successful_payment"), "no method 'successful_payment'$"),
        (
            lambda faults: faults.duplicate("sucessful_payment"),
            "no kind of update 'sucessful_payment'.*successful_payment",
        ),
        (lambda faults: faults.webhook_down("sendMessage"), "no kind of update 'sendMessage'"),
    ],
)
async def test_a_fault_that_cannot_be_is_refused(telegram, add, message):
    with pytest.raises(SimulatorError, match=message):
        add(telegram.faults)
    assert telegram.faults.waiting() == []
