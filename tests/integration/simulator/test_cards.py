"""Invoices in other currencies than Stars, as with a payment provider in test mode."""

from __future__ import annotations

import pytest

TOKEN = "381764678:TEST:1234"


def price(label="Mug", amount=1_000):
    return {"label": label, "amount": amount}


@pytest.fixture
def mug(invoice):
    """Parameters of an invoice for US$ 14.50."""
    prices = [price(), price("Tax", 500), price("Rebate", -50)]
    return invoice | {"payload": "mug-7", "currency": "USD", "provider_token": TOKEN, "prices": prices}


@pytest.fixture
async def sent(ann, shop, wire, mug):
    await wire("sendInvoice", chat_id=ann.id, **mug)
    return await ann.hears(shop)


async def paid(wire, telegram, shop, begun):
    (query,) = [update.payload for update in telegram.updates(shop) if update.kind == "pre_checkout_query"]
    await wire("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True)
    return query, await begun.outcome()


@pytest.mark.parametrize("by_link", [False, True])
async def test_a_payment_by_card_is_told_in_its_currency_and_moves_no_stars(
    ann, shop, telegram, wire, mug, sent, by_link
):
    ann.has_stars(0)
    what = (await wire("createInvoiceLink", **mug)).result if by_link else sent
    query, outcome = await paid(wire, telegram, shop, await ann.begins_to_pay(what))
    assert (query["currency"], query["total_amount"], query["invoice_payload"]) == ("USD", 1_450, "mug-7")
    assert (outcome.status, outcome.amount, outcome.currency, outcome.amount_stars) == ("paid", 1_450, "USD", 0)

    told = telegram.updates(shop)[-1].payload["successful_payment"]
    assert (told["currency"], told["total_amount"], told["invoice_payload"]) == ("USD", 1_450, "mug-7")
    assert told["telegram_payment_charge_id"] == outcome.charge_id
    assert told["provider_payment_charge_id"] not in ("", outcome.charge_id)

    assert (ann.stars, telegram.balance(shop)) == (0, 0)
    assert (await wire("getStarTransactions")).result == {"transactions": []}


async def test_each_payment_by_card_has_ids_of_its_own(ann, telegram, shop, wire, sent):
    for _ in range(2):
        begun = await ann.begins_to_pay(sent)
        await wire("answerPreCheckoutQuery", pre_checkout_query_id=begun.query_id, ok=True)
        await begun.outcome()
    told = [update.payload.get("successful_payment") for update in telegram.updates(shop)]
    charges = [(one["telegram_payment_charge_id"], one["provider_payment_charge_id"]) for one in told if one]
    assert len(set(charges)) == len(charges) == 2


async def test_what_was_paid_by_card_is_no_charge_of_stars_that_could_be_refunded(ann, telegram, shop, wire, sent):
    _, outcome = await paid(wire, telegram, shop, await ann.begins_to_pay(sent))
    reply = await wire("refundStarPayment", user_id=ann.id, telegram_payment_charge_id=outcome.charge_id)
    assert (reply.status, reply.description) == (400, "Bad Request: CHARGE_ID_INVALID")


async def test_a_declined_card_invoice_takes_nothing(ann, telegram, shop, wire, sent):
    begun = await ann.begins_to_pay(sent)
    await wire("answerPreCheckoutQuery", pre_checkout_query_id=begun.query_id, ok=False, error_message="Sold out")
    outcome = await begun.outcome()
    assert (outcome.status, outcome.reason, outcome.charge_id) == ("declined", "Sold out", None)


@pytest.mark.parametrize("method", ["sendInvoice", "createInvoiceLink"])
@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"provider_token": ""}, 400, "PAYMENT_PROVIDER_INVALID"),
        ({"provider_token": "nonsense"}, 400, "PAYMENT_PROVIDER_INVALID"),
        ({"provider_token": "381764678:LIVE:1234"}, 501, "a payment provider in live mode"),
        ({"currency": "XTR"}, 400, "STARS_INVOICE_INVALID"),
        ({"currency": "usd"}, 400, "CURRENCY_INVALID"),
        ({"currency": "DOLLAR"}, 400, "CURRENCY_INVALID"),
        ({"prices": [price(amount=0)]}, 400, "total price must be positive"),
        ({"prices": [price(amount=99_999_999), price(amount=1)]}, 400, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"payload": "x" * 129}, 400, "INVOICE_PAYLOAD_INVALID"),
        ({"title": "t" * 33}, 400, "INVOICE_INVALID"),
        ({"suggested_tip_amounts": [1]}, 400, "suggested tip amount can't be bigger than max_tip_amount"),
        ({"need_shipping_address": True}, 501, "need_shipping_address"),
        ({"is_flexible": True}, 501, "is_flexible"),
        ({"need_name": True, "need_email": True}, 501, "need_name, need_email"),
    ],
)
async def test_card_invoices_that_are_not_taken(ann, wire, mug, method, change, status, reason):
    params = mug | change | ({"chat_id": ann.id} if method == "sendInvoice" else {})
    reply = await wire(method, **params)
    assert (reply.status, reason in reply.description) == (status, True), reply.text


@pytest.mark.parametrize(
    "change",
    [
        {"max_tip_amount": 500, "suggested_tip_amounts": [100, 200]},
        {"prices": [price(amount=1)]},
        {"prices": [price(amount=99_999_999)]},
        {"currency": "JPY"},
        {"send_email_to_provider": True, "provider_data": '{"a": 1}'},
    ],
)
async def test_card_invoices_that_are_taken(wire, mug, change):
    assert (await wire("createInvoiceLink", **(mug | change))).status == 200


async def test_a_subscription_is_sold_for_stars_only(ann, wire, mug):
    reply = await wire("createInvoiceLink", **mug, subscription_period=2_592_000)
    assert reply.description == "Bad Request: SUBSCRIPTION_PERIOD_INVALID"
    reply = await wire("sendInvoice", chat_id=ann.id, **mug, subscription_period=2_592_000)
    assert reply.description == "Bad Request: SUBSCRIPTION_EXPORT_MISSING"


@pytest.mark.parametrize(("currency", "words"), [("USD", "USD 14.50"), ("JPY", "JPY 1450"), ("BHD", "BHD 1.450")])
async def test_people_and_the_control_api_read_the_price_in_its_currency(ann, shop, http, wire, mug, currency, words):
    await wire("sendInvoice", chat_id=ann.id, **(mug | {"currency": currency}))
    message = await ann.hears(shop)
    assert (await ann.presses(f"Pay {words}", on=message)).kind == "form"
    url = f"{wire.base_url}/_sim/users/{ann.id}/opens"
    async with http.post(url, json={"message_id": message.message_id}) as response:
        form = await response.json()
    assert (form["price"], form["currency"], form["amount"], form["amount_stars"]) == (words, currency, 1_450, 0)


async def test_the_control_api_lists_payments_by_card_apart(ann, shop, telegram, http, wire, sent):
    _, outcome = await paid(wire, telegram, shop, await ann.begins_to_pay(sent))
    async with http.get(f"{telegram.base_url}/_sim/bots/{shop.username}/balance") as response:
        balance = await response.json()
    (taken,) = balance["card_payments"]
    assert (balance["stars"], balance["payments"]) == (0, [])
    assert (taken["charge_id"], taken["amount"], taken["currency"]) == (outcome.charge_id, 1_450, "USD")
