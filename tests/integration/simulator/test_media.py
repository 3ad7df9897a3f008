"""Files: sent by bots in every way and by people, and downloaded."""

from __future__ import annotations

import aiohttp
import pytest
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BufferedInputFile,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
)

from neonpay.errors import SimulatorError
from neonpay.simulator.people.attachments import one_pixel

KINDS = ["document", "video", "animation", "audio", "voice", "video_note", "sticker"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_is_sent_by_upload_by_id_and_by_address(shop, bot, ann, kind):
    send = getattr(bot, f"send_{kind}")
    first = await send(ann.id, **{kind: BufferedInputFile(b"bytes", "file.dat")})
    file = getattr(first, kind)
    again = await send(ann.id, **{kind: file.file_id})
    assert getattr(again, kind).file_unique_id == file.file_unique_id
    assert getattr(await send(ann.id, **{kind: "https://example.com/x"}), kind).file_id != file.file_id
    assert (await bot.download(file.file_id)).read() == b"bytes"
    assert len(ann.messages(shop)) == 4


async def test_a_photo_has_the_pixels_of_its_file(bot, ann):
    message = await bot.send_photo(
        ann.id, BufferedInputFile(one_pixel(), "dot.png"), caption="<b>dot</b>", parse_mode="HTML"
    )
    assert (message.photo[0].width, message.photo[0].height, message.photo[0].file_size) == (1, 1, len(one_pixel()))
    assert (message.caption, message.caption_entities[0].type) == ("dot", "bold")
    gif = b"GIF89a" + (3).to_bytes(2, "little") + (2).to_bytes(2, "little") + b"\0" * 4
    assert (await bot.send_photo(ann.id, BufferedInputFile(gif, "x.gif"))).photo[0].width == 3
    with pytest.raises(TelegramBadRequest, match="IMAGE_PROCESS_FAILED"):
        await bot.send_photo(ann.id, BufferedInputFile(b"no picture", "dot.png"))


async def test_the_type_of_a_file_stays(bot, ann):
    photo = await bot.send_photo(ann.id, "https://example.com/a.jpg")
    with pytest.raises(TelegramBadRequest, match="can't use file of type Photo as Document"):
        await bot.send_document(ann.id, photo.photo[0].file_id)


async def test_what_was_sent_by_address_cannot_be_downloaded(wire, bot, ann):
    photo = await bot.send_photo(ann.id, "https://example.com/a.jpg")
    reply = await wire("getFile", file_id=photo.photo[0].file_id)
    assert (reply.status, reply.description.partition(":")[0]) == (501, "Not simulated")
    assert (await wire("getFile", file_id="nonsense")).description == "Bad Request: invalid file_id"


async def test_a_bot_downloads_what_a_person_sends(telegram, shop, bot, ann):
    await ann.sends_photo(to=shop, content=one_pixel(), caption="look")
    await ann.sends_document(to=shop, content=b"%PDF-", file_name="bill.pdf")
    photo, document = (update.payload for update in telegram.updates(shop)[-2:])
    assert photo["caption"] == "look"
    assert (document["document"]["file_name"], document["document"]["mime_type"]) == ("bill.pdf", "application/pdf")
    assert (await bot.download(document["document"]["file_id"])).read() == b"%PDF-"
    with pytest.raises(SimulatorError, match="IMAGE_PROCESS_FAILED"):
        await ann.sends_photo(to=shop, content=b"no picture")


async def test_a_person_sends_contact_and_place(telegram, shop, ann):
    contact = (await ann.sends_contact(to=shop)).contact
    assert (contact.first_name, contact.user_id, contact.phone_number[:5]) == ("Ann", ann.id, "+1555")
    assert (await ann.sends_location(52.5, 13.4, to=shop)).location.latitude == 52.5
    assert [set(update.payload) & {"contact", "location"} for update in telegram.updates(shop)[-2:]] == [
        {"contact"},
        {"location"},
    ]
    with pytest.raises(SimulatorError, match="is no place"):
        await ann.sends_location(91, 0, to=shop)


async def test_an_album_is_one_group(bot, ann):
    upload = BufferedInputFile(one_pixel(), "dot.png")
    messages = await bot.send_media_group(
        ann.id, [InputMediaPhoto(media=upload, caption="both"), InputMediaVideo(media="https://example.com/a.mp4")]
    )
    assert len({message.media_group_id for message in messages}) == 1
    assert [message.caption for message in messages] == ["both", None]


@pytest.mark.parametrize(
    ("media", "reason"),
    [
        ([InputMediaAudio(media="https://a.b/1"), InputMediaDocument(media="https://a.b/2")], "can't be mixed"),
        ([InputMediaPhoto(media="https://a.b/1")] * 11, "too many messages to send as an album"),
        ([], "there are no messages to send"),
    ],
)
async def test_albums_that_telegram_does_not_take(bot, ann, media, reason):
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.send_media_group(ann.id, media)


async def test_a_file_is_nobodys_without_the_token(telegram, bot, shop, ann):
    message = await bot.send_document(ann.id, BufferedInputFile(b"bytes", "a.txt"))
    path = (await bot.get_file(message.document.file_id)).file_path
    async with aiohttp.ClientSession() as http:
        for token, status in ((shop.token, 200), ("1:wrong", 401)):
            async with http.get(f"{telegram.base_url}/file/bot{token}/{path}") as response:
                assert response.status == status


async def test_places_contacts_and_dice(bot, ann, wire):
    venue = await bot.send_venue(ann.id, 1.5, 2.5, "Shop", "Street 1")
    assert (venue.venue.title, venue.location.longitude) == ("Shop", 2.5)
    assert (await bot.send_contact(ann.id, "+15550001", "Bob")).contact.first_name == "Bob"
    assert 1 <= (await bot.send_dice(ann.id, emoji="🎰")).dice.value <= 64
    assert (await wire("sendLocation", chat_id=ann.id, latitude="abc", longitude="7")).result["location"][
        "latitude"
    ] == 0
    assert (await wire("sendLocation", chat_id=ann.id, latitude="1")).description == "Bad Request: longitude is empty"
    assert (await wire("sendChatAction", chat_id=ann.id, action="sleep")).description == (
        "Bad Request: wrong parameter action in request"
    )
