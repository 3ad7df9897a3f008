"""Messages changed, deleted, forwarded, copied and pinned."""

from __future__ import annotations

import pytest
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto

MORE = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="More", callback_data="more")]])


async def test_captions_files_and_keyboards_are_replaced(shop, bot, ann):
    photo = await bot.send_photo(ann.id, "https://example.com/a.jpg", caption="old", reply_markup=MORE)
    where = {"chat_id": ann.id, "message_id": photo.message_id}
    assert (await bot.edit_message_caption(caption="new", reply_markup=MORE, **where)).caption == "new"
    assert (await bot.edit_message_reply_markup(**where)).reply_markup is None
    edited = await bot.edit_message_media(InputMediaPhoto(media="https://example.com/b.jpg", caption="b"), **where)
    assert (edited.caption, edited.photo[0].file_id != photo.photo[0].file_id) == ("b", True)
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_caption(caption="b", **where)
    assert ann.messages(shop)[-1].caption == "b"


async def test_a_text_gets_a_photo_and_has_no_caption(bot, ann):
    text = await bot.send_message(ann.id, "words")
    where = {"chat_id": ann.id, "message_id": text.message_id}
    with pytest.raises(TelegramBadRequest, match="there is no caption in the message to edit"):
        await bot.edit_message_caption(caption="b", **where)
    edited = await bot.edit_message_media(InputMediaPhoto(media="https://example.com/b.jpg"), **where)
    assert (edited.text, bool(edited.photo)) == (None, True)


async def test_the_keyboard_of_an_invoice_keeps_its_pay_button(bot, ann, invoice):
    message = await bot.send_invoice(ann.id, **invoice)
    with pytest.raises(TelegramBadRequest, match="REPLY_MARKUP_BUY_EMPTY"):
        await bot.edit_message_reply_markup(chat_id=ann.id, message_id=message.message_id, reply_markup=MORE)


async def test_a_person_edits_and_the_bot_hears(telegram, shop, ann):
    message = await ann.says("by", to=shop)
    await ann.edits(message, "buy")
    update = telegram.updates(shop)[-1]
    assert (update.kind, update.payload["text"]) == ("edited_message", "buy")


async def test_many_are_deleted_and_none_is_passed_over(shop, bot, ann):
    numbers = [(await bot.send_message(ann.id, text)).message_id for text in "ab"]
    assert await bot.delete_messages(ann.id, [*numbers, 999]) is True
    assert [message.text for message in ann.messages(shop)] == ["/start"]


async def test_a_fresh_dice_cannot_be_deleted(telegram, bot, ann):
    dice = await bot.send_dice(ann.id)
    with pytest.raises(TelegramBadRequest, match="message can't be deleted for everyone"):
        await bot.delete_message(ann.id, dice.message_id)
    await telegram.advance(24 * 3600 + 1)
    assert await bot.delete_message(ann.id, dice.message_id) is True


async def test_an_invoice_is_forwarded_and_not_copied(telegram, shop, bot, ann, invoice):
    group = telegram.group("Readers", members=[ann], administrators=[shop])
    message = await bot.send_invoice(ann.id, **invoice)
    forwarded = await bot.forward_message(group.id, ann.id, message.message_id)
    assert (forwarded.invoice.title, forwarded.forward_origin.sender_user.id) == ("A book", shop.id)
    assert (await ann.opens(forwarded)).amount_stars == 5
    with pytest.raises(TelegramBadRequest, match="the message can't be copied"):
        await bot.copy_message(group.id, ann.id, message.message_id)


async def test_a_forwarded_invoice_with_a_start_parameter_leads_to_the_bot(telegram, shop, bot, ann, invoice):
    group = telegram.group("Readers", members=[ann], administrators=[shop])
    message = await bot.send_invoice(ann.id, **invoice, start_parameter="book")
    forwarded = await bot.forward_message(group.id, ann.id, message.message_id)
    (button,) = forwarded.reply_markup.inline_keyboard[0]
    assert button.url == "https://t.me/shop_bot?start=book"


async def test_what_is_protected_stays(bot, ann):
    message = await bot.send_message(ann.id, "secret", protect_content=True)
    assert message.has_protected_content is True
    with pytest.raises(TelegramBadRequest, match="the message can't be forwarded"):
        await bot.forward_message(ann.id, ann.id, message.message_id)
    with pytest.raises(TelegramBadRequest, match="messages can't be forwarded"):
        await bot.forward_messages(ann.id, ann.id, [message.message_id])
    with pytest.raises(TelegramBadRequest, match="there are no messages to forward"):
        await bot.copy_messages(ann.id, ann.id, [999])


async def test_a_copy_can_have_a_caption_of_its_own(shop, bot, ann):
    photo = await bot.send_photo(ann.id, "https://example.com/a.jpg", caption="old", reply_markup=MORE)
    await bot.copy_message(ann.id, ann.id, photo.message_id, caption="new")
    await bot.copy_messages(ann.id, ann.id, [photo.message_id], remove_caption=True)
    copies = ann.messages(shop)[-2:]
    assert [(copy.caption, copy.reply_markup, copy.forward_origin) for copy in copies] == [
        ("new", None, None),
        (None, None, None),
    ]


async def test_a_pinned_message_is_told_and_shown(telegram, shop, bot, ann):
    message = await bot.send_message(ann.id, "Prices")
    await bot.pin_chat_message(ann.id, message.message_id)
    assert telegram.updates(shop)[-1].payload["pinned_message"]["text"] == "Prices"
    assert (await bot.get_chat(ann.id)).pinned_message.text == "Prices"
    await bot.unpin_chat_message(ann.id)
    assert (await bot.get_chat(ann.id)).pinned_message is None
    with pytest.raises(TelegramBadRequest, match="message to unpin not found"):
        await bot.unpin_chat_message(ann.id)


async def test_reactions_of_both_sides(telegram, shop, bot, ann, wire):
    hers = await ann.says("Thanks", to=shop)
    await wire(
        "setMessageReaction", chat_id=ann.id, message_id=hers.message_id, reaction=[{"type": "emoji", "emoji": "❤"}]
    )
    assert ann.reactions(hers) == ["❤"]
    await bot.get_updates(allowed_updates=["message_reaction"], timeout=0)
    await ann.reacts(hers, "👍")
    assert telegram.updates(shop)[-1].payload["new_reaction"] == [{"type": "emoji", "emoji": "👍"}]
    reply = await wire(
        "setMessageReaction", chat_id=ann.id, message_id=hers.message_id, reaction=[{"type": "emoji", "emoji": "🧾"}]
    )
    assert reply.description == "Bad Request: REACTION_INVALID"


async def test_a_poll_is_voted_in_and_stopped(telegram, shop, bot, ann):
    message = await bot.send_poll(ann.id, "Which?", ["Book", "Coffee"], is_anonymous=False)
    await ann.votes(message, 1)
    kinds = [update.kind for update in telegram.updates(shop)[-2:]]
    assert kinds == ["poll", "poll_answer"]
    assert telegram.updates(shop)[-1].payload["option_ids"] == [1]
    stopped = await bot.stop_poll(ann.id, message.message_id)
    assert (stopped.is_closed, [option.voter_count for option in stopped.options]) == (True, [0, 1])
    with pytest.raises(TelegramBadRequest, match="poll has already been closed"):
        await bot.stop_poll(ann.id, message.message_id)
