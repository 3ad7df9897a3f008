"""getUpdates: offsets, long polls, which kinds come, and the two conflicts."""

from __future__ import annotations

import asyncio

import pytest
from aiogram.exceptions import TelegramConflictError


def ids(reply):
    return [update["update_id"] for update in reply.result]


async def test_updates_stay_until_a_later_offset_confirms_them(telegram, shop, ann, wire):
    await ann.says("two", to=shop)
    first = ids(await wire("getUpdates"))
    assert ids(await wire("getUpdates")) == first
    assert ids(await wire("getUpdates", offset=first[1])) == first[1:]
    assert ids(await wire("getUpdates", offset=first[1] + 1)) == []
    assert [(update.confirmed, update.delivered_count) for update in telegram.updates(shop)] == [(True, 2), (True, 3)]


async def test_update_ids_count_up(shop, ann, wire):
    await ann.says("two", to=shop)
    await ann.says("three", to=shop)
    first, *rest = ids(await wire("getUpdates"))
    assert rest == [first + 1, first + 2]


async def test_a_negative_offset_keeps_only_the_newest(telegram, shop, ann, wire):
    for text in ("two", "three"):
        await ann.says(text, to=shop)
    reply = await wire("getUpdates", offset=-1)
    assert [update["message"]["text"] for update in reply.result] == ["three"]
    assert [update.state for update in telegram.updates(shop)] == ["confirmed", "confirmed", "pending"]


async def test_an_offset_far_ahead_counts_as_none(telegram, shop, ann, wire):
    """So a bot that goes on polling while the simulator is started anew is not deaf."""
    (first,) = ids(await wire("getUpdates"))
    assert ids(await wire("getUpdates", offset=first + 12)) == [first]
    poll = asyncio.create_task(wire("getUpdates", offset=first + 1_000, timeout=50))
    assert ids(await poll) == [first]
    assert ids(await wire("getUpdates", offset=first + 11)) == []
    await ann.says("hello", to=shop)
    assert ids(await wire("getUpdates")) == [first + 1]


async def test_a_poll_from_far_ahead_hears_what_comes(telegram, shop, ann, wire):
    (first,) = ids(await wire("getUpdates"))
    await wire("getUpdates", offset=first + 1)
    poll = asyncio.create_task(wire("getUpdates", offset=first + 1_000, timeout=50))
    await telegram.until(lambda: telegram.polling(shop))
    await ann.says("hello", to=shop)
    assert ids(await poll) == [first + 1]


@pytest.mark.parametrize(("limit", "expected"), [(2, 2), (0, 1), ("abc", 1), (500, 100), (None, 100)])
async def test_the_limit_is_clamped(shop, ann, wire, limit, expected):
    for number in range(104):
        await ann.says(f"message {number}", to=shop)
    assert len(ids(await wire("getUpdates", limit=limit))) == expected


async def test_a_long_poll_ends_with_the_first_update(telegram, shop, ann, wire):
    await wire("getUpdates", offset=-1)
    last = telegram.updates(shop)[-1].update_id
    poll = asyncio.create_task(wire("getUpdates", offset=last + 1, timeout=50))
    await telegram.idle(shop)
    await ann.says("at last", to=shop)
    assert [update["message"]["text"] for update in (await poll).result] == ["at last"]


async def test_a_second_poll_ends_the_first(shop, bot, wire, telegram):
    first = asyncio.create_task(bot.get_updates(timeout=50))
    await telegram.until(lambda: telegram.polling(shop))
    second = asyncio.create_task(wire("getUpdates", timeout=50))
    with pytest.raises(
        TelegramConflictError,
        match="Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    ):
        await first
    await telegram.user("Ann").says("hi", to=shop)
    assert len((await second).result) == 1


async def test_polling_beside_a_webhook_is_refused(wire):
    await wire("setWebhook", url="http://127.0.0.1:9/hook")
    reply = await wire("getUpdates")
    assert (reply.status, reply.description) == (
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    )
    assert (await wire("deleteWebhook")).json["description"] == "Webhook was deleted"
    assert (await wire("getUpdates")).result == []


async def test_setting_a_webhook_ends_an_open_poll(shop, telegram, wire):
    poll = asyncio.create_task(wire("getUpdates", timeout=50))
    await telegram.until(lambda: telegram.polling(shop))
    await wire("setWebhook", url="http://127.0.0.1:9/hook")
    assert (await poll).description == "Conflict: terminated by setWebhook request"


async def test_a_poll_whose_client_is_gone_hands_nothing_out(shop, telegram, ann, wire):
    await wire("getUpdates", offset=-1)
    last = telegram.updates(shop)[-1].update_id
    poll = asyncio.create_task(wire("getUpdates", offset=last + 1, timeout=50))
    await telegram.until(lambda: telegram.polling(shop))
    poll.cancel()
    await telegram.until(lambda: not telegram.polling(shop))
    await ann.says("anybody?", to=shop)
    assert telegram.updates(shop)[-1].delivered_count == 0


async def test_allowed_updates_are_remembered_until_changed(telegram, shop, ann, bot, wire, invoice):
    await wire("getUpdates", allowed_updates=["message"])
    await wire("getUpdates")  # says nothing about kinds: the list of before stays
    checkout = await ann.begins_to_pay(await bot.send_invoice(ann.id, **invoice))
    assert telegram.updates(shop)[-1].state == "not_allowed"
    assert (await wire("getWebhookInfo")).result["allowed_updates"] == ["message"]
    await telegram.advance(10)
    assert (await checkout.outcome()).status == "timed_out"
    await wire("getUpdates", allowed_updates=[])
    assert "allowed_updates" not in (await wire("getWebhookInfo")).result
    await ann.begins_to_pay(await bot.send_invoice(ann.id, **invoice))
    assert telegram.updates(shop)[-1].state == "pending"


@pytest.mark.parametrize("given", [["no_such_kind"], ["no_such_kind", 5], "not json", {"a": 1}])
async def test_kinds_that_do_not_exist_are_ignored(wire, given):
    assert (await wire("getUpdates", allowed_updates=given)).status == 200
    assert "allowed_updates" not in (await wire("getWebhookInfo")).result


async def test_a_repeated_update_comes_again_with_its_id(telegram, shop, ann, wire):
    (first,) = ids(await wire("getUpdates"))
    assert ids(await wire("getUpdates", offset=first + 1)) == []
    await telegram.redeliver(first, shop)
    assert ids(await wire("getUpdates", offset=first + 1)) == [first]
    assert ids(await wire("getUpdates", offset=first + 1)) == []
    await telegram.idle(shop)


async def test_a_repeated_update_can_have_a_new_id(telegram, shop, ann, wire):
    (first,) = ids(await wire("getUpdates"))
    await telegram.redeliver(first, shop, new_id=True)
    before, after = (await wire("getUpdates")).result
    assert after == before | {"update_id": first + 1}
