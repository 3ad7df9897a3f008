"""Paid media: sent, seen, bought and given back, with aiogram as the bot's library."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiogram import Dispatcher
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BufferedInputFile, InputPaidMediaPhoto, InputPaidMediaVideo

from neonpay.errors import SimulatorError

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (40).to_bytes(4, "big") + (30).to_bytes(4, "big") + b"\x08\x06\0\0\0"
PHOTO = {"type": "photo", "media": "https://example.com/a.jpg"}


def picture(name="a.png"):
    return InputPaidMediaPhoto(media=BufferedInputFile(PNG, name))


async def news(bot):
    updates = await bot.get_updates(timeout=0)
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1, timeout=0)
    return updates


async def test_the_bot_sees_what_it_sends_and_the_buyer_a_preview(shop, bot, ann):
    video = InputPaidMediaVideo(media=BufferedInputFile(b"moving", "b.mp4"), width=64, height=48, duration=7)
    sent = await bot.send_paid_media(ann.id, star_count=20, media=[picture(), video], caption="Look", payload="p")
    assert sent.paid_media.star_count == 20
    assert [item.type for item in sent.paid_media.paid_media] == ["photo", "video"]
    assert (sent.paid_media.paid_media[0].photo[-1].width, sent.paid_media.paid_media[1].video.duration) == (40, 7)
    heard = await ann.hears(shop, containing="Look")
    previews = heard.paid_media.paid_media
    assert [item.type for item in previews] == ["preview", "preview"]
    assert [(item.width, item.height, item.duration) for item in previews] == [(40, 30, None), (64, 48, 7)]


async def test_a_purchase_moves_stars_shows_the_media_and_tells_the_payload(telegram, shop, bot, ann):
    sent = await bot.send_paid_media(ann.id, star_count=20, media=[picture()], payload="pictures-1")
    await news(bot)
    outcome = await ann.buys(await ann.hears(shop))
    assert (outcome.status, outcome.amount_stars, outcome.query_id) == ("paid", 20, None)
    assert (ann.stars, telegram.balance(shop)) == (480, 20)
    assert ann.messages(shop)[-1].paid_media.model_dump() == sent.paid_media.model_dump()
    (update,) = await news(bot)
    assert update.purchased_paid_media.from_user.id == ann.id
    assert update.purchased_paid_media.paid_media_payload == "pictures-1"
    assert telegram.updates(shop)[-1].payload.keys() == {"from", "paid_media_payload"}


async def test_a_purchase_without_a_payload_is_told_by_its_transaction_alone(bot, shop, ann):
    sent = await bot.send_paid_media(ann.id, star_count=20, media=[picture()])
    await news(bot)
    outcome = await ann.buys(sent)
    assert await news(bot) == []
    (row,) = (await bot.get_star_transactions()).transactions
    assert (row.id, row.amount, row.source.transaction_type) == (outcome.charge_id, 20, "paid_media_payment")
    assert row.source.paid_media == sent.paid_media.paid_media
    assert (row.source.paid_media_payload, row.source.invoice_payload) == (None, None)


async def test_the_transaction_names_the_payload(bot, ann):
    await ann.buys(await bot.send_paid_media(ann.id, star_count=1, media=[picture()], payload="p-7"))
    (row,) = (await bot.get_star_transactions()).transactions
    assert (row.source.paid_media_payload, row.source.user.id) == ("p-7", ann.id)


async def test_a_purchase_is_given_back_by_the_id_of_its_transaction(telegram, shop, bot, ann):
    outcome = await ann.buys(await bot.send_paid_media(ann.id, star_count=20, media=[picture()], payload="p"))
    await news(bot)
    assert await bot.refund_star_payment(ann.id, outcome.charge_id) is True
    assert (ann.stars, telegram.balance(shop)) == (500, 0)
    (update,) = await news(bot)
    assert update.message.refunded_payment.telegram_payment_charge_id == outcome.charge_id
    rows = (await bot.get_star_transactions()).transactions
    assert [(row.id, (row.source or row.receiver).transaction_type) for row in rows] == [
        (outcome.charge_id, "paid_media_payment")
    ] * 2
    assert rows[1].source is None


async def test_who_has_too_few_stars_buys_nothing(telegram, shop, bot, ann):
    sent = await bot.send_paid_media(ann.id, star_count=501, media=[picture()], payload="p")
    await news(bot)
    assert (await ann.buys(sent)).reason == "BALANCE_TOO_LOW"
    assert (ann.stars, telegram.balance(shop), await news(bot)) == (500, 0, [])
    assert ann.messages(shop)[-1].paid_media.paid_media[0].type == "preview"


async def test_what_cannot_be_bought_says_so(telegram, shop, bot, ann):
    sent = await bot.send_paid_media(ann.id, star_count=1, media=[picture()])
    await ann.buys(sent)
    with pytest.raises(SimulatorError, match="MEDIA_ALREADY_PAID"):
        await ann.buys(sent)
    with pytest.raises(SimulatorError, match="no paid media"):
        await ann.buys(await bot.send_message(ann.id, "words"))
    with pytest.raises(SimulatorError, match="does not see"):
        await telegram.user("Bob", stars=5).buys(sent)


async def test_a_forwarded_copy_is_sold_too_and_the_bot_gets_the_stars(telegram, shop, bot, ann):
    sent = await bot.send_paid_media(ann.id, star_count=5, media=[picture()], payload="p")
    await ann.buys(sent)
    bob = telegram.user("Bob", stars=5)
    copy = await bob.receives(sent)
    assert copy.paid_media.paid_media[0].type == "preview"
    assert (await bob.buys(copy)).status == "paid"
    assert telegram.balance(shop) == 10


async def test_media_are_sent_by_upload_id_and_address(bot, ann):
    first = await bot.send_paid_media(ann.id, star_count=1, media=[picture()])
    file_id = first.paid_media.paid_media[0].photo[-1].file_id
    media = [InputPaidMediaPhoto(media=file_id), InputPaidMediaPhoto(media="https://example.com/a.jpg")]
    second = await bot.send_paid_media(ann.id, star_count=1, media=media)
    assert second.paid_media.paid_media[0].photo[-1].file_id == file_id
    assert (await bot.download(file_id)).read() == PNG


async def test_a_video_has_a_cover_and_a_start(bot, ann):
    video = InputPaidMediaVideo(
        media="https://example.com/b.mp4", cover=BufferedInputFile(PNG, "c.png"), start_timestamp=3, duration=9
    )
    sent = await bot.send_paid_media(ann.id, star_count=1, media=[video])
    (item,) = sent.paid_media.paid_media
    assert (item.video.cover[-1].width, item.video.start_timestamp.timestamp(), item.video.duration) == (40, 3, 9)


@pytest.mark.parametrize(
    ("change", "description"),
    [
        ({"star_count": 0}, "invalid media price specified"),
        ({"star_count": "abc"}, "invalid media price specified"),
        ({"star_count": 25_001}, "invalid media price specified"),
        ({"media": []}, "invalid number of paid media specified"),
        ({"media": [PHOTO] * 11}, "invalid number of paid media specified"),
        ({"media": None}, 'parameter "media" is required'),
        ({"media": PHOTO}, "expected an Array of InputPaidMedia"),
        ({"media": "["}, "can't parse paid media JSON object"),
        ({"media": ["x"]}, "can't parse InputPaidMedia: expected an Object"),
        (
            {"media": [{"type": "audio", "media": "x"}]},
            'can\'t parse InputPaidMedia: type "audio" is unsupported',
        ),
        ({"media": [{"type": "photo"}]}, "can't parse InputPaidMedia: media not found"),
        ({"media": [{"type": "photo", "media": "attach://gone"}]}, "can't parse InputPaidMedia: media not found"),
        ({"media": [{"type": "photo", "media": "AAAAAAAE"}]}, "wrong file identifier/HTTP URL specified"),
        ({"payload": "x" * 129}, "INVOICE_PAYLOAD_INVALID"),
        ({"payload": "é" * 65}, "INVOICE_PAYLOAD_INVALID"),
        ({"chat_id": 5}, "chat not found"),
    ],
)
async def test_what_telegram_does_not_sell(ann, wire, change, description):
    params = {"chat_id": ann.id, "star_count": 5, "media": [PHOTO]} | change
    reply = await wire("sendPaidMedia", **params)
    assert (reply.status, reply.description) == (400, f"Bad Request: {description}")


@pytest.mark.parametrize(
    "change",
    [{"star_count": 1}, {"star_count": 25_000}, {"media": [PHOTO] * 10}, {"payload": "é" * 64}, {"payload": ""}],
)
async def test_what_it_sells_at_the_edge(ann, wire, change):
    params = {"chat_id": ann.id, "star_count": 5, "media": [PHOTO]} | change
    assert (await wire("sendPaidMedia", **params)).result["paid_media"]["star_count"] == params["star_count"]


async def test_a_photo_is_no_video(bot, ann, wire):
    first = await bot.send_paid_media(ann.id, star_count=1, media=[picture()])
    file_id = first.paid_media.paid_media[0].photo[-1].file_id
    media = [{"type": "video", "media": file_id}]
    reply = await wire("sendPaidMedia", chat_id=ann.id, star_count=1, media=json.dumps(media))
    assert reply.description == "Bad Request: can't use file of type Photo as Video"


async def test_live_photos_are_refused_loudly(ann, wire):
    media = [{"type": "live_photo", "media": "x", "photo": "y"}]
    assert (await wire("sendPaidMedia", chat_id=ann.id, star_count=1, media=media)).status == 501


async def test_paid_media_have_no_text_to_edit(bot, ann):
    sent = await bot.send_paid_media(ann.id, star_count=1, media=[picture()])
    with pytest.raises(TelegramBadRequest, match="no text in the message"):
        await bot.edit_message_text("x", chat_id=ann.id, message_id=sent.message_id)


async def test_an_affiliate_has_a_share_of_paid_media_too(telegram, shop, bot, ann):
    telegram.treasury(shop).shares_sales(100, is_net=False)
    await ann.buys(await bot.send_paid_media(ann.id, star_count=20, media=[picture()]))
    (row,) = (await bot.get_star_transactions()).transactions
    assert (row.source.affiliate.commission_per_mille, row.source.affiliate.amount) == (100, 2)


async def test_what_a_channel_sells_is_the_channels(telegram, shop, bot, ann):
    channel = telegram.channel("News", members=[ann], administrators=[shop])
    sent = await bot.send_paid_media(channel.id, star_count=20, media=[picture()], payload="p")
    await news(bot)
    outcome = await ann.buys(sent)
    assert (outcome.status, outcome.charge_id) == ("paid", None)
    assert (ann.stars, channel.balance_stars, telegram.balance(shop)) == (480, 20, 0)
    assert await news(bot) == []
    assert (await bot.get_star_transactions()).transactions == []
    assert ann.messages(channel)[-1].paid_media.paid_media[0].type == "photo"


async def test_in_a_group_each_member_buys_for_themselves_and_the_bot_is_paid(telegram, shop, bot, ann):
    bob = telegram.user("Bob", stars=50)
    group = telegram.group("Club", members=[ann, bob, shop])
    sent = await bot.send_paid_media(group.id, star_count=20, media=[picture()], payload="p")
    await news(bot)
    await ann.buys(sent)
    kinds = [one.messages(group)[-1].paid_media.paid_media[0].type for one in (ann, bob)]
    assert kinds == ["photo", "preview"]
    await bob.buys(await bob.hears(shop, in_=group))
    assert [update.purchased_paid_media.from_user.id for update in await news(bot)] == [ann.id, bob.id]
    assert telegram.balance(shop) == 40


async def test_a_router_of_aiogram_hears_of_sales(telegram, shop, bot, ann):
    dispatcher, heard = Dispatcher(), []

    @dispatcher.purchased_paid_media()
    async def bought(purchase):
        heard.append(purchase.paid_media_payload)
        await bot.send_message(purchase.from_user.id, "Enjoy")

    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False))
    await ann.buys(await bot.send_paid_media(ann.id, star_count=1, media=[picture()], payload="p"))
    assert (await ann.hears(shop, containing="Enjoy")).text == "Enjoy"
    assert heard == ["p"]
    await dispatcher.stop_polling()
    await polling
