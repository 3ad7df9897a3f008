"""The journal has every call and no token."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

import pytest

from neonpay.errors import SimulatorError
from neonpay.simulator import Simulator, SteppedClock


async def test_calls_are_written_with_params_result_and_time(telegram, ann, wire):
    await wire("sendMessage", chat_id=ann.id, text="hi", disable_notification=True)
    await telegram.advance(5)
    await wire("sendMessage", chat_id=ann.id, text="")
    good, bad = telegram.calls("sendmessage")
    assert good.params == {"chat_id": ann.id, "text": "hi", "disable_notification": True}
    assert (good.ok, good.result["text"], good.bot) == (True, "hi", "shop_bot")
    assert (bad.ok, bad.error_code, bad.description) == (False, 400, "Bad Request: message text is empty")
    assert (bad.at - good.at).total_seconds() == 5
    assert good.at.tzinfo is UTC


async def test_what_was_said_stays_as_it_was_said(telegram, ann, wire):
    sent = (await wire("sendMessage", chat_id=ann.id, text="first")).result
    await wire("setMyCommands", commands=[{"command": "a", "description": "b"}])
    await wire("getMyCommands")
    await wire("editMessageText", chat_id=ann.id, message_id=sent["message_id"], text="second")
    await wire("deleteMyCommands")
    assert telegram.calls("sendMessage")[0].result == sent
    assert telegram.calls("editMessageText")[0].result["text"] == "second"
    assert telegram.calls("getMyCommands")[0].result == [{"command": "a", "description": "b"}]
    assert telegram.calls("getMyCommands")[0].result is telegram.calls("getMyCommands")[0].result


async def test_a_call_can_be_waited_for(telegram, wire):
    with pytest.raises(SimulatorError, match=r"2 calls of getMe"):
        await telegram.called("getMe", count=2, timeout_s=0.01)
    await wire("getMe")
    await wire("getMe")
    assert len(await telegram.called("getMe", count=2)) == 2


async def test_no_token_and_no_secret_is_in_journal_repr_or_log(telegram, shop, ann, wire, http, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    url = f"http://127.0.0.1:9/{shop.token}"
    await wire("setWebhook", url=url, secret_token="very-secret", allowed_updates=["message"])
    await wire("getWebhookInfo")
    await wire("sendMessage", chat_id=ann.id, text=f"my token is {shop.token}")
    await wire("sendMessage", **{"chat_id": 1, "text": "x", shop.token: shop.token})
    await wire(f"get{shop.token}")
    await wire.send("POST", "/getMe", data=b"{", headers={"Content-Type": "application/json"})
    wire.root = f"{telegram.base_url}/bot{shop.token}x"
    await wire("getMe")
    async with http.get(f"{telegram.base_url}/_sim/journal") as response:
        journal = await response.text()
    seen = [
        repr(telegram.calls()), journal, repr(shop), repr(telegram), repr(ann), caplog.text, *capfd.readouterr(),
        json.dumps([call.result for call in telegram.calls()]),
    ]  # fmt: skip
    secret_half = shop.token.partition(":")[2]
    for text in seen:
        assert secret_half not in text
        assert "very-secret" not in text
    assert len(telegram.calls()) == 6


async def test_a_token_that_nobody_gave_is_another_one_in_each_run():
    tokens = {Simulator(seed=1).bot("shop_bot").token for _ in range(5)}
    assert len(tokens) == 5
    assert len({token.partition(":")[0] for token in tokens}) == 1
    assert all(re.fullmatch(r"\d+:[A-Za-z0-9_-]{35}", token) for token in tokens)
    assert Simulator().bot("shop_bot", token="42:mine").token == "42:mine"


async def test_the_same_seed_gives_the_same_run():
    async def run(seed):
        async with Simulator(seed=seed, clock=SteppedClock(1_800_000_000)) as telegram:
            shop = telegram.bot("shop_bot")
            ann = telegram.user("Ann", stars=5)
            await ann.says("/start", to=shop)
            await telegram.advance(7)
            return shop.id, ann.id, telegram.updates(shop)[0].body, telegram.clock.moment()

    assert await run(1) == await run(1)
    assert (await run(1))[:2] != (await run(2))[:2]
    assert (await run(1))[3] == datetime.fromtimestamp(1_800_000_007, UTC)


async def test_two_simulators_do_not_know_each_other():
    async with Simulator(seed=1) as one, Simulator(seed=1) as two:
        one.bot("shop_bot")
        one.user("Ann")
        assert one.base_url != two.base_url
        assert two.users() == []


@pytest.mark.parametrize("token", ["nonsense", "12:", ":abc", "12:a b", "12:a/b"])
async def test_a_token_that_cannot_be_one_is_refused_and_not_repeated(telegram, token):
    with pytest.raises(SimulatorError) as caught:
        telegram.bot("other_bot", token=token)
    assert "a b" not in str(caught.value)


@pytest.mark.parametrize("stars", [-1, 1.5, True, "5"])
async def test_a_balance_is_whole_stars(telegram, stars):
    with pytest.raises(SimulatorError, match="whole number"):
        telegram.user("Ann", stars=stars)
