"""Groups and channels: who is in them, who may what, and what bots hear."""

from __future__ import annotations

import pytest
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import ChatPermissions

from neonpay.errors import SimulatorError

EVERY_KIND = ["message", "chat_member", "my_chat_member", "chat_join_request", "channel_post", "edited_channel_post"]


def kinds(telegram, bot, since=0):
    return [update.kind for update in telegram.updates(bot)[since:]]


@pytest.fixture
async def everything(bot):
    """The bot asks for what is off by default."""
    await bot.get_updates(allowed_updates=EVERY_KIND, timeout=0)


async def test_a_bot_hears_that_it_was_added(telegram, shop, ann):
    group = telegram.group("Readers", members=[ann])
    await ann.adds(shop, to=group)
    change, service = telegram.updates(shop)[-2:]
    assert (change.kind, change.payload["new_chat_member"]["status"]) == ("my_chat_member", "member")
    assert service.payload["new_chat_members"][0]["id"] == shop.id
    assert service.payload["chat"] == {"id": group.id, "type": "supergroup", "title": "Readers"}


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("hello", False),
        ("/buy", True),
        ("/buy@shop_bot", True),
        ("/buy@other_bot", False),
        ("ask @shop_bot", True),
    ],
)
async def test_privacy_mode_lets_commands_and_mentions_through(telegram, shop, ann, text, heard):
    group = telegram.group("Readers", members=[ann, shop])
    before = len(telegram.updates(shop))
    await ann.says(text, to=group)
    assert kinds(telegram, shop, before) == (["message"] if heard else [])


async def test_privacy_mode_lets_replies_through(telegram, shop, bot, ann):
    group = telegram.group("Readers", members=[ann, shop])
    message = await bot.send_message(group.id, "Who wants a book?")
    await ann.says("me", to=group, reply_to=message)
    assert telegram.updates(shop)[-1].payload["reply_to_message"]["text"] == "Who wants a book?"


async def test_administrators_and_bots_without_privacy_hear_everything(telegram, shop, ann, bot):
    other = telegram.bot("other_bot")
    other.reads_all_group_messages = True
    group = telegram.group("Readers", members=[ann, other], administrators=[shop])
    before = len(telegram.updates(shop)), len(telegram.updates(other))
    await ann.says("hello", to=group)
    assert (kinds(telegram, shop, before[0]), kinds(telegram, other, before[1])) == (["message"], ["message"])
    await bot.send_message(group.id, "bots never hear each other")
    assert len(telegram.updates(other)) == before[1] + 1
    assert (await bot.me()).can_read_all_group_messages is False


async def test_people_hear_the_bot_in_the_group_each_for_themselves(telegram, shop, bot, ann):
    bob = telegram.user("Bob")
    group = telegram.group("Readers", members=[ann, bob, shop])
    await bot.send_message(group.id, "Hi all")
    assert (await ann.hears(shop, in_=group)).text == (await bob.hears(shop, in_=group)).text == "Hi all"
    with pytest.raises(SimulatorError, match="is not in 'Readers'"):
        await telegram.user("Carl").hears(shop, in_=group)


async def test_an_invoice_in_a_group_is_paid_by_several(telegram, shop, bot, ann, invoice):
    bob = telegram.user("Bob", stars=9)
    group = telegram.group("Readers", members=[ann, bob, shop])
    message = await bot.send_invoice(group.id, **invoice)
    for buyer in (ann, bob):
        checkout = await buyer.begins_to_pay(message)
        await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
        assert (await checkout.outcome()).status == "paid"
    assert telegram.balance(shop) == 10


async def test_posts_of_a_channel_reach_its_other_bots(telegram, shop, bot, ann):
    other, owner = telegram.bot("other_bot"), telegram.user("Olga")
    channel = telegram.channel("News", members=[ann, shop, other], owner=owner)
    message = await bot.send_message(channel.id, "Sale")
    assert (message.from_user, message.sender_chat.id) == (None, channel.id)
    await owner.says("Open", to=channel)
    await bot.edit_message_text("Sold", chat_id=channel.id, message_id=message.message_id)
    assert kinds(telegram, other)[-3:] == ["channel_post", "channel_post", "edited_channel_post"]
    assert kinds(telegram, shop)[-1] == "channel_post"
    with pytest.raises(SimulatorError, match="Ann may not write in 'News'"):
        await ann.says("hello", to=channel)


async def test_a_bot_without_the_right_cannot_post(telegram, shop, bot, ann):
    owner = telegram.user("Olga")
    channel = telegram.channel("News", owner=owner)
    await owner.promotes(shop, in_=channel, rights=["can_invite_users"])
    with pytest.raises(TelegramBadRequest, match="need administrator rights in the channel chat"):
        await bot.send_message(channel.id, "Sale")


