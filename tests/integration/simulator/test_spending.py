"""What a bot spends Stars on, and what it gets beside payments."""

from __future__ import annotations

import pytest
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import StarTransaction


@pytest.fixture
def rich(shop):
    shop.balance_stars = 5_000
    return shop


async def newest(bot) -> StarTransaction:
    return (await bot.get_star_transactions()).transactions[-1]


async def test_a_gift_is_paid_from_the_bots_balance(telegram, rich, bot, ann):
    cheap = (await bot.get_available_gifts()).gifts[0]
    assert await bot.send_gift(cheap.id, user_id=ann.id, text="<b>Thanks</b>", text_parse_mode="HTML") is True
    assert telegram.balance(rich) == 5_000 - cheap.star_count
    row = await newest(bot)
    assert (row.source, row.amount, row.receiver.transaction_type) == (None, cheap.star_count, "gift_purchase")
    assert (row.receiver.user.id, row.receiver.gift.id) == (ann.id, cheap.id)
    owned = await bot.get_user_gifts(ann.id)
    assert (owned.total_count, owned.gifts[0].text, owned.gifts[0].sender_user.id) == (1, "Thanks", rich.id)


async def test_a_channel_gets_a_gift(telegram, rich, bot):
    channel = telegram.channel("News", members=[rich])
    gifts = (await bot.get_available_gifts()).gifts
    await bot.send_gift(gifts[0].id, chat_id=channel.id)
    row = await newest(bot)
    assert (row.receiver.type, row.receiver.chat.id) == ("chat", channel.id)
    assert (await bot.get_chat_gifts(channel.id)).total_count == 1
    with pytest.raises(TelegramBadRequest, match="STARGIFT_INVALID"):
        await bot.send_gift(gifts[-1].id, chat_id=channel.id)


async def test_a_limited_gift_sells_out(rich, bot, ann):
    limited = (await bot.get_available_gifts()).gifts[-1]
    for _ in range(limited.total_count):
        await bot.send_gift(limited.id, user_id=ann.id)
    assert (await bot.get_available_gifts()).gifts[-1].remaining_count == 0
    with pytest.raises(TelegramBadRequest, match="STARGIFT_USAGE_LIMITED"):
        await bot.send_gift(limited.id, user_id=ann.id)
    page = await bot.get_user_gifts(ann.id, limit=4)
    assert (page.total_count, len(page.gifts), page.next_offset) == (10, 4, "4")


async def test_an_upgrade_is_prepaid(telegram, rich, bot, ann):
    limited = (await bot.get_available_gifts()).gifts[-1]
    await bot.send_gift(limited.id, user_id=ann.id, pay_for_upgrade=True)
    assert telegram.balance(rich) == 5_000 - limited.star_count - limited.upgrade_star_count
    assert (await bot.get_user_gifts(ann.id)).gifts[0].prepaid_upgrade_star_count == limited.upgrade_star_count


async def test_nothing_is_bought_without_the_stars(telegram, shop, bot, ann):
    gift = (await bot.get_available_gifts()).gifts[0]
    with pytest.raises(TelegramBadRequest, match="BALANCE_TOO_LOW"):
        await bot.send_gift(gift.id, user_id=ann.id)
    with pytest.raises(TelegramBadRequest, match="BALANCE_TOO_LOW"):
        await bot.gift_premium_subscription(ann.id, 3, 1000)
    assert telegram.transactions(shop) == []


@pytest.mark.parametrize(("months", "stars"), [(3, 1000), (6, 1500), (12, 2500)])
async def test_premium_has_three_prices(telegram, rich, bot, ann, months, stars):
    await bot.gift_premium_subscription(ann.id, months, stars)
    row = await newest(bot)
    assert (row.receiver.transaction_type, row.receiver.premium_subscription_duration) == ("premium_purchase", months)
    assert telegram.balance(rich) == 5_000 - stars
    with pytest.raises(TelegramBadRequest):
        await bot.gift_premium_subscription(ann.id, months, stars - 1)


