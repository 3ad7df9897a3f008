"""A payment by steps through /_sim/: the form, the press of Pay, and an answer in the bot's place."""

from __future__ import annotations

import pytest


@pytest.fixture
def order(http, telegram):
    async def send(path, body):
        async with http.post(f"{telegram.base_url}/_sim{path}", json=body) as response:
            return response.status, await response.json()

    return send


@pytest.fixture
async def form(order, bot, ann, invoice):
    message = await bot.send_invoice(ann.id, **invoice)
    status, opened = await order(f"/users/{ann.id}/opens", {"message_id": message.message_id})
    assert (status, opened["title"], opened["amount_stars"], opened["balance_stars"]) == (200, "A book", 5, 500)
    return opened["form"]


async def test_pay_asks_the_bot_and_does_not_wait_for_it(order, telegram, ann, form):
    status, begun = await order(f"/users/{ann.id}/begins", {"form": form})
    assert (status, begun["status"], begun["user_id"]) == (200, "asked", ann.id)
    assert begun["deadline_at"] == telegram.clock.now() + 10
    assert ann.stars == 500


@pytest.mark.parametrize(("ok", "outcome", "left"), [(True, "paid", 495), (False, "declined", 500)])
async def test_a_person_answers_in_the_place_of_the_bot_once(order, ann, form, ok, outcome, left):
    _, begun = await order(f"/users/{ann.id}/begins", {"form": form})
    path = f"/checkouts/{begun['query_id']}/answers"
    status, ended = await order(path, {"ok": ok, "error_message": "No."})
    assert (status, ended["status"], ended["by_hand"], ann.stars) == (200, outcome, True, left)
    assert ended["reason"] == (None if ok else "No.")
    status, refused = await order(path, {"ok": ok})
    assert (status, "has ended" in refused["error"], ann.stars) == (400, True, left)


async def test_a_form_is_good_for_ten_minutes_and_for_who_opened_it(order, telegram, ann, form):
    ben = telegram.user("Ben", stars=500)
    status, refused = await order(f"/users/{ben.id}/begins", {"form": form})
    assert (status, f"opened by user {ann.id}" in refused["error"]) == (400, True)
    await telegram.advance(601)
    _, begun = await order(f"/users/{ann.id}/begins", {"form": form})
    assert begun["status"] == "form_expired"
    assert (ann.stars, ben.stars) == (500, 500)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/users/{ann}/opens", {}),
        ("/users/{ann}/opens", {"message_id": 1, "link": "https://t.me/$x"}),
        ("/users/{ann}/opens", {"link": "https://t.me/$nothing"}),
        ("/users/{ann}/begins", {"form": 99}),
        ("/checkouts/99/answers", {"ok": True}),
        ("/users/{ann}/balance", {"stars": -1}),
        ("/users/{ann}/presses", {"message_id": 1}),
        ("/users/{ann}/presses", {"message_id": 1, "place": [0, 7]}),
        ("/users/{ann}/follows", {"url": "https://t.me/$nothing"}),
    ],
)
async def test_what_makes_no_sense_is_refused(order, ann, path, body):
    status, refused = await order(path.format(ann=ann.id), body)
    assert (status, "error" in refused, ann.stars) == (400, True, 500)


async def test_a_button_is_pressed_by_its_place_when_two_say_the_same(order, telegram, shop, bot, ann):
    rows = [[{"text": "Same", "callback_data": "left"}, {"text": "Same", "callback_data": "right"}]]
    message = await bot.send_message(ann.id, "Which?", reply_markup={"inline_keyboard": rows})
    press = {"message_id": message.message_id, "place": [0, 1], "wait": False}
    await order(f"/users/{ann.id}/presses", press)
    assert telegram.updates(shop)[-1].payload["data"] == "right"


async def test_a_link_to_a_bot_starts_it(order, telegram, shop, ann):
    status, done = await order(f"/users/{ann.id}/follows", {"url": "https://t.me/shop_bot?start=book"})
    assert (status, done["kind"], done["message"]["text"]) == (200, "message", "/start book")
    assert telegram.updates(shop)[-1].payload["text"] == "/start book"


async def test_a_balance_is_set(order, ann):
    status, person = await order(f"/users/{ann.id}/balance", {"stars": 3})
    assert (status, person["stars"], ann.stars) == (200, 3, 3)