async def test_who_is_in_a_group(telegram, shop, bot, ann):
    owner, bob = telegram.user("Olga"), telegram.user("Bob")
    group = telegram.group("Readers", members=[ann], administrators=[shop], owner=owner, username="readers")
    assert await bot.get_chat_member_count("@readers") == 3
    assert {member.user.id for member in await bot.get_chat_administrators(group.id)} == {owner.id, shop.id}
    statuses = [(await bot.get_chat_member(group.id, who.id)).status for who in (owner, shop, ann, bob)]
    assert statuses == ["creator", "administrator", "member", "left"]
    chat = await bot.get_chat(group.id)
    assert (chat.title, chat.username, chat.permissions.can_send_messages) == ("Readers", "readers", True)
    private = await bot.get_chat(ann.id)
    assert (private.type, private.first_name) == ("private", "Ann")
    with pytest.raises(TelegramBadRequest, match="there are no administrators in the private chat"):
        await bot.get_chat_administrators(ann.id)


async def test_a_ban_ends_by_itself(telegram, shop, bot, ann, everything):
    group = telegram.group("Readers", members=[ann], administrators=[shop])
    await bot.ban_chat_member(group.id, ann.id, until_date=int(telegram.clock.now()) + 3600)
    assert (await bot.get_chat_member(group.id, ann.id)).status == "kicked"
    with pytest.raises(SimulatorError, match="may not write"):
        await ann.says("why?", to=group)
    await telegram.advance(3601)
    assert (await bot.get_chat_member(group.id, ann.id)).status == "left"
    assert "chat_member" in kinds(telegram, shop)


async def test_members_are_restricted_and_promoted(telegram, shop, bot, ann):
    owner = telegram.user("Olga")
    group = telegram.group("Readers", members=[ann], administrators=[shop], owner=owner)
    await bot.restrict_chat_member(group.id, ann.id, ChatPermissions(can_send_messages=False))
    with pytest.raises(SimulatorError, match="may not write"):
        await ann.says("hello", to=group)
    await bot.promote_chat_member(group.id, ann.id, can_pin_messages=True)
    await bot.set_chat_administrator_custom_title(group.id, ann.id, "reader")
    member = await bot.get_chat_member(group.id, ann.id)
    assert (member.status, member.can_pin_messages, member.custom_title) == ("administrator", True, "reader")
    with pytest.raises(TelegramBadRequest, match="user is an administrator of the chat"):
        await bot.ban_chat_member(group.id, ann.id)
    with pytest.raises(TelegramBadRequest, match="can't remove chat owner"):
        await bot.ban_chat_member(group.id, owner.id)


async def test_a_bot_without_rights_is_refused(telegram, shop, bot, ann):
    group = telegram.group("Readers", members=[ann, shop])
    for call, what in (
        (bot.ban_chat_member(group.id, ann.id), "restrict/unrestrict chat member"),
        (bot.set_chat_title(group.id, "Mine"), "change chat title"),
        (bot.create_chat_invite_link(group.id), "manage chat invite link"),
        (bot.approve_chat_join_request(group.id, ann.id), "manage chat join requests"),
    ):
        with pytest.raises(TelegramBadRequest, match=f"not enough rights to {what}"):
            await call


async def test_what_members_may_not_send_a_bot_may_not_either(telegram, shop, bot, ann):
    group = telegram.group("Readers", members=[ann, shop])
    group.permissions -= {"can_send_photos"}
    assert (await bot.send_message(group.id, "Hi")).text == "Hi"
    with pytest.raises(TelegramBadRequest, match="not enough rights to send photos to the chat"):
        await bot.send_photo(group.id, "https://example.com/a.jpg")


async def test_a_bot_that_left_or_was_removed_is_told_apart(telegram, shop, bot, ann):
    owner = telegram.user("Olga")
    group = telegram.group("Readers", members=[shop], owner=owner)
    await owner.removes(shop, from_=group)
    assert telegram.updates(shop)[-1].payload["new_chat_member"]["status"] == "kicked"
    with pytest.raises(TelegramForbiddenError, match="bot was kicked from the supergroup chat"):
        await bot.send_message(group.id, "Hi")
    club = telegram.group("Club", members=[shop])
    await bot.leave_chat(club.id)
    with pytest.raises(TelegramForbiddenError, match="bot is not a member of the supergroup chat"):
        await bot.send_message(club.id, "Hi")
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(telegram.group("Closed").id, "Hi")