async def test_stars_of_a_business_account_are_seen_and_taken(telegram, shop, bot, ann):
    connection = await ann.connects_business(shop, rights=["can_view_gifts_and_stars", "can_transfer_stars"])
    told = telegram.updates(shop)[-1]
    assert (told.kind, told.payload["rights"]["can_transfer_stars"]) == ("business_connection", True)
    assert (await bot.get_business_connection(connection.id)).user.id == ann.id
    assert (await bot.get_business_account_star_balance(connection.id)).amount == 500
    await bot.transfer_business_account_stars(connection.id, 300)
    row = await newest(bot)
    assert (row.source.transaction_type, row.amount) == ("business_account_transfer", 300)
    assert (ann.stars, telegram.balance(shop)) == (200, 300)
    for stars, reason in ((201, "BALANCE_TOO_LOW"), (0, "STARS_AMOUNT_INVALID"), (10_001, "STARS_AMOUNT_INVALID")):
        with pytest.raises(TelegramBadRequest, match=reason):
            await bot.transfer_business_account_stars(connection.id, stars)


async def test_a_business_account_gives_only_the_rights_that_it_gives(shop, bot, ann, wire):
    connection = await ann.connects_business(shop, rights=["can_view_gifts_and_stars"])
    with pytest.raises(TelegramBadRequest):
        await bot.transfer_business_account_stars(connection.id, 5)
    await ann.disconnects_business(connection)
    with pytest.raises(TelegramBadRequest):
        await bot.get_business_account_star_balance(connection.id)
    assert (await bot.get_business_connection(connection.id)).is_enabled is False
    with pytest.raises(TelegramBadRequest, match="business connection not found"):
        await bot.get_business_connection("nonsense")
    reply = await wire("sendMessage", chat_id=ann.id, text="Hi", business_connection_id=connection.id)
    assert reply.status == 501


async def test_a_paid_broadcast_costs_a_tenth_beyond_thirty_a_second(telegram, shop, bot, ann):
    shop.balance_stars = 1
    for number in range(32):
        await bot.send_message(ann.id, str(number), allow_paid_broadcast=True)
    row = await newest(bot)
    assert (row.amount, row.nanostar_amount, row.receiver.request_count) == (0, 200_000_000, 2)
    balance = await bot.get_my_star_balance()
    assert (balance.amount, balance.nanostar_amount) == (0, 800_000_000)
    await telegram.advance(1)
    await bot.send_message(ann.id, "a new second", allow_paid_broadcast=True)
    assert len(telegram.transactions(shop)) == 1


async def test_a_paid_broadcast_needs_the_stars(bot, ann):
    for number in range(30):
        await bot.send_message(ann.id, str(number), allow_paid_broadcast=True)
    with pytest.raises(TelegramBadRequest, match="BALANCE_TOO_LOW"):
        await bot.send_message(ann.id, "30", allow_paid_broadcast=True)
    assert (await bot.send_message(ann.id, "free")).text == "free"


async def test_an_album_is_charged_by_its_messages_and_a_refusal_is_not(telegram, shop, bot, ann, wire):
    shop.balance_stars = 1
    for number in range(29):
        await bot.send_message(ann.id, str(number))
    album = [{"type": "photo", "media": "https://example.com/a.jpg"}] * 3
    assert (await wire("sendMediaGroup", chat_id=ann.id, media=album, allow_paid_broadcast=True)).status == 200
    assert (await newest(bot)).receiver.request_count == 2
    keyboard = {"inline_keyboard": [[{"text": "App", "web_app": {"url": "https://example.com"}}]]}
    group = telegram.group("Readers", members=[shop])
    refused = await wire("sendMessage", chat_id=group.id, text="x", reply_markup=keyboard, allow_paid_broadcast=True)
    assert (refused.status, (await newest(bot)).receiver.request_count) == (400, 2)
