"""What Telegram refuses, in its words and in its order."""

from __future__ import annotations

import pytest


async def refused(wire, method, **params):
    reply = await wire(method, **params)
    assert reply.status == reply.json["error_code"], reply.text
    assert reply.json["ok"] is False
    return reply.status, reply.description


def price(label="Book", amount=5):
    return {"label": label, "amount": amount}


BOTH = [
    ({"title": None}, 'parameter "title" is required'),
    ({"title": ""}, 'parameter "title" is required'),
    ({"description": ""}, 'parameter "description" is required'),
    ({"payload": ""}, 'parameter "payload" is required'),
    ({"currency": None}, 'parameter "currency" is required'),
    ({"prices": None}, 'parameter "prices" is required'),
    ({"prices": "nonsense"}, "can't parse prices JSON object"),
    ({"prices": {"a": 1}}, "expected an Array of labeled prices"),
    ({"prices": []}, "there must be at least one price"),
    ({"prices": [price(label="")]}, "can't parse labeled price: LabeledPrice label must be non-empty"),
    ({"prices": [price(amount=0)]}, "total price must be positive"),
    ({"prices": [price(amount=-5)]}, "total price must be positive"),
    ({"prices": [price(amount="abc")]}, 'can\'t parse labeled price: Field "amount" must be a valid Number'),
    ({"prices": [price(amount=10**12)]}, "too big amount of the currency specified"),
    ({"prices": [price(amount=6 * 10**11), price(amount=6 * 10**11)]}, "total price is too big"),
    ({"prices": [price(), price()]}, "STARS_INVOICE_INVALID"),
    ({"payload": "ä" * 64 + "a"}, "INVOICE_PAYLOAD_INVALID"),
    ({"max_tip_amount": 5}, "STARS_INVOICE_INVALID"),
    ({"max_tip_amount": 5, "suggested_tip_amounts": [1]}, "STARS_INVOICE_INVALID"),
    ({"currency": "XTS"}, "PAYMENT_PROVIDER_INVALID"),
    ({"currency": "USD"}, "PAYMENT_PROVIDER_INVALID"),
    ({"provider_token": "1:TEST:2"}, "STARS_INVOICE_INVALID"),
    ({"title": "t" * 33}, "STARS_INVOICE_INVALID"),
    ({"description": "d" * 256}, "STARS_INVOICE_INVALID"),
]


@pytest.mark.parametrize("method", ["sendInvoice", "createInvoiceLink"])
@pytest.mark.parametrize(("change", "reason"), BOTH)
async def test_invoices_that_telegram_does_not_take(ann, wire, invoice, method, change, reason):
    params = invoice | change | ({"chat_id": ann.id} if method == "sendInvoice" else {})
    assert await refused(wire, method, **params) == (400, f"Bad Request: {reason}")


@pytest.mark.parametrize(
    "change",
    [
        {"payload": "ä" * 64},
        {"title": "t" * 32, "description": "d" * 255},
        {"prices": [price(amount="5")]},
        {"provider_token": ""},
        {"photo_url": "https://example.com/a.jpg", "photo_size": -1, "photo_width": 10**12},
        {"need_name": True, "is_flexible": True},
        {"prices": [price(amount=999_999_999_999)]},
    ],
)
async def test_invoices_at_the_edge_that_telegram_takes(ann, wire, invoice, change):
    assert (await wire("sendInvoice", chat_id=ann.id, **(invoice | change))).status == 200
    assert (await wire("createInvoiceLink", **(invoice | change))).result.startswith("https://t.me/$")


async def test_a_subscription_is_sold_by_link_only(ann, wire, invoice):
    period = {"subscription_period": 2_592_000}
    assert await refused(wire, "sendInvoice", chat_id=ann.id, **invoice, **period) == (
        400,
        "Bad Request: SUBSCRIPTION_EXPORT_MISSING",
    )
    assert (await wire("createInvoiceLink", **invoice, **period)).status == 200


@pytest.mark.parametrize("period", [60, 300, 2_591_999, 2_592_001])
async def test_a_subscription_lasts_thirty_days(wire, invoice, period):
    assert await refused(wire, "createInvoiceLink", **invoice, subscription_period=period) == (
        400,
        "Bad Request: SUBSCRIPTION_PERIOD_INVALID",
    )


