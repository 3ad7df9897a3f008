"""Webhooks: delivery by lane, retries in virtual time, lifetimes, the secret, replies."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from neonpay.simulator import Simulator


class Hook:
    """A bot's web server: answers as told, remembers what it got."""

    def __init__(self) -> None:
        self.got = []
        self.headers = []
        self.answers = []
        self.hold = None
        self.port = 0
        self.changed = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def texts(self):
        return [update["message"]["text"] for update in self.got if "message" in update]

    async def serve(self, request: web.Request) -> web.Response:
        async with self.changed:
            self.got.append(await request.json())
            self.headers.append(dict(request.headers))
            self.changed.notify_all()
        if self.hold is not None and not self.hold.is_set():
            await self.hold.wait()
        return self.answers.pop(0) if self.answers else web.Response()

    async def received(self, count: int):
        async with asyncio.timeout(100), self.changed:
            await self.changed.wait_for(lambda: len(self.got) >= count)
        return self.got


@pytest.fixture
async def hook():
    hook = Hook()
    app = web.Application()
    app.router.add_post("/hook", hook.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.port = runner.addresses[0][1]
    yield hook
    await runner.cleanup()


async def test_updates_are_posted_with_the_secret_and_confirmed_by_2xx(telegram, shop, ann, bot, hook):
    assert await bot.set_webhook(hook.url, secret_token="s3cret-_", drop_pending_updates=True) is True
    await ann.says("hello", to=shop)
    await telegram.idle(shop)
    assert hook.texts == ["hello"]
    assert hook.headers[0]["X-Telegram-Bot-Api-Secret-Token"] == "s3cret-_"
    assert [update.state for update in telegram.updates(shop)] == ["dropped", "confirmed"]


async def test_what_waited_is_delivered_when_a_webhook_is_set(telegram, shop, ann, wire, hook):
    await wire("setWebhook", url=hook.url)
    await telegram.idle(shop)
    assert hook.texts == ["/start"]


async def test_a_failed_delivery_is_tried_again_at_once_then_after_2_4_8_seconds(telegram, shop, ann, wire, hook):
    hook.answers = [web.Response(status=500) for _ in range(5)]
    await wire("setWebhook", url=hook.url)
    await hook.received(2)  # the first, and the retry at once
    for pause_s, tries in ((2, 3), (4, 4), (8, 5), (16, 6)):
        await telegram.advance(pause_s - 0.1)
        assert len(hook.got) == tries - 1
        await telegram.advance(0.1)
        assert len(hook.got) == tries
    await telegram.idle(shop)
    assert len({update["update_id"] for update in hook.got}) == 1
    assert telegram.updates(shop)[0].delivered_count == 6


async def test_the_pause_between_tries_is_capped(telegram, shop, ann, wire, hook):
    hook.answers = [web.Response(status=500) for _ in range(40)]
    await wire("setWebhook", url=hook.url)
    await hook.received(2)
    await telegram.advance(2 + 4 + 8 + 16 + 32 + 64)
    seen = len(hook.got)
    await telegram.advance(1200)
    assert len(hook.got) - seen >= 9  # at most 120 s apart


async def test_the_bots_retry_after_is_honoured(telegram, shop, ann, wire, hook):
    hook.answers = [web.Response(status=503, headers={"Retry-After": "30"})]
    await wire("setWebhook", url=hook.url)
    await hook.received(1)
    await telegram.advance(29)
    assert len(hook.got) == 1
    await telegram.advance(1)
    assert len(hook.got) == 2


async def test_a_pre_checkout_query_is_not_retried_beyond_its_life(telegram, shop, ann, bot, wire, hook, invoice):
    await wire("getUpdates", offset=-1, allowed_updates=["pre_checkout_query"])
    await bot.get_updates(offset=telegram.updates(shop)[-1].update_id + 1, timeout=0)
    hook.answers = [web.Response(status=500) for _ in range(50)]
    await wire("setWebhook", url=hook.url)
    await ann.begins_to_pay(await bot.send_invoice(ann.id, **invoice))
    await hook.received(2)
    await telegram.advance(200)
    assert telegram.updates(shop)[-1].state == "expired"
    tries = len(hook.got)
    await telegram.advance(1000)
    assert len(hook.got) == tries


async def test_one_lane_waits_for_its_head_and_other_lanes_do_not(telegram, shop, ann, bot, wire, hook, invoice):
    hook.hold = asyncio.Event()
    await wire("setWebhook", url=hook.url)
    await hook.received(1)  # Ann's /start hangs
    await ann.says("second", to=shop)
    bob = telegram.user("Bob")
    await bob.says("from bob", to=shop)
    await ann.begins_to_pay(await bot.send_invoice(ann.id, **invoice))
    await hook.received(3)
    assert "second" not in hook.texts
    assert "from bob" in hook.texts
    assert any("pre_checkout_query" in update for update in hook.got)
    hook.hold.set()
    await telegram.idle(shop)
    assert hook.texts[-1] == "second"


async def test_max_connections_bounds_what_is_under_way(telegram, shop, ann, wire, hook):
    hook.hold = asyncio.Event()
    await wire("setWebhook", url=hook.url, max_connections=1)
    await telegram.user("Bob").says("from bob", to=shop)
    await hook.received(1)
    assert hook.texts == ["/start"]
    hook.hold.set()
    await telegram.idle(shop)
    assert hook.texts == ["/start", "from bob"]


async def test_silence_of_60_seconds_is_a_failure(telegram, shop, ann, wire, hook):
    hook.hold = asyncio.Event()
    await wire("setWebhook", url=hook.url)
    await hook.received(1)
    await telegram.advance(60)
    await hook.received(2)
    assert (await wire("getWebhookInfo")).result["last_error_message"] == "Read timeout expired"
    hook.hold.set()
    await telegram.idle(shop)


async def test_a_method_in_the_answer_is_carried_out(telegram, shop, ann, wire, hook):
    hook.answers = [web.json_response({"method": "sendMessage", "chat_id": ann.id, "text": "from the answer"})]
    await wire("setWebhook", url=hook.url)
    assert (await ann.hears(shop)).text == "from the answer"


@pytest.mark.parametrize("method", ["getMe", "deleteWebhook", "setWebhook", "logOut", "close"])
async def test_some_methods_in_the_answer_are_not_carried_out(telegram, shop, ann, wire, hook, method):
    hook.answers = [web.json_response({"method": method})]
    await wire("setWebhook", url=hook.url)
    await telegram.idle(shop)
    assert [call.method for call in telegram.calls()] == ["setWebhook"]


async def test_an_address_that_is_gone_for_23_hours_loses_the_webhook(telegram, shop, ann, wire, hook):
    hook.answers = [web.Response(status=410) for _ in range(2000)]
    await wire("setWebhook", url=hook.url)
    await hook.received(2)
    await telegram.advance(2)
    await ann.says("keep the lane busy", to=shop)
    for _ in range(24):
        await telegram.advance(3600)
    assert (await wire("getWebhookInfo")).result["url"] == ""


async def test_webhook_info_tells_what_waits_and_what_went_wrong(telegram, shop, ann, wire, hook):
    hook.answers = [web.Response(status=500) for _ in range(9)]
    assert (await wire("setWebhook", url=hook.url, max_connections=7)).json["description"] == "Webhook was set"
    await hook.received(2)
    await telegram.advance(0)
    info = (await wire("getWebhookInfo")).result
    assert (info["url"], info["pending_update_count"], info["max_connections"]) == (hook.url, 1, 7)
    assert info["last_error_message"] == "Wrong response from the webhook: 500 Internal Server Error"
    assert (await wire("setWebhook", url=hook.url, max_connections=7)).json["description"] == "Webhook is already set"


async def test_two_changes_within_a_second_are_too_many(telegram, wire, hook):
    await wire("setWebhook", url=hook.url)
    reply = await wire("setWebhook", url=hook.url + "2")
    assert (reply.status, reply.description) == (429, "Too Many Requests: retry after 1")
    assert reply.headers["Retry-After"] == "1"
    await telegram.advance(1)
    assert (await wire("setWebhook", url=hook.url + "2")).status == 200


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"url": "http://example.com/x"}, "bad webhook: An HTTPS URL must be provided for webhook"),
        ({"url": "ftp://127.0.0.1/x"}, "invalid webhook URL specified"),
        (
            {"url": "https://example.com:9000/x"},
            "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        ),
        ({"url": "nonsense"}, "bad webhook: Failed to resolve host: Name or service not known"),
        ({"url": "http://[broken"}, "invalid webhook URL specified"),
        ({"url": "http://127.0.0.1/", "secret_token": "a b"}, "secret token contains unallowed characters"),
        ({"url": "http://127.0.0.1/", "secret_token": "a" * 257}, "secret token is too long"),
    ],
)
async def test_webhooks_that_cannot_be(wire, params, description):
    reply = await wire("setWebhook", **params)
    assert (reply.status, reply.description) == (400, f"Bad Request: {description}")