async def test_a_link_lets_in_as_many_as_it_may(telegram, shop, bot, ann, everything):
    group = telegram.group("Readers", administrators=[shop])
    link = await bot.create_chat_invite_link(group.id, name="one", member_limit=1)
    assert await ann.joins(link.invite_link) == "joined"
    update = next(update for update in telegram.updates(shop) if update.kind == "chat_member")
    assert update.payload["invite_link"]["name"] == "one"
    with pytest.raises(SimulatorError, match="has let in as many as it may"):
        await telegram.user("Bob").joins(link.invite_link)
    await bot.revoke_chat_invite_link(group.id, link.invite_link)
    with pytest.raises(SimulatorError, match="was revoked"):
        await telegram.user("Carl").joins(link.invite_link)


async def test_a_join_request_is_approved_or_declined(telegram, shop, bot, ann, everything):
    group = telegram.group("Readers", administrators=[shop])
    link = await bot.create_chat_invite_link(group.id, creates_join_request=True)
    assert await ann.joins(link.invite_link) == "asked"
    request = telegram.updates(shop)[-1]
    assert (request.kind, request.payload["user_chat_id"]) == ("chat_join_request", ann.id)
    await bot.approve_chat_join_request(group.id, ann.id)
    assert (await bot.get_chat_member(group.id, ann.id)).status == "member"
    with pytest.raises(TelegramBadRequest, match="USER_ALREADY_PARTICIPANT"):
        await bot.approve_chat_join_request(group.id, ann.id)
    bob = telegram.user("Bob")
    await bob.joins(link.invite_link)
    await bot.decline_chat_join_request(group.id, bob.id)
    with pytest.raises(TelegramBadRequest, match="HIDE_REQUESTER_MISSING"):
        await bot.decline_chat_join_request(group.id, bob.id)


async def test_an_invite_link_under_a_button_is_followed(telegram, shop, bot, ann, wire):
    group = telegram.group("Readers", administrators=[shop])
    link = (await bot.create_chat_invite_link(group.id)).invite_link
    keyboard = {"inline_keyboard": [[{"text": "Join", "url": link}]]}
    message = await wire("sendMessage", chat_id=ann.id, text="Club", reply_markup=keyboard)
    assert message.status == 200
    pressed = await ann.presses("Join", on=ann.messages(shop)[-1])
    assert (pressed.kind, group.members[ann.id].is_in) == ("joined", True)


async def test_a_mini_app_button_is_for_private_chats(telegram, shop, ann, wire):
    group = telegram.group("Readers", members=[ann, shop])
    keyboard = {"inline_keyboard": [[{"text": "App", "web_app": {"url": "https://example.com"}}]]}
    assert (await wire("sendMessage", chat_id=ann.id, text="Hi", reply_markup=keyboard)).status == 200
    refused = await wire("sendMessage", chat_id=group.id, text="Hi", reply_markup=keyboard)
    assert refused.description == "Bad Request: BUTTON_TYPE_INVALID"
    assert (await ann.presses("App", on=ann.messages(shop)[-1])).kind == "web_app"


def test_groups_that_cannot_be(telegram):
    for wrong in ({"title": " "}, {"title": "A", "username": "no spaces"}):
        with pytest.raises(SimulatorError):
            telegram.group(**wrong)
    telegram.group("A", username="taken")
    with pytest.raises(SimulatorError, match="'Taken' cannot be a username"):
        telegram.channel("B", username="Taken")


async def test_a_channel_has_the_id_that_a_bot_has_in_its_settings(telegram, shop, bot):
    channel = telegram.channel("Club", id=-1001234567890, administrators=[shop])
    assert (channel.id, (await bot.get_chat(-1001234567890)).title) == (-1001234567890, "Club")


@pytest.mark.parametrize("number", [5, -5, -1001234567890])
async def test_an_id_that_a_channel_cannot_have_is_refused(telegram, number):
    telegram.channel("Club", id=-1001234567890)
    with pytest.raises(SimulatorError, match="id"):
        telegram.channel("Other", id=number)


async def test_a_group_is_heard_whoever_writes_there(telegram, shop, bot, ann):
    other = telegram.bot("other_bot")
    group = telegram.group("Readers", members=[ann], administrators=[shop, other])
    await bot.send_message(ann.id, "for you alone")
    await telegram.aiogram_bot(other).send_message(group.id, "from the other")
    await bot.send_message(group.id, "for all")
    assert (await ann.hears(group)).text == "from the other"
    assert (await ann.hears(group, containing="all")).text == "for all"
    assert (await ann.hears(shop)).text == "for you alone"