async def test_a_subscription_costs_at_most_ten_thousand(wire, invoice):
    period = {"subscription_period": 2_592_000}
    dear = invoice | {"prices": [price(amount=10_001)]}
    assert (await refused(wire, "createInvoiceLink", **dear, **period))[0] == 400
    dear["prices"] = [price(amount=10_000)]
    assert (await wire("createInvoiceLink", **dear, **period)).status == 200


async def test_the_first_button_of_an_invoice_pays(ann, wire, invoice):
    def keyboard(*buttons):
        return {"inline_keyboard": [list(buttons)]}

    pay, more = {"text": "Pay ⭐5", "pay": True}, {"text": "More", "callback_data": "more"}
    result = (await wire("sendInvoice", chat_id=ann.id, **invoice, reply_markup=keyboard(pay, more))).result
    assert result["reply_markup"] == keyboard(pay, more)
    assert await refused(wire, "sendInvoice", chat_id=ann.id, **invoice, reply_markup=keyboard(more)) == (
        400,
        "Bad Request: REPLY_MARKUP_BUY_EMPTY",
    )
    for wrong in (keyboard(more, pay), keyboard(pay, pay)):
        assert (await refused(wire, "sendInvoice", chat_id=ann.id, **invoice, reply_markup=wrong))[0] == 400
    assert await refused(wire, "sendMessage", chat_id=ann.id, text="hi", reply_markup=keyboard(pay)) == (
        400,
        "Bad Request: BUTTON_TYPE_INVALID",
    )


@pytest.mark.parametrize(
    ("method", "params", "reason"),
    [
        ("sendMessage", {"text": ""}, "message text is empty"),
        ("sendMessage", {"text": "x", "reply_markup": "nonsense"}, "can't parse reply keyboard markup JSON object"),
        ("sendInvoice", {"title": ""}, 'parameter "title" is required'),
        ("sendPhoto", {}, "there is no photo in the request"),
    ],
)
async def test_content_is_looked_at_before_the_chat(wire, method, params, reason):
    assert await refused(wire, method, chat_id=424242, **params) == (400, f"Bad Request: {reason}")


async def test_what_telegram_itself_checks_comes_after_the_chat(wire, invoice):
    too_long = invoice | {"payload": "x" * 129}
    assert await refused(wire, "sendInvoice", chat_id=424242, **too_long) == (400, "Bad Request: chat not found")


@pytest.mark.parametrize(
    ("chat_id", "description"),
    [
        ("", "Bad Request: chat_id is empty"),
        (None, "Bad Request: chat_id is empty"),
        ("424242", "Bad Request: chat not found"),
        ("-100123", "Bad Request: chat not found"),
        ("abc", "Bad Request: chat not found"),
        ("@somebody", "Bad Request: chat not found"),
        ("9" * 400, "Bad Request: chat not found"),
    ],
)
async def test_chats_that_are_not_there(wire, chat_id, description):
    assert await refused(wire, "sendMessage", chat_id=chat_id, text="hi") == (400, description)


async def test_a_bot_cannot_write_to_somebody_who_never_wrote(telegram, wire):
    stranger = telegram.user("Stranger", stars=10)
    reply = await refused(wire, "sendMessage", chat_id=stranger.id, text="hi")
    assert reply == (400, "Bad Request: chat not found")


async def test_a_bot_cannot_begin_with_somebody_it_has_only_seen(telegram, wire, invoice):
    stranger = telegram.user("Stranger", stars=10)
    await stranger.begins_to_pay((await wire("createInvoiceLink", **invoice)).result)
    reply = await refused(wire, "sendMessage", chat_id=stranger.id, text="hi")
    assert reply == (403, "Forbidden: bot can't initiate conversation with a user")


async def test_a_bot_cannot_write_to_somebody_who_blocked_it(telegram, shop, ann, wire):
    await ann.blocks(shop)
    update = telegram.updates(shop)[-1]
    assert (update.kind, update.payload["new_chat_member"]["status"]) == ("my_chat_member", "kicked")
    reply = await refused(wire, "sendMessage", chat_id=ann.id, text="hi")
    assert reply == (403, "Forbidden: bot was blocked by the user")
    await ann.unblocks(shop)
    assert (await wire("sendMessage", chat_id=ann.id, text="hi")).status == 200


@pytest.mark.parametrize(
    "params",
    [
        {"receiver_user_id": 3},
    ],
)
async def test_options_that_are_not_simulated_are_refused(ann, wire, params):
    status, description = await refused(wire, "sendMessage", chat_id=ann.id, text="hi", **params)
    assert status == 501
    assert description.startswith("Not simulated: parameter")
