"""What ordinary bots do, by the own clients of the other libraries: their encodings, and their parsers of our answers."""

from __future__ import annotations

import io

import pytest
import telebot
import telegram as ptb
from telebot import asyncio_helper
from telebot.async_telebot import AsyncTeleBot

from neonpay.simulator.people.attachments import one_pixel


async def test_python_telegram_bot_does_what_ordinary_bots_do(telegram, shop, ann):
    group = telegram.group("Readers", members=[ann], administrators=[shop], username="readers")
    base = f"{telegram.base_url}/bot"
    async with ptb.Bot(shop.token, base_url=base, base_file_url=f"{telegram.base_url}/file/bot") as bot:
        assert bot.username == "shop_bot"
        await bot.set_my_commands([("buy", "Buy a book")], scope=ptb.BotCommandScopeAllPrivateChats())
        await bot.set_chat_menu_button(menu_button=ptb.MenuButtonCommands())
        keyboard = ptb.InlineKeyboardMarkup([[ptb.InlineKeyboardButton("Go", callback_data="go")]])
        photo = await bot.send_photo(
            ann.id, one_pixel(), caption="*dot*", parse_mode="MarkdownV2", reply_markup=keyboard
        )
        assert (photo.caption, photo.photo[-1].width) == ("dot", 1)
        file = await bot.get_file(photo.photo[-1].file_id)
        assert bytes(await file.download_as_bytearray()) == one_pixel()
        await photo.edit_caption("new", reply_markup=keyboard)
        album = await bot.send_media_group(
            ann.id, [ptb.InputMediaPhoto(one_pixel()), ptb.InputMediaVideo("https://example.com/a.mp4", caption="v")]
        )
        assert len(album) == 2
        document = await bot.send_document(ann.id, io.BytesIO(b"bill"), filename="bill.txt", disable_notification=True)
        assert document.document.file_name == "bill.txt"
        poll = await bot.send_poll(ann.id, "Which?", ["a", "b"], type=ptb.Poll.QUIZ, correct_option_ids=[1])
        assert poll.poll.type == "quiz"
        assert (await bot.send_location(ann.id, 1.5, 2.5)).location.latitude == 1.5
        assert (await bot.send_contact(ann.id, "+15550001", "Bob")).contact.first_name == "Bob"
        await bot.send_chat_action(ann.id, "typing")
        copy = await bot.copy_message("@readers", ann.id, photo.message_id)
        await bot.pin_chat_message(group.id, copy.message_id)
        chat = await bot.get_chat(group.id)
        assert (chat.title, chat.pinned_message.caption) == ("Readers", "new")
        assert {member.status for member in await bot.get_chat_administrators(group.id)} == {"creator", "administrator"}
        await bot.restrict_chat_member(group.id, ann.id, ptb.ChatPermissions.no_permissions())
        link = await bot.create_chat_invite_link(group.id, member_limit=1)
        await bot.revoke_chat_invite_link(group.id, link)
        await bot.delete_messages(ann.id, [message.message_id for message in album])
        shop.balance_stars = 15
        gift = (await bot.get_available_gifts()).gifts[0]
        await bot.send_gift(gift, user_id=ann.id, text="Thanks")
        (row,) = (await bot.get_star_transactions()).transactions
        assert row.receiver.transaction_type == "gift_purchase"
        assert (await bot.get_my_star_balance()).amount == 0


@pytest.fixture
def library(telegram):
    """The library, pointed at the simulator in the way that it documents."""
    before = asyncio_helper.API_URL, asyncio_helper.FILE_URL
    asyncio_helper.API_URL = telegram.base_url + "/bot{0}/{1}"
    asyncio_helper.FILE_URL = telegram.base_url + "/file/bot{0}/{1}"
    yield
    asyncio_helper.API_URL, asyncio_helper.FILE_URL = before


@pytest.mark.usefixtures("library")
async def test_pytelegrambotapi_does_what_ordinary_bots_do(telegram, shop, ann):
    group = telegram.group("Readers", members=[ann], administrators=[shop])
    bot = AsyncTeleBot(shop.token)
    try:
        assert (await bot.get_me()).username == "shop_bot"
        await bot.set_my_commands([telebot.types.BotCommand("buy", "Buy a book")])
        keyboard = telebot.types.ReplyKeyboardMarkup(resize_keyboard=True)
        keyboard.add(telebot.types.KeyboardButton("Me", request_contact=True))
        message = await bot.send_message(ann.id, "<b>Who?</b>", parse_mode="HTML", reply_markup=keyboard)
        assert (await ann.presses("Me", on=ann.messages(shop)[-1])).message.contact.user_id == ann.id
        document = await bot.send_document(ann.id, ("bill.txt", b"bill"), caption="c")
        info = await bot.get_file(document.document.file_id)
        assert await bot.download_file(info.file_path) == b"bill"
        await bot.edit_message_text("You", ann.id, message.message_id)
        await bot.edit_message_caption("d", ann.id, document.message_id)
        await bot.send_dice(ann.id)
        await bot.forward_message(group.id, ann.id, document.message_id)
        assert (await bot.get_chat_member(group.id, ann.id)).status == "member"
        await bot.ban_chat_member(group.id, ann.id)
        await bot.unban_chat_member(group.id, ann.id, only_if_banned=True)
        link = await bot.create_chat_subscription_invite_link(telegram.channel("News", members=[shop]).id, 2_592_000, 5)
        assert link.subscription_price == 5
    finally:
        await bot.close_session()
