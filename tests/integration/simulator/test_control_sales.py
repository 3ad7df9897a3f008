"""Subscriptions and paid media, played through /_sim/."""

from __future__ import annotations

import json

import pytest
from aiogram.types import InputPaidMediaPhoto, LabeledPrice

MONTH_S = 30 * 86_400


@pytest.fixture
def control(http, telegram):
    async def ask(path, body=None):
        url = f"{telegram.base_url}/_sim{path}"
        async with http.get(url) if body is None else http.post(url, json=body) as response:
            return response.status, json.loads(await response.text())

    return ask


async def test_a_subscription_is_listed_cancelled_and_restored(telegram, bot, ann, control):
    link = await bot.create_invoice_link(
        title="Club", description="x", payload="club", currency="XTR",
        prices=[LabeledPrice(label="x", amount=10)], subscription_period=MONTH_S,
    )  # fmt: skip
    checkout = await ann.begins_to_pay(link)
    await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
    charge_id = (await checkout.outcome()).charge_id

    status, listed = await control(f"/users/{ann.id}/subscriptions")
    assert status == 200
    (subscription,) = listed["subscriptions"]
    assert (subscription["charge_id"], subscription["state"], subscription["bot"]) == (charge_id, "active", "shop_bot")
    assert (subscription["amount_stars"], subscription["period_s"]) == (10, MONTH_S)
    assert (await control("/bots/shop_bot/subscriptions"))[1] == listed

    status, canceled = await control(f"/users/{ann.id}/cancels_subscription", {"charge_id": charge_id})
    assert (status, canceled["subscriptions"][0]["state"]) == (200, "canceled")
    status, restored = await control(f"/users/{ann.id}/restores_subscription", {"charge_id": charge_id})
    assert (status, restored["subscriptions"][0]["state"]) == (200, "active")
    await control("/advance", {"days": 30})
    assert len((await control("/bots/@SHOP_BOT/subscriptions"))[1]["subscriptions"][0]["charge_ids"]) == 2


async def test_paid_media_are_bought(bot, ann, control):
    sent = await bot.send_paid_media(
        ann.id, star_count=7, media=[InputPaidMediaPhoto(media="https://example.com/a.jpg")]
    )
    status, seen = await control(f"/users/{ann.id}/messages?bot=shop_bot")
    assert (status, seen["messages"][-1]["paid_media"]["paid_media"][0]["type"]) == (200, "preview")
    status, outcome = await control(f"/users/{ann.id}/buys", {"message_id": sent.message_id})
    assert (status, outcome["status"], outcome["amount_stars"], ann.stars) == (200, "paid", 7, 493)
    status, seen = await control(f"/users/{ann.id}/messages?bot=shop_bot")
    assert seen["messages"][-1]["paid_media"]["paid_media"][0]["type"] == "photo"


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("/users/{ann}/cancels_subscription", {"charge_id": "stx"}, "0 such subscriptions"),
        ("/users/{ann}/restores_subscription", {}, "the order cannot be read"),
        ("/users/{ann}/buys", {"message_id": 999}, "there is no message 999"),
        ("/users/{ann}/buys", {"message_id": 1}, "no paid media"),
        ("/users/5/buys", {"message_id": 1}, "there is no user 5"),
        ("/bots/nobody/subscriptions", None, "there is no bot 'nobody'"),
    ],
)
async def test_orders_about_nothing_are_refused(ann, control, path, body, error):
    status, answer = await control(path.format(ann=ann.id), body)
    assert status == 400
    assert error in answer["error"]
