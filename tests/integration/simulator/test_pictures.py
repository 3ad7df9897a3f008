"""Pictures of bots, people and invoices: set by the bot, over /_sim/ and by an address, and seen by bots and on the page."""

from __future__ import annotations

import base64
import json

import pytest
from aiogram.types import BufferedInputFile, InputProfilePhotoAnimated, InputProfilePhotoStatic
from aiohttp import FormData, web
from aiohttp.test_utils import TestServer

from neonpay.errors import SimulatorError
from neonpay.simulator import Simulator
from neonpay.simulator.people.attachments import one_pixel
from tests.integration.simulator.test_wire import PNG

PIXEL = one_pixel()
IN_BASE64 = base64.b64encode(PNG).decode()


@pytest.fixture
def control(http, telegram):
    async def ask(path, body=None, *, verb=None, of=telegram):
        url = f"{of.base_url}/_sim{path}"
        async with http.request(verb or ("GET" if body is None else "POST"), url, json=body) as response:
            return response.status, json.loads(await response.text())

    return ask


@pytest.fixture
def shown(http, telegram):
    """What the page shows at an address; None when it shows nothing."""

    async def look(path):
        async with http.get(f"{telegram.base_url}/page/{path}") as response:
            return await response.read() if response.status == 200 else None

    return look


async def test_a_bot_sets_and_removes_the_photo_of_its_profile(shop, bot, shown):
    for content in (PIXEL, PNG):
        assert await bot.set_my_profile_photo(InputProfilePhotoStatic(photo=BufferedInputFile(content, "x.png")))
        assert await shown(f"faces/{shop.id}") == content
    photos = await bot.get_user_profile_photos(shop.id)
    assert (photos.total_count, [sizes[-1].width for sizes in photos.photos]) == (2, [2, 1])
    older = await bot.get_user_profile_photos(shop.id, offset=1, limit=5)
    assert (older.total_count, (await bot.download(older.photos[0][-1].file_id)).read()) == (2, PIXEL)
    assert await bot.remove_my_profile_photo()
    assert await shown(f"faces/{shop.id}") == PIXEL
    for _ in range(2):
        assert await bot.remove_my_profile_photo()
    assert await shown(f"faces/{shop.id}") is None


async def test_an_animated_photo_is_taken_and_not_shown(shop, bot, shown):
    animated = InputProfilePhotoAnimated(animation=BufferedInputFile(b"frames", "x.mp4"), main_frame_timestamp=1.5)
    assert await bot.set_my_profile_photo(animated)
    assert (await bot.get_user_profile_photos(shop.id)).total_count == 1
    assert await shown(f"faces/{shop.id}") is None


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        ("", "Bad Request: photo isn't specified"),
        ("{", "Bad Request: can't parse photo JSON object"),
        ([], "Bad Request: object expected as profile photo"),
        ({}, 'Bad Request: can\'t find field "type"'),
        ({"type": "moving"}, "Bad Request: invalid profile photo type specified"),
        ({"type": "static"}, 'Bad Request: can\'t find field "photo"'),
        ({"type": "static", "photo": "https://example.com/a.png"}, "Bad Request: photo must be uploaded as a file"),
        ({"type": "static", "photo": "attach://other"}, "Bad Request: photo must be uploaded as a file"),
        ({"type": "static", "photo": "attach://words"}, "Bad Request: IMAGE_PROCESS_FAILED"),
        ({"type": "animated"}, 'Bad Request: can\'t find field "animation"'),
        (
            {"type": "animated", "animation": "attach://words", "main_frame_timestamp": "1"},
            'Bad Request: field "main_frame_timestamp" must be of type Number',
        ),
        (
            {"type": "animated", "animation": "attach://words", "main_frame_timestamp": 10.5},
            "Bad Request: wrong main frame timestamp specified",
        ),
    ],
)
async def test_a_photo_that_cannot_be_one_is_refused_in_the_words_of_the_server(shop, wire, photo, words):
    form = FormData({"photo": photo if isinstance(photo, str) else json.dumps(photo)})
    form.add_field("words", b"no picture", filename="words.png")
    reply = await wire.send("POST", "/setMyProfilePhoto", data=form)
    assert (reply.status, reply.description, shop.photos) == (400, words, [])


