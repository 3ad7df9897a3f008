"""Groups, replies and photos over /_sim/, and its description of itself."""

from __future__ import annotations

import base64
import json

import pytest

from neonpay.simulator.control.described import BODIES
from tests.integration.simulator.test_wire import PNG


@pytest.fixture
def control(http, telegram):
    async def ask(path, body=None):
        url = f"{telegram.base_url}/_sim{path}"
        request = http.get(url) if body is None else http.post(url, json=body)
        async with request as response:
            return response.status, json.loads(await response.text())

    return ask


async def test_a_channel_is_made_and_heard_over_http(telegram, shop, bot, ann, control):
    order = {
        "title": "Club",
        "kind": "channel",
        "id": -1001234567890,
        "members": [ann.id],
        "administrators": ["shop_bot"],
    }
    status, made = await control("/groups", order)
    assert (status, made["id"], set(made["members"]) >= {ann.id, shop.id}) == (200, -1001234567890, True)
    await bot.send_message(-1001234567890, "News")
    status, seen = await control(f"/users/{ann.id}/messages?group=-1001234567890")
    assert seen["messages"][-1]["text"] == "News"
    status, listed = await control("/groups")
    assert [group["title"] for group in listed["groups"]] == ["Club"]


async def test_people_write_reply_and_send_photos_in_a_group_over_http(telegram, shop, ann, control):
    group = telegram.group("Readers", members=[ann], administrators=[shop])
    status, first = await control(f"/users/{ann.id}/says", {"group": group.id, "text": "Hello"})
    number = first["message"]["message_id"]
    await control(f"/users/{ann.id}/says", {"group": group.id, "text": "Me again", "reply_to": number})
    assert telegram.updates(shop)[-1].payload["reply_to_message"]["message_id"] == number
    photo = {"group": group.id, "caption": "Look", "content_base64": base64.b64encode(PNG).decode()}
    status, sent = await control(f"/users/{ann.id}/sends_photo", photo)
    assert (status, sent["message"]["photo"][0]["width"], sent["message"]["caption"]) == (200, 2, "Look")
    assert telegram.updates(shop)[-1].payload["caption"] == "Look"


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("says", {"text": "x"}, "give bot or group"),
        ("says", {"text": "x", "bot": "shop_bot", "group": 1}, "give bot or group"),
        ("says", {"text": "x", "group": -5}, "there is no group -5"),
        ("says", {"text": "x", "bot": "shop_bot", "reply_to": 999}, "there is no message 999"),
        ("sends_photo", {"bot": "shop_bot", "content_base64": "?"}, "content_base64 is not base64"),
        ("sends_photo", {"bot": "shop_bot", "content_base64": "QQ=="}, "cannot send this photo"),
    ],
)
async def test_what_cannot_be_done_is_told(ann, control, path, body, words):
    status, answer = await control(f"/users/{ann.id}/{path}", body)
    assert status == 400
    assert words in json.dumps(answer)


async def test_every_body_is_described_with_an_example_that_it_takes(control):
    _, described = await control("/openapi.json")
    _, index = await control("/")
    posts = {path.removeprefix("/_sim") for path, verbs in described["paths"].items() if "post" in verbs}
    assert posts == set(BODIES)
    assert len(described["paths"]) == len({route.split(" ")[1] for route in index["routes"]})
    for order, example in BODIES.values():
        order.model_validate_json(json.dumps(example))
    names = set(described["components"]["schemas"])
    for reference in json.dumps(described).split('"#/components/schemas/')[1:]:
        assert reference.partition('"')[0] in names


async def test_a_forum_is_made_and_written_in_over_http(telegram, shop, ann, control):
    order = {"title": "Club", "topics": ["Orders"], "members": [ann.id], "administrators": ["shop_bot"]}
    _, made = await control("/groups", order)
    place = {"group": made["id"], "topic": made["topics"]["Orders"]}
    await control(f"/users/{ann.id}/says", {**place, "text": "Where is it?"})
    assert telegram.updates(shop)[-1].payload["message_thread_id"] == place["topic"]
    _, seen = await control(f"/users/{ann.id}/messages?group={made['id']}&topic={place['topic']}")
    assert [message["text"] for message in seen["messages"] if "text" in message] == ["Where is it?"]
    for path, body in (
        ("says", {"text": "x", **place, "topic": 999}),
        ("says", {"text": "x", "bot": "shop_bot", "topic": 1}),
    ):
        assert (await control(f"/users/{ann.id}/{path}", body))[0] == 400
