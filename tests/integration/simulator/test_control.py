"""People played from another process through /_sim/."""

from __future__ import annotations

import asyncio
import json

import pytest

from neonpay.simulator import RunningClock, Simulator


@pytest.fixture
def control(http, telegram):
    async def ask(path, body=None, **options):
        url = f"{telegram.base_url}/_sim{path}"
        request = http.get(url, **options) if body is None else http.post(url, json=body, **options)
        async with request as response:
            return response.status, json.loads(await response.text())

    return ask


async def test_a_purchase_is_played_over_http(telegram, shop, bot, control, invoice):
    status, ann = await control("/users", {"name": "Ann", "stars": 500})
    assert (status, ann["stars"]) == (200, 500)
    path = f"/users/{ann['id']}"
    status, said = await control(f"{path}/says", {"bot": "shop_bot", "text": "/start"})
    assert said["message"]["text"] == "/start"
    message = await bot.send_invoice(ann["id"], **invoice)
    paying = asyncio.create_task(control(f"{path}/pays", {"message_id": message.message_id}))
    query = (await bot.get_updates(timeout=5, allowed_updates=["pre_checkout_query"], offset=-1))[0]
    while query.pre_checkout_query is None:
        query = (await bot.get_updates(timeout=5, offset=query.update_id + 1))[0]
    await bot.answer_pre_checkout_query(query.pre_checkout_query.id, ok=True)
    status, outcome = await paying
    assert (status, outcome["status"]) == (200, "paid")
    status, books = await control("/bots/shop_bot/balance")
    assert (books["stars"], books["payments"][0]["charge_id"]) == (5, outcome["charge_id"])
    status, seen = await control(f"{path}/messages?bot=shop_bot")
    assert [("invoice" in one, "successful_payment" in one) for one in seen["messages"]][1:] == [
        (True, False),
        (False, True),
    ]
    status, told = await control("/bots/shop_bot/updates")
    assert [update["kind"] for update in told["updates"]] == ["message", "pre_checkout_query", "message"]
    status, journal = await control("/journal?method=sendInvoice")
    assert [call["params"]["title"] for call in journal["calls"]] == ["A book"]


async def test_time_is_moved_over_http(telegram, control):
    before = telegram.clock.now()
    assert (await control("/advance", {"seconds": 30}))[0] == 200
    assert telegram.clock.now() == before + 30


async def test_buttons_forwards_blocks_and_balances(telegram, shop, bot, ann, control, invoice):
    markup = {"inline_keyboard": [[{"text": "Buy", "callback_data": "b"}]]}
    message = await bot.send_message(ann.id, "Buy?", reply_markup=markup)
    body = {"message_id": message.message_id, "button": "Buy", "wait": False}
    assert (await control(f"/users/{ann.id}/presses", body))[1]["kind"] == "callback"
    bob = telegram.user("Bob")
    sent = await bot.send_invoice(ann.id, **invoice)
    copy = (await control(f"/users/{bob.id}/receives", {"message_id": sent.message_id}))[1]
    assert copy["message"]["invoice"]["total_amount"] == 5
    assert (await control(f"/users/{bob.id}/stars", {"stars": 9}))[1]["stars"] == 9
    assert (await control(f"/users/{ann.id}/blocks", {"bot": "shop_bot"}))[1] == {"blocked": True}
    assert (await control("/users"))[1]["users"][1] == {"id": bob.id, "name": "Bob", "stars": 9}


async def test_faults_are_set_over_http(wire, control):
    assert (await control("/faults", {"target": "getMe", "kind": "fail", "error_code": 503}))[0] == 200
    assert (await wire("getMe")).status == 503
    assert (await wire("getMe")).status == 200