async def test_stopping_the_simulator_leaves_an_open_delivery(hook):
    hook.hold = asyncio.Event()
    async with Simulator(seed=1) as telegram:
        shop = telegram.bot("shop_bot")
        await telegram.user("Ann").says("hi", to=shop)
        await telegram.post_to(shop, hook.url)
        await hook.received(1)
    hook.hold.set()
    assert telegram.updates(shop)[0].state == "pending"


async def test_a_webhook_that_is_down_is_tried_again_by_telegrams_rules(telegram, shop, ann, wire, hook):
    down = telegram.faults.webhook_down(times=3)
    await wire("setWebhook", url=hook.url)
    await telegram.until(lambda: down.happened == 2)  # the first, and the retry at once
    info = (await wire("getWebhookInfo")).result
    assert info["last_error_message"] == "Connection failed: ConnectionRefusedError"
    assert hook.got == []
    await telegram.advance(2 + 4)
    await telegram.idle(shop)
    assert hook.texts == ["/start"]


async def test_a_duplicate_is_posted_again_after_its_2xx(telegram, shop, ann, wire, hook):
    telegram.faults.duplicate("text")
    await wire("setWebhook", url=hook.url, drop_pending_updates=True)
    await ann.says("hello", to=shop)
    await hook.received(2)
    await telegram.idle(shop)
    assert [update["update_id"] for update in hook.got] == [telegram.updates(shop)[-1].update_id] * 2