async def test_pictures_of_bots_and_people_are_given_seen_and_taken_away_over_http(shop, bot, ann, control, shown):
    for path, account in ((f"/users/{ann.id}", ann), ("/bots/shop_bot", shop)):
        assert await control(f"{path}/picture") == (200, {"picture": None})
        _, sent = await control(f"/users/{ann.id}/sends_photo", {"bot": "shop_bot"})
        status, by_id = await control(f"{path}/picture", {"file_id": sent["message"]["photo"][0]["file_id"]})
        assert (status, await shown(f"faces/{account.id}")) == (200, PIXEL)
        status, given = await control(f"{path}/picture", {"content_base64": IN_BASE64})
        assert (given["picture"]["width"], given["picture"]["content_base64"]) == (2, IN_BASE64)
        assert (await bot.get_user_profile_photos(account.id)).photos[0][0].file_id == given["picture"]["file_id"]
        assert (await bot.get_user_profile_photos(account.id)).photos[1][0].file_id == by_id["picture"]["file_id"]
        if account is ann:
            assert (await bot.get_chat(ann.id)).photo.big_file_id == given["picture"]["file_id"]
        assert await control(f"{path}/picture", verb="DELETE") == (200, {"picture": None})
        assert await shown(f"faces/{account.id}") is None


async def test_an_invoice_shows_the_picture_that_it_is_given_without_asking_its_address(
    telegram, ann, wire, invoice, control, shown
):
    url = "http://127.0.0.1:9/tea.png"
    sent = (await wire("sendInvoice", chat_id=ann.id, photo_url=url, **invoice)).result["message_id"]
    assert await shown(f"invoices/{sent}") is None
    status, given = await control(f"/invoices/{sent}/picture", {"content_base64": IN_BASE64})
    assert (status, given["picture"]["height"], await shown(f"invoices/{sent}")) == (200, 3, PNG)
    message = ann.messages(telegram.bot("shop_bot"))[-1]
    telegram.picture(message, PIXEL)
    assert await shown(f"invoices/{sent}") == PIXEL
    assert await control(f"/invoices/{sent}/picture", verb="DELETE") == (200, {"picture": None})
    with pytest.raises(SimulatorError, match="no invoice"):
        telegram.picture(ann.messages(telegram.bot("shop_bot"))[0], PIXEL)


@pytest.mark.parametrize("allowed", [True, False])
async def test_an_address_is_asked_for_a_picture_when_the_owner_allows_it(http, control, allowed):
    asked = []

    async def serve(request):
        asked.append(request.path)
        return web.Response(body=PNG if request.path == "/a.png" else b"words")

    application = web.Application()
    application.router.add_get("/{name}", serve)
    async with TestServer(application) as server, Simulator(fetch_pictures=allowed) as telegram:
        telegram.bot("shop_bot")
        for name in ("a.png", "words"):
            url = str(server.make_url(f"/{name}"))
            status, answer = await control("/bots/shop_bot/picture", {"url": url}, of=telegram)
            if not allowed:
                assert (status, "--fetch-pictures" in answer["error"]) == (400, True)
            elif name == "a.png":
                assert (status, answer["picture"]["content_base64"]) == (200, IN_BASE64)
            else:
                assert (status, "no PNG" in answer["error"]) == (400, True)
    assert asked == (["/a.png", "/words"] if allowed else [])


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/bots/shop_bot/picture", {}, "give content_base64, file_id or url"),
        ("/bots/shop_bot/picture", {"file_id": "x", "url": "http://a"}, "give content_base64, file_id or url"),
        ("/bots/shop_bot/picture", {"content_base64": "?"}, "content_base64 is not base64"),
        ("/bots/shop_bot/picture", {"content_base64": "QQ=="}, "a picture is a PNG, JPEG, GIF or WebP file"),
        ("/bots/shop_bot/picture", {"file_id": "x"}, "no photo with the id 'x' was uploaded"),
        ("/bots/shop_bot/picture", {"url": "file:///etc/passwd"}, "url"),
        ("/bots/nobody_bot/picture", {"file_id": "x"}, "there is no bot 'nobody_bot'"),
        ("/users/5/picture", {"file_id": "x"}, "there is no user 5"),
        ("/invoices/x/picture", {"content_base64": IN_BASE64}, "there is no message x"),
        ("/invoices/1/picture", {"content_base64": IN_BASE64}, "message 1 is no invoice"),
    ],
)
async def test_a_picture_that_cannot_be_given_is_told(ann, control, path, body, words):
    status, answer = await control(path, body)
    assert status == 400
    assert words in json.dumps(answer)
