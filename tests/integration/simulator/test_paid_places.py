"""What costs Stars in channels: places by the month, and suggested posts."""

from __future__ import annotations

import pytest
from aiogram.exceptions import TelegramBadRequest

from neonpay.errors import SimulatorError

MONTH_S = 2_592_000


@pytest.fixture
def channel(telegram, shop):
    return telegram.channel("News", members=[shop])


async def test_a_place_is_paid_by_the_month_to_the_channel(telegram, shop, bot, ann, channel):
    link = await bot.create_chat_subscription_invite_link(channel.id, MONTH_S, 200, name="club")
    assert (link.subscription_period, link.subscription_price, link.name) == (MONTH_S, 200, "club")
    assert await ann.joins(link.invite_link) == "joined"
    member = await bot.get_chat_member(channel.id, ann.id)
    assert (member.status, member.until_date.timestamp()) == ("member", int(telegram.clock.now()) + MONTH_S)
    assert (ann.stars, channel.balance_stars, telegram.transactions(shop)) == (300, 200, [])


async def test_a_place_renews_until_the_stars_are_gone(telegram, bot, ann, channel):
    link = await bot.create_chat_subscription_invite_link(channel.id, MONTH_S, 200)
    await ann.joins(link.invite_link)
    await telegram.advance(MONTH_S)
    assert (ann.stars, channel.balance_stars) == (100, 400)
    await telegram.advance(MONTH_S)
    assert (ann.stars, (await bot.get_chat_member(channel.id, ann.id)).status) == (100, "left")


async def test_who_leaves_pays_no_more(telegram, bot, ann, channel):
    link = await bot.create_chat_subscription_invite_link(channel.id, MONTH_S, 200)
    await ann.joins(link.invite_link)
    await ann.leaves(channel)
    await telegram.advance(2 * MONTH_S)
    assert ann.stars == 300


async def test_a_place_that_is_too_dear_is_not_taken(telegram, bot, channel):
    poor = telegram.user("Bob", stars=199)
    link = await bot.create_chat_subscription_invite_link(channel.id, MONTH_S, 200)
    with pytest.raises(SimulatorError, match="BALANCE_TOO_LOW"):
        await poor.joins(link.invite_link)
    assert (poor.stars, channel.balance_stars) == (199, 0)


async def test_the_name_of_a_paid_link_changes_and_nothing_else(bot, ann, channel):
    link = await bot.create_chat_subscription_invite_link(channel.id, MONTH_S, 200)
    edited = await bot.edit_chat_subscription_invite_link(channel.id, link.invite_link, name="new")
    assert (edited.name, edited.subscription_price) == ("new", 200)
    assert (await bot.revoke_chat_invite_link(channel.id, link.invite_link)).is_revoked is True
    with pytest.raises(SimulatorError, match="was revoked"):
        await ann.joins(link.invite_link)


@pytest.mark.parametrize(
    ("period_s", "price_stars", "reason"),
    [(MONTH_S - 1, 5, "SUBSCRIPTION_PERIOD_INVALID"), (MONTH_S, 0, "PRICING"), (MONTH_S, 10_001, "PRICING")],
)
async def test_paid_links_that_telegram_does_not_make(bot, channel, period_s, price_stars, reason):
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.create_chat_subscription_invite_link(channel.id, period_s, price_stars)


async def test_a_group_has_no_paid_places(telegram, shop, bot):
    group = telegram.group("Readers", administrators=[shop])
    with pytest.raises(TelegramBadRequest, match="PRICING_CHAT_INVALID"):
        await bot.create_chat_subscription_invite_link(group.id, MONTH_S, 5)


@pytest.fixture
def direct(telegram, channel):
    return telegram.direct_messages(channel)


def events(telegram, shop):
    names = (
        "suggested_post_approved", "suggested_post_approval_failed", "suggested_post_declined", "suggested_post_paid",
        "suggested_post_refunded",
    )  # fmt: skip
    return [name for update in telegram.updates(shop) for name in names if name in update.payload]


async def test_a_suggested_post_is_bought_published_and_paid_a_day_later(telegram, shop, bot, ann, channel, direct):
    message = await ann.suggests("Buy my book", to=direct, price_stars=50)
    heard = telegram.updates(shop)[-1].payload
    assert heard["suggested_post_info"] == {"state": "pending", "price": {"currency": "XTR", "amount": 50}}
    assert heard["direct_messages_topic"]["user"]["id"] == ann.id
    assert await bot.approve_suggested_post(direct.id, message.message_id) is True
    assert (ann.stars, channel.balance_stars) == (450, 0)
    post = channel.posts[-1].message
    assert (post.text, post.is_paid_post) == ("Buy my book", True)
    await telegram.advance(86_400)
    assert channel.balance_stars == 50
    assert events(telegram, shop) == ["suggested_post_approved", "suggested_post_paid"]


async def test_a_deleted_post_is_refunded(telegram, shop, bot, ann, channel, direct):
    message = await ann.suggests("Buy my book", to=direct, price_stars=50)
    await bot.approve_suggested_post(direct.id, message.message_id)
    await bot.delete_message(channel.id, channel.posts[-1].message.message_id)
    assert ann.stars == 500
    await telegram.advance(86_400)
    assert (channel.balance_stars, events(telegram, shop)[-1]) == (0, "suggested_post_refunded")


async def test_a_post_waits_for_its_date(telegram, bot, ann, channel, direct):
    message = await ann.suggests("Later", to=direct)
    await bot.approve_suggested_post(direct.id, message.message_id, send_date=int(telegram.clock.now()) + 600)
    assert channel.posts == []
    await telegram.advance(600)
    assert channel.posts[-1].message.text == "Later"


async def test_without_the_stars_the_approval_fails(telegram, shop, bot, direct):
    poor = telegram.user("Bob", stars=49)
    message = await poor.suggests("Buy my book", to=direct, price_stars=50)
    await bot.approve_suggested_post(direct.id, message.message_id)
    assert (poor.stars, events(telegram, shop)) == (49, ["suggested_post_approval_failed"])


async def test_a_post_is_declined_once(telegram, shop, bot, ann, direct):
    message = await ann.suggests("Buy my book", to=direct, price_stars=50)
    await bot.decline_suggested_post(direct.id, message.message_id, comment="no books")
    assert telegram.updates(shop)[-1].payload["suggested_post_declined"]["comment"] == "no books"
    with pytest.raises(TelegramBadRequest, match="processed already"):
        await bot.approve_suggested_post(direct.id, message.message_id)


async def test_a_bot_suggests_only_where_posts_are_suggested(shop, ann, wire, direct):
    price = {"price": {"currency": "XTR", "amount": 5}}
    refused = await wire("sendMessage", chat_id=ann.id, text="Hi", suggested_post_parameters=price)
    assert (refused.status, "direct messages" in refused.description) == (400, True)
    await ann.says("hello", to=direct)
    topic = {"chat_id": direct.id, "direct_messages_topic_id": ann.id, "text": "Hi"}
    sent = (await wire("sendMessage", **topic, suggested_post_parameters=price)).result
    assert sent["suggested_post_info"]["state"] == "pending"
    assert [message.text for message in ann.messages(direct)] == ["hello", "Hi"]
    for amount in (4, 100_001):
        wrong = {"price": {"currency": "XTR", "amount": amount}}
        assert (await wire("sendMessage", **topic, suggested_post_parameters=wrong)).status == 400