async def test_faults_are_listed_and_taken_back_over_http(telegram, control, http):
    _, one = await control("/faults", {"kind": "slow", "target": "sendMessage", "delay_s": 2, "times": None})
    _, two = await control("/faults", {"kind": "duplicate", "target": "successful_payment", "probability": 0.5})
    assert (one["number"], one["delay_s"], one["times"], one["happened"]) == (1, 2, None, 0)
    assert (two["kind"], two["target"], two["probability"]) == ("duplicate", "successful_payment", 0.5)
    assert (await control("/faults"))[1] == {"faults": [one, two]}
    async with http.delete(f"{telegram.base_url}/_sim/faults/1") as response:
        assert (response.status, await response.json()) == (200, {"faults": [two]})
    async with http.delete(f"{telegram.base_url}/_sim/faults/1") as response:
        assert response.status == 400
    async with http.delete(f"{telegram.base_url}/_sim/faults") as response:
        assert await response.json() == {"faults": []}
    assert telegram.faults.waiting() == []


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "slow"},
        {"kind": "fail", "delay_s": 1},
        {"kind": "sulk"},
        {"kind": "fail", "probability": 0},
        {"kind": "fail", "method": "getMe"},
    ],
)
async def test_a_fault_that_cannot_be_read_is_refused(control, telegram, body):
    assert (await control("/faults", body))[0] == 400
    assert telegram.faults.waiting() == []


async def test_time_tells_what_comes_next_and_goes_there(telegram, shop, bot, ann, control, invoice):
    checkout = await ann.begins_to_pay(await bot.send_invoice(ann.id, **invoice))
    _, time = await control("/time")
    assert (time["frozen"], time["can_run"]) == (True, False)
    assert (time["next_due"]["what"], time["next_due"]["in_s"]) == ("deadline of Ann's checkout", 10)
    _, after = await control("/time/step", {})
    assert (after["unix"] - time["unix"], after["next_due"]) == (10, None)
    assert after["happened"]["what"] == "deadline of Ann's checkout"
    assert checkout.result.status == "timed_out"
    assert (await control("/time/step", {}))[1]["happened"] is None
    status, answer = await control("/time/run", {})
    assert (status, "RunningClock" in answer["error"]) == (400, True)
    assert (await control("/advance", {"days": 300, "hours": 2400, "seconds": 1}))[0] == 400
    assert (await control("/advance", {"days": 30, "hours": 1, "minutes": 1}))[1]["unix"] - after["unix"] == 2_595_660


async def test_running_time_is_frozen_and_runs_again_over_http(http):
    async with Simulator(clock=RunningClock()) as telegram:
        for path, frozen in (("freeze", True), ("run", False)):
            async with http.post(f"{telegram.base_url}/_sim/time/{path}", json={}) as response:
                assert (await response.json())["frozen"] is frozen
            assert telegram.clock.frozen is frozen


async def test_a_bot_is_made_with_a_token_that_is_not_told_again(control):
    token = "123456:" + "a" * 35
    status, made = await control("/bots", {"username": "new_bot", "token": token})
    assert (status, made) == (200, {"id": 123456, "username": "new_bot", "name": "new_bot", "stars": 0})
    assert token not in json.dumps((await control("/bots"))[1])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/users", {"name": "Ann", "stars": -1}, 400),
        ("/users", {"name": "Ann", "balance": 5}, 400),
        ("/users", {"name": "Ann", "stars": "5"}, 400),
        ("/users/1/says", {"bot": "shop_bot", "text": "hi"}, 400),
        ("/users/x/says", {"bot": "shop_bot", "text": "hi"}, 400),
        ("/advance", {"seconds": -1}, 400),
        ("/advance", {}, 400),
        ("/users", {"name": "x" * 70_000}, 400),
        ("/users/1/pays", {}, 400),
        ("/bots/no_bot/balance", None, 400),
    ],
)
async def test_orders_that_make_no_sense_are_refused(shop, control, path, body, status):
    answer = await control(path, body)
    assert answer[0] == status
    assert answer[1]["error"]


async def test_a_page_in_a_browser_cannot_give_orders(http, telegram):
    url = f"{telegram.base_url}/_sim/users"
    async with http.post(url, data='{"name": "Eve"}', headers={"Content-Type": "text/plain"}) as response:
        assert response.status == 415
    async with http.post(url, json={"name": "Eve"}, headers={"Host": "evil.example.com"}) as response:
        assert response.status == 403
    assert telegram.users() == []


async def test_other_machines_are_answered_only_when_told_so(http):
    async with Simulator(control_from_anywhere=True) as telegram:
        url = f"{telegram.base_url}/_sim/"
        async with http.get(url, headers={"Host": "simulator.internal"}) as response:
            assert "POST /_sim/users" in (await response.json())["routes"]
