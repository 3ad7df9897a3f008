"""The same over HTTP and without a socket: what each library's own seam carries."""

from __future__ import annotations

import asyncio
import io

import pytest
from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.exceptions import TelegramConflictError, TelegramNetworkError, TelegramUnauthorizedError
from aiogram.types import BufferedInputFile
from telegram.error import BadRequest, NetworkError, RetryAfter, TimedOut
from telegram.ext import ApplicationBuilder, PreCheckoutQueryHandler

from neonpay.simulator import Simulator


@pytest.fixture(params=["http", "in_process"])
def application(telegram, shop, request):
    """python-telegram-bot's application."""
    if request.param == "in_process":
        return telegram.ptb_builder(shop).build()
    builder = ApplicationBuilder().token(shop.token)
    return builder.base_url(f"{telegram.base_url}/bot").base_file_url(f"{telegram.base_url}/file/bot").build()


async def test_a_file_goes_up_and_comes_down(ann, bot):
    content = bytes(range(256)) * 600
    sent = await bot.send_document(ann.id, BufferedInputFile(content, "bytes.bin"), caption="All of them")
    assert (sent.document.file_name, sent.document.file_size, sent.caption) == (
        "bytes.bin",
        len(content),
        "All of them",
    )
    assert (await bot.download(sent.document)).read() == content


async def test_text_survives_whatever_is_in_it(ann, bot):
    text = 'Zürich ⭐ "quoted" & <b> %20 + \n\x7f 名前'
    assert (await bot.send_message(ann.id, text)).text == text


async def test_a_poll_waits_and_is_ended_by_another(telegram, shop, bot):
    waiting = asyncio.create_task(bot.get_updates(timeout=50))
    await telegram.until(lambda: telegram.polling(shop))
    second = asyncio.create_task(bot.get_updates(timeout=50))
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates"):
        await waiting
    await telegram.user("Bob").says("hello", to=shop)
    assert [update.message.text for update in await second] == ["hello"]


async def test_a_poll_that_is_cancelled_is_over(telegram, shop, bot):
    waiting = asyncio.create_task(bot.get_updates(timeout=50))
    await telegram.until(lambda: telegram.polling(shop))
    waiting.cancel()
    await telegram.until(lambda: not telegram.polling(shop))
    assert waiting.cancelled() or isinstance(await asyncio.wait_for(waiting, 100), list)


async def test_defaults_of_the_bot_are_sent(telegram, shop, ann):
    bot = telegram.aiogram_bot("shop_bot", default=DefaultBotProperties(parse_mode="HTML"))
    sent = await bot.send_message(ann.id, "<b>bold</b>")
    assert (sent.text, sent.entities[0].type) == ("bold", "bold")


async def test_a_stranger_in_the_process_is_a_stranger(telegram):
    bot = telegram.aiogram_bot("shop_bot")
    stranger = Bot("1234:" + "a" * 35, session=bot.session)
    with pytest.raises(TelegramUnauthorizedError):
        await stranger.get_me()


async def test_the_test_environment_has_its_own_addresses():
    async with Simulator(test_environment=True) as telegram:
        assert (await telegram.aiogram_bot("shop_bot").get_me()).username == "shop_bot"
        async with telegram.ptb_builder("shop_bot").build() as application:
            assert application.bot.username == "shop_bot"


async def test_a_socketless_bot_needs_no_open_port(ann, shop):
    telegram = Simulator()
    shop = telegram.bot("shop_bot")
    bot, bob = telegram.aiogram_bot(shop), telegram.user("Bob")
    await bob.says("hello", to=shop)
    assert [update.message.text for update in await bot.get_updates()] == ["hello"]


async def test_a_fed_bot_gets_each_update_once_and_confirms_it(telegram, shop, bot):
    dispatcher, seen = Dispatcher(), []

    @dispatcher.message()
    async def note(message):
        seen.append(message.text)
        await message.answer(f"You said {message.text}")

    ann = telegram.user("Ann")
    await ann.says("one", to=shop)
    async with telegram.feeding(shop, lambda update: dispatcher.feed_raw_update(bot, update)):
        assert (await ann.hears(shop)).text == "You said one"
        await ann.says("two", to=shop)
        assert (await ann.hears(shop)).text == "You said two"
        await telegram.idle(shop)
    assert seen == ["one", "two"]
    assert [update.state for update in telegram.updates(shop)] == ["confirmed", "confirmed"]


async def test_an_error_in_a_fed_bot_comes_out_and_leaves_the_update(telegram, shop):
    async def fail(update):
        raise ValueError(update["message"]["text"])

    async def feeds():
        async with telegram.feeding(shop, fail):
            await telegram.until(lambda: False)

    await telegram.user("Ann").says("boom", to=shop)
    with pytest.raises(ValueError, match="boom"):
        await feeds()
    assert telegram.updates(shop)[0].state == "pending"


async def test_python_telegram_bot_sells(telegram, shop, application, ann, invoice):
    async def approve(update, context):
        await update.pre_checkout_query.answer(ok=True)

    application.add_handler(PreCheckoutQueryHandler(approve))
    async with application:
        await application.start()
        await application.updater.start_polling()
        await application.bot.send_invoice(ann.id, provider_token="", **invoice)
        outcome = await ann.pays(await ann.hears(shop))
        await application.updater.stop()
        await application.stop()
    assert (outcome.status, ann.stars) == ("paid", 495)


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")  # of the type of retry_after
async def test_python_telegram_bot_meets_faults(telegram, application, ann):
    bot = application.bot
    async with bot:
        telegram.faults.fail("sendMessage", error_code=429, retry_after=7)
        with pytest.raises(RetryAfter):
            await bot.send_message(ann.id, "hi")
        telegram.faults.drop_connection("sendMessage")
        with pytest.raises(NetworkError):
            await bot.send_message(ann.id, "hi")
        telegram.faults.slow("sendMessage", delay_s=60, real=True)
        with pytest.raises(TimedOut):
            await bot.send_message(ann.id, "hi", read_timeout=0.05)
        with pytest.raises(BadRequest, match="essage text is empty"):
            await bot.send_message(ann.id, "")
        document = await bot.send_document(ann.id, io.BytesIO(b"content"), filename="a.txt")
        file = await bot.get_file(document.document.file_id)
        assert bytes(await file.download_as_bytearray()) == b"content"


async def test_a_slow_answer_is_waited_for_as_long_as_the_client_likes(telegram, ann, bot):
    telegram.faults.slow("sendMessage", delay_s=60, real=True)
    with pytest.raises(TelegramNetworkError, match="Request timeout error"):
        await bot.send_message(ann.id, "hi", request_timeout=0.05)
