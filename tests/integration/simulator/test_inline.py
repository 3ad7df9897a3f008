"""Inline mode: queries, results, invoices among them, and the messages that come of them."""

from __future__ import annotations

import asyncio

import pytest
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InlineQueryResultPhoto,
    InlineQueryResultsButton,
    InputInvoiceMessageContent,
    InputTextMessageContent,
    LabeledPrice,
)

GO = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Go", callback_data="go")]])


def article(content, **more):
    return InlineQueryResultArticle(id="1", title="A book", input_message_content=content, **more)


@pytest.fixture
def invoice_content():
    return InputInvoiceMessageContent(
        title="A book", description="About Stars", payload="order-1", currency="XTR",
        prices=[LabeledPrice(label="Book", amount=5)],
    )  # fmt: skip


async def answered(telegram, shop, bot, ann, results, **more):
    asking = asyncio.create_task(ann.asks(shop, "book"))
    update = await telegram.until(
        lambda: next((one for one in telegram.updates(shop) if one.kind == "inline_query"), None)
    )
    assert (update.payload["query"], update.payload["chat_type"]) == ("book", "sender")
    await bot.answer_inline_query(update.payload["id"], results, **more)
    return await asking


async def test_a_picked_text_is_sent_and_the_bot_hears(telegram, shop, bot, ann):
    text = InputTextMessageContent(message_text="*Hi*", parse_mode="MarkdownV2")
    button = InlineQueryResultsButton(text="Sign in", start_parameter="in")
    answer = await answered(telegram, shop, bot, ann, [article(text)], button=button)
    assert (answer.results[0].title, answer.button_text, answer.start_parameter) == ("A book", "Sign in", "in")
    group = telegram.group("Readers", members=[ann, shop])
    message = await ann.picks(0, of=answer, in_=group)
    assert (message.text, message.via_bot.id, message.from_user.id) == ("Hi", shop.id, ann.id)
    heard, chosen = telegram.updates(shop)[-2:]
    assert (heard.kind, chosen.kind) == ("message", "chosen_inline_result")
    assert "inline_message_id" not in chosen.payload


async def test_an_inline_message_is_pressed_and_edited_by_its_id(telegram, shop, bot, ann):
    answer = await answered(
        telegram, shop, bot, ann, [article(InputTextMessageContent(message_text="Hi"), reply_markup=GO)]
    )
    message = await ann.picks("1", of=answer)
    inline_id = telegram.updates(shop)[-1].payload["inline_message_id"]
    await ann.presses("Go", on=message, wait=False)
    query = telegram.updates(shop)[-1].payload
    assert (query["inline_message_id"], "message" in query) == (inline_id, False)
    assert await bot.edit_message_text("Done", inline_message_id=inline_id) is True
    assert ann.messages(shop)[-1].text == "Done"
    with pytest.raises(TelegramBadRequest, match="MESSAGE_ID_INVALID"):
        await bot.edit_message_text("Done", inline_message_id="nonsense")


async def test_an_invoice_sent_inline_is_paid_by_whoever_sees_it(telegram, shop, bot, ann, invoice_content):
    bob = telegram.user("Bob", stars=9)
    group = telegram.group("Readers", members=[ann, bob])
    answer = await answered(telegram, shop, bot, ann, [article(invoice_content)])
    message = await ann.picks(0, of=answer, in_=group)
    assert message.invoice.total_amount == 5
    checkout = await bob.begins_to_pay(message)
    await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
    assert ((await checkout.outcome()).status, bob.stars, telegram.balance(shop)) == ("paid", 4, 5)


async def test_an_inline_invoice_is_checked_like_any_other(telegram, shop, bot, ann, invoice_content):
    wrong = invoice_content.model_copy(update={"payload": "x" * 129})
    asking = asyncio.create_task(ann.asks(shop, "book", timeout_s=0.05))
    await asyncio.wait([asking])
    assert asking.exception() is not None
    query_id = telegram.updates(shop)[-1].payload["id"]
    with pytest.raises(TelegramBadRequest, match="INVOICE_PAYLOAD_INVALID"):
        await bot.answer_inline_query(query_id, [article(wrong)])


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ("nonsense", "can't parse JSON encoded inline query results JSON object"),
        ({}, "expected an Array of inline query results"),
        ([{}] * 51, "too many inline query results specified"),
        ([{"type": "game", "id": "1"}], "Not simulated"),
        ([{"type": "dream", "id": "1"}], 'type "dream" is unsupported for the inline query result'),
        ([{"type": "article", "id": "1", "title": "t"}], 'Can\'t find field "message_text"'),
        ([{"type": "photo", "id": "1"}], 'Can\'t find field "photo_file_id"'),
        ([{"type": "article", "id": "x" * 65, "title": "t", "message_text": "m"}], "RESULT_ID_INVALID"),
    ],
)
async def test_results_that_are_none(wire, results, reason):
    reply = await wire("answerInlineQuery", inline_query_id="1", results=results)
    assert reply.status in {400, 501}
    assert reason in reply.description


async def test_an_answer_comes_once_and_in_time(telegram, shop, bot, ann):
    photo = InlineQueryResultPhoto(id="1", photo_url="https://a.b/c.jpg", thumbnail_url="https://a.b/c.jpg")
    await answered(telegram, shop, bot, ann, [photo])
    query_id = telegram.updates(shop)[-1].payload["id"]
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_inline_query(query_id, [photo])


async def test_a_mini_app_sends_a_message_and_prepares_one(telegram, shop, bot, ann):
    result = article(InputTextMessageContent(message_text="From the app"), reply_markup=GO)
    sent = await bot.answer_web_app_query(ann.opens_web_app(shop), result)
    assert ann.messages(shop)[-1].text == "From the app"
    assert await bot.edit_message_text("Edited", inline_message_id=sent.inline_message_id) is True
    prepared = await bot.save_prepared_inline_message(ann.id, result)
    assert prepared.expiration_date > telegram.clock.now()
