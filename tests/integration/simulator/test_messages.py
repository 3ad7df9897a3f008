"""Messages and buttons, as both sides see them."""

from __future__ import annotations

import asyncio

import pytest
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyParameters,
)

from neonpay.errors import SimulatorError, SimulatorTimeoutError


def inline(*buttons):
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(**button)] for button in buttons])


async def test_a_deep_link_is_text_with_a_command_entity(telegram, shop):
    message = await telegram.user("Ann").says("/start book-1", to=shop)
    assert message.text == "/start book-1"
    payload = telegram.updates(shop)[-1].payload
    assert payload["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]


async def test_hears_gives_each_message_once_in_order(shop, bot, ann):
    for text in ("one", "two", "three"):
        await bot.send_message(ann.id, text)
    assert (await ann.hears(shop)).text == "one"
    assert (await ann.hears(shop, containing="thr")).text == "three"
    with pytest.raises(SimulatorTimeoutError, match="a message from shop_bot to Ann"):
        await ann.hears(shop, timeout_s=0.01)


async def test_hears_waits_for_what_is_yet_to_come(shop, bot, ann):
    hearing = asyncio.create_task(ann.hears(shop, predicate=lambda message: message.text == "yes"))
    await bot.send_message(ann.id, "no")
    await bot.send_message(ann.id, "yes")
    assert (await hearing).text == "yes"


async def test_a_callback_button_brings_the_bots_answer(telegram, shop, bot, ann):
    message = await bot.send_message(ann.id, "Buy?", reply_markup=inline({"text": "Buy it", "callback_data": "buy"}))
    pressing = asyncio.create_task(ann.presses("buy", on=message))
    query = (await bot.get_updates(timeout=5, allowed_updates=["callback_query"], offset=-1))[0].callback_query
    assert (query.data, query.from_user.id, query.message.message_id) == ("buy", ann.id, message.message_id)
    await query.answer("Bought", show_alert=True).as_(bot)
    pressed = await pressing
    assert (pressed.kind, pressed.answered, pressed.text, pressed.show_alert) == ("callback", True, "Bought", True)
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await query.answer().as_(bot)


async def test_an_unanswered_press_is_told(bot, ann):
    message = await bot.send_message(ann.id, "Buy?", reply_markup=inline({"text": "Buy", "callback_data": "b"}))
    with pytest.raises(SimulatorTimeoutError, match="shop_bot to answer the press of 'Buy'"):
        await ann.presses("Buy", on=message, timeout_s=0.01)
    assert (await ann.presses("Buy", on=message, wait=False)).answered is False


async def test_a_press_is_too_old_after_a_while(telegram, shop, bot, ann):
    message = await bot.send_message(ann.id, "Buy?", reply_markup=inline({"text": "Buy", "callback_data": "b"}))
    await ann.presses("Buy", on=message, wait=False)
    query_id = telegram.updates(shop)[-1].payload["id"]
    await telegram.advance(151)
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(query_id)


async def test_url_buttons_open_what_they_point_at(telegram, shop, bot, ann, invoice):
    link = await bot.create_invoice_link(**invoice)
    message = await bot.send_message(
        ann.id,
        "Look",
        reply_markup=inline(
            {"text": "Invoice", "url": link},
            {"text": "Deep link", "url": "https://t.me/shop_bot?start=x1"},
            {"text": "Site", "url": "https://example.com/"},
        ),
    )
    assert (await ann.presses("Invoice", on=message)).form.amount_stars == 5
    assert (await ann.presses("Deep", on=message)).message.text == "/start x1"
    assert (await ann.presses("Site", on=message)).url == "https://example.com/"


@pytest.mark.parametrize("keyboard", [None, inline({"text": "Give me ⭐5", "pay": True})])
async def test_the_pay_button_opens_the_form(telegram, bot, ann, invoice, keyboard):
    message = await bot.send_invoice(ann.id, **invoice, reply_markup=keyboard)
    pressed = await ann.presses("⭐5", on=message)
    checkout = await ann.begins_to_pay(pressed.form)
    await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
    assert (await checkout.outcome()).status == "paid"


async def test_a_reply_keyboard_button_writes_its_text(telegram, shop, bot, ann):
    keyboard = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Catalogue"), KeyboardButton(text="Help")]])
    message = await bot.send_message(ann.id, "Menu", reply_markup=keyboard)
    assert message.reply_markup is None
    pressed = await ann.presses("Help", on=message)
    assert (pressed.kind, telegram.updates(shop)[-1].payload["text"]) == ("message", "Help")


async def test_a_button_that_is_not_there_is_named(bot, ann):
    message = await bot.send_message(ann.id, "Buy?", reply_markup=inline({"text": "Buy", "callback_data": "b"}))
    with pytest.raises(SimulatorError, match="there are: 'Buy'"):
        await ann.presses("Sell", on=message)


async def test_an_edit_changes_what_the_buyer_sees(telegram, shop, bot, ann):
    message = await bot.send_message(ann.id, "Wait", reply_markup=inline({"text": "Stop", "callback_data": "s"}))
    await telegram.advance(5)
    edited = await bot.edit_message_text("Done", chat_id=ann.id, message_id=message.message_id)
    assert (edited.text, edited.reply_markup, edited.edit_date) == ("Done", None, int(telegram.clock.now()))
    assert ann.messages(shop)[-1].text == "Done"


async def test_edits_that_change_nothing_or_hit_nothing(shop, bot, ann):
    message = await bot.send_message(ann.id, "Same")
    hers = await ann.says("mine", to=shop)
    for message_id, reason in (
        (message.message_id, "message is not modified"),
        (999, "message to edit not found"),
        (hers.message_id, "message can't be edited"),
        (0, "message to edit not found"),
    ):
        with pytest.raises(TelegramBadRequest, match=reason):
            await bot.edit_message_text("Same", chat_id=ann.id, message_id=message_id)


async def test_a_photo_has_no_text_to_edit(bot, ann):
    photo = await bot.send_photo(ann.id, "https://example.com/a.jpg")
    with pytest.raises(TelegramBadRequest, match="there is no text in the message to edit"):
        await bot.edit_message_text("x", chat_id=ann.id, message_id=photo.message_id)


async def test_photos_that_are_none(ann, wire):
    for photo, reason in (
        ("nonsense", "wrong remote file identifier specified: can't unserialize it. Wrong last symbol"),
        ("attach://missing", "there is no photo in the request"),
    ):
        reply = await wire("sendPhoto", chat_id=ann.id, photo=photo)
        assert reply.description == f"Bad Request: {reason}"


async def test_a_deleted_message_is_gone_for_both(telegram, shop, bot, ann):
    message = await bot.send_message(ann.id, "Oops")
    assert await bot.delete_message(ann.id, message.message_id) is True
    assert [seen.text for seen in ann.messages(shop)] == ["/start"]
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await bot.delete_message(ann.id, message.message_id)
    old = await bot.send_message(ann.id, "Old")
    await telegram.advance(48 * 3600 + 1)
    with pytest.raises(TelegramBadRequest, match="message can't be deleted for everyone"):
        await bot.delete_message(ann.id, old.message_id)


async def test_a_reply_quotes_the_message_it_answers(shop, bot, ann):
    question = await ann.says("How much?", to=shop)
    answer = await bot.send_message(ann.id, "5 Stars", reply_parameters=ReplyParameters(message_id=question.message_id))
    assert answer.reply_to_message.text == "How much?"
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(ann.id, "5 Stars", reply_parameters=ReplyParameters(message_id=999))


async def test_formatted_text_comes_as_plain_text_with_entities(shop, bot, ann):
    message = await bot.send_message(ann.id, "⭐🚀 <b>Five</b> Stars", parse_mode="HTML")
    assert message.text == "⭐🚀 Five Stars"
    (entity,) = message.entities
    assert (entity.type, entity.offset, entity.length) == ("bold", 4, 4)
    assert message.html_text == "⭐🚀 <b>Five</b> Stars"


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        ("<b>open", "HTML", "can't parse entities: Can't find end tag corresponding to start tag \"b\""),
        ("<b>x</i>", "HTML", "can't parse entities: Unmatched end tag at byte offset 4"),
        ("<blink>x</blink>", "HTML", 'can\'t parse entities: Unsupported start tag "blink" at byte offset 0'),
        ("costs 5.", "MarkdownV2", "can't parse entities: Character '.' is reserved and must be escaped"),
        ("x", "Nonsense", "unsupported parse_mode"),
        ("x" * 4097, "", "message is too long"),
    ],
)
async def test_text_that_cannot_be_sent(ann, wire, text, mode, reason):
    reply = await wire("sendMessage", chat_id=ann.id, text=text, parse_mode=mode)
    assert reply.status == 400
    assert reply.description.startswith(f"Bad Request: {reason}")


async def test_commands_are_remembered(bot):
    commands = [BotCommand(command="buy", description="Buy a book")]
    assert await bot.set_my_commands(commands) is True
    assert [command.description for command in await bot.get_my_commands()] == ["Buy a book"]
    assert await bot.delete_my_commands() is True
    assert await bot.get_my_commands() == []


async def test_a_blocked_bot_is_not_written_to(shop, ann):
    await ann.blocks(shop)
    with pytest.raises(SimulatorError, match="blocked"):
        await ann.says("hi", to=shop)
