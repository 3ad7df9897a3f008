"""``/_sim/openapi.json``: every route of the server is in it, and the server does what each example says."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from random import Random

import pytest
from aiohttp import web

from neonpay.simulator import RunningClock, Simulator, SteppedClock
from neonpay.simulator.control.described import BODIES
from neonpay.simulator.control.field_words import FIELD_WORDS
from neonpay.simulator.control.routes import add_control
from neonpay.simulator.world import World

BUTTON = {"inline_keyboard": [[{"text": "Buy", "callback_data": "buy"}]]}
ONE_PHOTO = [{"type": "photo", "media": "https://example.com/a.jpg"}]
SUBSCRIBED = {"/users/{user}/cancels_subscription", "/users/{user}/restores_subscription"}


@pytest.fixture
async def telegram():
    """As `neonpay simulate` runs it, with time that passes."""
    async with Simulator(seed=7, clock=RunningClock()) as simulator:
        yield simulator


class Stage:
    """A simulator in which message 1 is Ann's /start, and message 2 what an example needs it to be."""

    def __init__(self, telegram: Simulator, http) -> None:
        self.telegram = telegram
        self.http = http
        self.shop = telegram.bot("bot1_bot")
        self.ann = telegram.user("Ann", stars=5_000)
        self.query_id = ""

    async def post(self, path: str, body: object, *, root: str = "/_sim"):
        async with self.http.post(f"{self.telegram.base_url}{root}{path}", json=body) as response:
            return response.status, json.loads(await response.text())

    async def tell(self, method: str, **params: object):
        status, answer = await self.post(f"/{method}", params, root=f"/bot{self.shop.token}")
        assert status == 200, answer
        return answer["result"]

    async def arrange(self, path: str, invoice: dict[str, object]) -> dict[str, object]:
        """Make the world that an example needs; which of its words stand for what is only known now."""
        if path == "/groups":
            return {}
        await self.ann.says("/start", to=self.shop)
        if path.endswith("/buys"):
            await self.tell("sendPaidMedia", chat_id=self.ann.id, star_count=5, media=ONE_PHOTO)
        elif path.endswith(("/presses", "/reacts")):
            await self.tell("sendMessage", chat_id=self.ann.id, text="Buy?", reply_markup=BUTTON)
        else:
            await self.tell("sendInvoice", chat_id=self.ann.id, **invoice)
        invoices = self.ann.messages(self.shop)
        if path.endswith("/begins"):
            await self.post(f"/users/{self.ann.id}/opens", {"message_id": 2})
        if path == "/checkouts/{query_id}/answers":
            self.query_id = (await self.ann.begins_to_pay(invoices[1])).query_id or ""
        if path == "/bots/{bot}/moves":
            self.shop.balance_stars = 2_000
        group = self.telegram.group("Club", members=[] if path.endswith("/joins") else [self.ann], id=-1001234567890)
        words: dict[str, object] = {"https://t.me/+INVITATION": next(iter(group.links))}
        if path in SUBSCRIBED:
            link = await self.tell("createInvoiceLink", **invoice, subscription_period=2_592_000)
            checkout = await self.ann.begins_to_pay(link)
            await self.tell("answerPreCheckoutQuery", pre_checkout_query_id=checkout.query_id, ok=True)
            words["CHARGE"] = (await checkout.outcome()).charge_id
            if "restores" in path:
                await self.ann.cancels_subscription(str(words["CHARGE"]))
        return words

    async def approve(self) -> None:
        """Let everybody pay and press."""
        seen = 0
        while True:
            for update in await self.tell("getUpdates", timeout=5, offset=seen):
                seen = update["update_id"] + 1
                if query := update.get("pre_checkout_query"):
                    with suppress(AssertionError):  # answered by hand
                        await self.tell("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True)
                if press := update.get("callback_query"):
                    await self.tell("answerCallbackQuery", callback_query_id=press["id"])


@pytest.mark.parametrize("path", sorted(BODIES))
async def test_the_server_does_what_each_example_says(telegram, http, invoice, path):
    async with http.get(f"{telegram.base_url}/_sim/openapi.json") as response:
        described = await response.json()
    example = described["paths"][f"/_sim{path}"]["post"]["requestBody"]["content"]["application/json"]["example"]
    stage = Stage(telegram, http)
    words = await stage.arrange(path, invoice)
    approving = asyncio.create_task(stage.approve()) if path.endswith(("/pays", "/presses")) else None
    url = path.format(user=stage.ann.id, bot="bot1_bot", query_id=stage.query_id, message_id=2) if "{" in path else path
    body = {name: words.get(value, value) if isinstance(value, str) else value for name, value in example.items()}
    status, answer = await stage.post(url, body)
    assert status == 200, answer
    if approving is not None:
        approving.cancel()


async def test_every_route_of_the_server_is_described(telegram, http):
    app = web.Application()
    add_control(app, World(SteppedClock(), Random(1)), from_anywhere=False)  # noqa: S311 - any number will do
    served = {
        (route.method.lower(), str(route.resource.canonical)) for route in app.router.routes() if route.method != "HEAD"
    }
    async with http.get(f"{telegram.base_url}/_sim/openapi.json") as response:
        described = await response.json()
    assert {(verb, path) for path, verbs in described["paths"].items() for verb in verbs} == served


async def test_every_request_says_what_it_does_and_takes(telegram, http):
    async with http.get(f"{telegram.base_url}/_sim/openapi.json") as response:
        described = await response.json()
    said = {f"{verb} {path}": one for path, verbs in described["paths"].items() for verb, one in verbs.items()}
    assert [name for name, one in said.items() if not one.get("summary")] == []
    assert len({one["summary"] for one in said.values()}) >= len(said) - 9, "pictures share theirs, and little else"
    taken = {
        name: [parameter["name"] for parameter in one["parameters"] if parameter["in"] == "query"]
        for name, one in said.items()
    }
    assert {name: names for name, names in taken.items() if names} == {
        "get /_sim/users/{user}/messages": ["bot", "group", "topic"],
        "get /_sim/journal": ["method"],
    }


async def test_every_field_of_a_body_says_what_it_means(telegram, http):
    async with http.get(f"{telegram.base_url}/_sim/openapi.json") as response:
        schemas = (await response.json())["components"]["schemas"]
    said = {
        f"{body}.{name}": one["description"] for body in schemas for name, one in schemas[body]["properties"].items()
    }
    assert len(said) > 60
    assert said["Says.bot"] != said["Blocks.bot"]
    assert ":class:" not in json.dumps(schemas)
    assert {name for name in FIELD_WORDS if "." in name} - said.keys() == {"ToSomewhere.bot", "ToSomewhere.group"}
    assert {name for name in FIELD_WORDS if "." not in name} <= {name.partition(".")[2] for name in said}


async def test_messages_are_asked_for_with_a_place(telegram, http):
    ann = telegram.user("Ann")
    async with http.get(f"{telegram.base_url}/_sim/users/{ann.id}/messages") as response:
        assert (response.status, (await response.json())["error"]) == (400, "give bot or group, behind a question mark")


async def test_what_is_asked_for_in_the_address_is_heeded(telegram, http):
    shop, ann = telegram.bot("bot1_bot"), telegram.user("Ann")
    group = telegram.group("Readers", members=[ann, shop])
    await ann.says("/start", to=shop)
    await ann.says("hello", to=group)

    async def asked(path: str) -> list[dict[str, str]]:
        async with http.get(f"{telegram.base_url}/_sim{path}") as response:
            return next(iter((await response.json()).values()))

    assert [one["text"] for one in await asked(f"/users/{ann.id}/messages?bot=bot1_bot")] == ["/start"]
    assert [one["text"] for one in await asked(f"/users/{ann.id}/messages?group={group.id}") if "text" in one] == [
        "hello"
    ]
    async with http.get(f"{telegram.base_url}/bot{shop.token}/getMe"):
        pass
    assert [one["method"] for one in await asked("/journal?method=getme")] == ["getMe"]
    assert await asked("/journal?method=sendMessage") == []
