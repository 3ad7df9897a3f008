"""Places in channels that are paid by the month."""

from __future__ import annotations

import pytest
from aiogram.exceptions import TelegramBadRequest

from neonpay.errors import SimulatorError
from neonpay.simulator import Simulator
from tests.integration.simulator.conftest import Wire

DAY_S = 86_400
MONTH_S = 30 * DAY_S


@pytest.fixture
def channel(telegram, shop):
    return telegram.channel("News", administrators=[shop])


async def link_to(bot, channel, *, price=100):
    made = await bot.create_chat_subscription_invite_link(
        channel.id, subscription_period=MONTH_S, subscription_price=price, name="Monthly"
    )
    assert (made.subscription_price, made.name) == (price, "Monthly")
    return made.invite_link


async def test_a_place_is_paid_to_the_channel_and_has_an_end(telegram, shop, bot, ann, channel):
    assert await ann.joins(await link_to(bot, channel)) == "joined"
    assert (ann.stars, channel.balance_stars, telegram.balance(shop)) == (400, 100, 0)
    member = await bot.get_chat_member(channel.id, ann.id)
    assert (member.status, member.until_date.timestamp()) == ("member", telegram.clock.now() + MONTH_S)
    assert (await bot.get_star_transactions()).transactions == []


async def test_it_renews_until_the_stars_do_not_suffice(telegram, bot, ann, channel):
    begun = telegram.clock.now()
    await ann.joins(await link_to(bot, channel, price=200))
    await telegram.advance(days=30)
    assert (ann.stars, channel.balance_stars) == (100, 400)
    assert (await bot.get_chat_member(channel.id, ann.id)).until_date.timestamp() == begun + 2 * MONTH_S
    await telegram.advance(days=30)
    assert (await bot.get_chat_member(channel.id, ann.id)).status == "left"
    assert (ann.stars, channel.balance_stars) == (100, 400)


async def test_a_cancelled_place_is_kept_to_its_end(telegram, bot, ann, channel):
    await ann.joins(await link_to(bot, channel))
    await ann.cancels_subscription(channel)
    with pytest.raises(SimulatorError, match="cancelled already"):
        await ann.cancels_subscription(channel)
    await telegram.advance(days=29)
    assert (await bot.get_chat_member(channel.id, ann.id)).status == "member"
    await telegram.advance(days=1)
    assert ((await bot.get_chat_member(channel.id, ann.id)).status, ann.stars) == ("left", 400)
    with pytest.raises(SimulatorError, match="no paid place"):
        await ann.restores_subscription(channel)


async def test_a_restored_place_renews(telegram, bot, ann, channel):
    await ann.joins(await link_to(bot, channel))
    await ann.cancels_subscription(channel)
    await ann.restores_subscription(channel)
    with pytest.raises(SimulatorError, match="not cancelled"):
        await ann.restores_subscription(channel)
    await telegram.advance(days=30)
    assert ann.stars == 300


async def test_who_has_left_comes_back_without_paying_while_the_period_lasts(telegram, bot, ann, channel):
    link = await link_to(bot, channel)
    await ann.joins(link)
    await ann.leaves(channel)
    await telegram.advance(days=10)
    assert (await ann.joins(link), ann.stars) == ("joined", 400)
    await ann.leaves(channel)
    await telegram.advance(days=20)
    assert (await bot.get_chat_member(channel.id, ann.id)).status == "left"
    assert (await ann.joins(link), ann.stars) == ("joined", 300)


async def test_a_member_who_was_made_an_administrator_stays_one(telegram, shop, bot, channel, ann):
    await ann.joins(await link_to(bot, channel))
    await bot.promote_chat_member(channel.id, ann.id, can_post_messages=True)
    await telegram.advance(days=30)
    assert ((await bot.get_chat_member(channel.id, ann.id)).status, ann.stars) == ("administrator", 300)


async def test_bots_that_ask_hear_who_came_by_which_link(bot, ann, channel):
    await bot.get_updates(timeout=0, allowed_updates=["chat_member"])
    link = await link_to(bot, channel)
    await ann.joins(link)
    (update,) = [one for one in await bot.get_updates(timeout=0) if one.chat_member]
    assert (update.chat_member.new_chat_member.status, update.chat_member.invite_link.invite_link) == ("member", link)


async def test_links_that_lead_nowhere_take_nothing(bot, ann, channel):
    link = await link_to(bot, channel, price=501)
    with pytest.raises(SimulatorError, match="BALANCE_TOO_LOW"):
        await ann.joins(link)
    cheap = await link_to(bot, channel)
    await bot.revoke_chat_invite_link(channel.id, cheap)
    with pytest.raises(SimulatorError, match="was revoked"):
        await ann.joins(cheap)
    assert (ann.stars, channel.balance_stars) == (500, 0)


async def test_a_link_is_renamed_and_nothing_else(bot, channel):
    link = await link_to(bot, channel)
    renamed = await bot.edit_chat_subscription_invite_link(channel.id, link, name="VIP")
    assert (renamed.name, renamed.subscription_price) == ("VIP", 100)


@pytest.mark.parametrize(
    ("period_s", "price", "word"),
    [
        (MONTH_S - 1, 100, "SUBSCRIPTION_PERIOD_INVALID"),
        (60, 100, "SUBSCRIPTION_PERIOD_INVALID"),
        (MONTH_S, 0, "PRICING_AMOUNT_INVALID"),
        (MONTH_S, 10_001, "PRICING_AMOUNT_INVALID"),
    ],
)
async def test_what_is_not_sold(bot, channel, period_s, price, word):
    with pytest.raises(TelegramBadRequest, match=word):
        await bot.create_chat_subscription_invite_link(
            channel.id, subscription_period=period_s, subscription_price=price
        )


async def test_groups_have_no_paid_places(telegram, shop, bot):
    group = telegram.group("Club", administrators=[shop])
    with pytest.raises(TelegramBadRequest, match="PRICING_CHAT_INVALID"):
        await bot.create_chat_subscription_invite_link(group.id, subscription_period=MONTH_S, subscription_price=1)


async def test_the_test_environment_has_short_places(http):
    async with Simulator(test_environment=True) as telegram:
        shop, ann = telegram.bot("shop_bot"), telegram.user("Ann", stars=3)
        channel = telegram.channel("News", administrators=[shop])
        ask = Wire(http, telegram.base_url, shop.token)
        asked = {"chat_id": channel.id, "subscription_period": 60, "subscription_price": 1}
        await ann.joins((await ask("test/createChatSubscriptionInviteLink", **asked)).result["invite_link"])
        await telegram.advance(120)
        assert (ann.stars, channel.balance_stars) == (0, 3)
