"""The page over plain HTTP: who gets it, with which headers, and what its stream tells."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from aiogram.types import BufferedInputFile, LabeledPrice
from aiohttp import web
from aiohttp.test_utils import TestServer

from neonpay.errors import SimulatorError
from neonpay.simulator import Simulator
from neonpay.simulator.page.wire import Wire

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000" "1f15c4890000000d49444154789c63b83873ee7f0006d802d9e57f57"
    "450000000049454e44ae426082"
)  # fmt: skip
"""A PNG."""
PAGE = files("neonpay.simulator.page") / "static"


@pytest.fixture
def told(http, telegram):
    """The first event of a new stream."""

    async def read():
        async with http.get(f"{telegram.base_url}/page/events") as response:
            assert (response.status, response.content_type) == (200, "text/event-stream")
            async for line in response.content:
                if line.startswith(b"data: "):
                    return json.loads(line[6:])
        raise AssertionError("the stream ended without an event")

    return read


async def test_the_page_and_all_that_it_asks_for_is_served_under_a_strict_policy(http, telegram):
    names = ["", *(f"page/{file.name}" for file in PAGE.iterdir())]
    assert len(names) > 10
    for name in names:
        async with http.get(f"{telegram.base_url}/{name}") as response:
            assert response.status == 200, name
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/page/events", "/page/photos/x"])
async def test_a_foreign_name_for_this_machine_gets_nothing(http, telegram, path):
    async with http.get(telegram.base_url + path, headers={"Host": "evil.example"}) as response:
        assert response.status == 403
        assert "evil" not in await response.text()


@pytest.mark.parametrize(
    "name", ["view.py", "..%2Fview.py", "..%5Cview.py", "static", "missing.js", "main.js%00", "photos/none"]
)
async def test_nothing_else_is_served(http, telegram, name):
    async with http.get(f"{telegram.base_url}/page/{name}") as response:
        assert response.status == 404


async def test_the_stream_begins_with_everything_and_holds_no_token(told, telegram, shop, bot, ann, invoice):
    await bot.send_message(ann.id, f"My token is {shop.token}")
    await bot.set_my_commands([{"command": "buy", "description": shop.token}])
    await bot.set_webhook(f"{telegram.base_url}/{shop.token}", secret_token="very-secret")
    await bot.send_invoice(ann.id, **invoice)
    first = await told()
    text = json.dumps(first)
    assert shop.token not in text
    assert shop.token.partition(":")[2] not in text
    assert "very-secret" not in text
    (chat,) = first["chats"]
    assert [one["by"] for one in chat["messages"]] == ["user", "bot", "bot"]
    assert chat["messages"][2]["trace"] == "invoiced"
    assert first["people"] == [{"id": ann.id, "name": "Ann", "username": None, "stars": 500, "picture": ""}]
    assert [row["name"] for row in first["wire"]["rows"]] == [
        "message", "sendMessage", "setMyCommands", "setWebhook", "sendInvoice",
    ]  # fmt: skip


async def test_a_purchase_is_one_turn_of_the_wire_in_the_order_of_its_causes(telegram, told, bot, ann, invoice):
    message = await bot.send_invoice(ann.id, **invoice)
    checkout = await ann.begins_to_pay(message)
    await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
    await bot.send_message(ann.id, "Here it is.")
    wire = (await told())["wire"]
    assert [(row["name"], row["turn"]) for row in wire["rows"]] == [
        (name, 1)
        for name in (
            "message", "sendInvoice", "pre_checkout_query", "answerPreCheckoutQuery", "successful_payment", "sendMessage",
        )
    ]  # fmt: skip
    assert [(turn["title"], turn["trace"]) for turn in wire["turns"]] == [("A book", "delivered")]


async def test_a_price_in_another_currency_than_stars_is_told_in_words(telegram, told, bot, ann, invoice):
    card = {"currency": "USD", "provider_token": "1:TEST:2", "prices": [LabeledPrice(label="Book", amount=1450)]}
    checkout = await ann.begins_to_pay(await bot.send_invoice(ann.id, **(invoice | card)))
    await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
    first = await told()
    ticket, receipt = first["chats"][0]["messages"][-2:]
    assert (ticket["price"], ticket["currency"], ticket["trace"]) == ("USD 14.50", "USD", "paid")
    assert (receipt["price"], receipt["title"]) == ("USD 14.50", "A book")
    assert [(one["price"], one["status"]) for one in first["checkouts"]] == [("USD 14.50", "paid")]
    assert first["moved"] == []
    notes = {row["name"]: row["note"] for row in first["wire"]["rows"]}
    assert (notes["sendInvoice"], notes["successful_payment"]) == ("USD 1450", "USD 1450")


async def test_two_purchases_with_one_payload_are_two_orders(telegram, told, shop, bot, ann, invoice):
    for _ in range(2):
        await ann.says("/buy", to=shop)
        checkout = await ann.begins_to_pay(await bot.send_invoice(ann.id, **invoice))
        await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
        await bot.send_message(ann.id, "Here it is.")
    wire = (await told())["wire"]
    turns = [(turn["title"], turn["trace"]) for turn in wire["turns"]]
    assert turns == [("/start", None), ("A book", "delivered"), ("A book", "delivered")]
    assert [row["turn"] for row in wire["rows"]] == [1] + [2] * 6 + [3] * 6


async def test_a_link_that_is_paid_again_is_another_order(telegram, told, bot, ann, invoice):
    link = await bot.create_invoice_link(**invoice)
    for _ in range(2):
        checkout = await ann.begins_to_pay(link)
        await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
    turns = [(turn["title"], turn["trace"]) for turn in (await told())["wire"]["turns"] if turn["user_id"]]
    assert turns == [("A book", "paid"), ("A book", "paid")]


async def test_two_devices_that_pay_at_once_are_two_orders_and_each_ends_as_it_was_answered(
    telegram, told, bot, ann, invoice
):
    link = await bot.create_invoice_link(**invoice)
    first, second = await ann.begins_to_pay(link), await ann.begins_to_pay(link)
    await bot.answer_pre_checkout_query(second.query_id, ok=True)
    await bot.answer_pre_checkout_query(first.query_id, ok=False, error_message="Sold out")
    wire = (await told())["wire"]
    turns = [turn["trace"] for turn in wire["turns"] if turn["user_id"]]
    assert turns == ["declined", "paid"]


async def test_a_refund_belongs_to_the_order_whose_charge_it_gives_back(telegram, told, bot, ann, invoice):
    link = await bot.create_invoice_link(**invoice)
    outcomes = []
    for _ in range(2):
        checkout = await ann.begins_to_pay(link)
        await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
        outcomes.append(await checkout.outcome())
    await bot.refund_star_payment(ann.id, outcomes[0].charge_id)
    turns = [turn["trace"] for turn in (await told())["wire"]["turns"] if turn["user_id"]]
    assert turns == ["refunded", "paid"]


async def test_somebody_who_was_declined_and_tries_again_goes_on_with_the_order(telegram, told, bot, ann, invoice):
    message = await bot.send_invoice(ann.id, **invoice)
    for ok in (False, True):
        checkout = await ann.begins_to_pay(message)
        await bot.answer_pre_checkout_query(checkout.query_id, ok=ok, error_message="Wait")
    (turn,) = (await told())["wire"]["turns"]
    assert turn["trace"] == "paid"


async def test_time_that_was_moved_is_no_latency(telegram, told, bot, ann):
    link = await bot.create_invoice_link(
        title="Plus", description="Every month", payload="plus", currency="XTR",
        prices=[{"label": "Plus", "amount": 5}], subscription_period=2_592_000,
    )  # fmt: skip
    checkout = await ann.begins_to_pay(link)
    await telegram.advance(8)
    await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
    await telegram.advance(12)
    await telegram.advance(days=30)
    await bot.send_message(ann.id, "Another month.")
    rows = (await told())["wire"]["rows"]
    took = {row["name"]: row["took_ms"] for row in rows if row["kind"] == "call"}
    assert took["answerPreCheckoutQuery"] < 5_000
    assert took["sendMessage"] < 5_000


async def test_a_renewal_is_a_turn_of_its_own(telegram, told, bot, ann):
    link = await bot.create_invoice_link(
        title="Plus", description="Every month", payload="plus", currency="XTR",
        prices=[{"label": "Plus", "amount": 5}], subscription_period=2_592_000,
    )  # fmt: skip
    checkout = await ann.begins_to_pay(link)
    await bot.answer_pre_checkout_query(checkout.query_id, ok=True)
    await telegram.advance(days=30)
    first = await told()
    turns = [(turn["title"], turn["trace"], turn["renewal"]) for turn in first["wire"]["turns"] if turn["user_id"]]
    assert turns == [("Plus", "paid", False), ("Plus", "paid", True)]
    assert [due["kind"] for due in first["agenda"]] == ["renewal"]
    (held,) = first["subscriptions"]
    assert (held["title"], held["state"], first["people"][0]["stars"]) == ("Plus", "active", 490)


async def test_a_deadline_that_passes_is_a_row_of_its_own(telegram, told, bot, ann, invoice):
    await ann.begins_to_pay(await bot.send_invoice(ann.id, **invoice))
    await telegram.advance(10)
    row = (await told())["wire"]["rows"][-1]
    assert (row["kind"], row["took_ms"], row["body"]["status"]) == ("silence", 10_000, "timed_out")


async def test_updates_that_the_bot_does_not_want_are_shown_as_such(telegram, told, shop, wire, ann, invoice):
    await wire("getUpdates", allowed_updates=["message"])
    sent = await wire("sendInvoice", chat_id=ann.id, **invoice)
    (message,) = [one for one in ann.messages(shop) if one.message_id == sent.result["message_id"]]
    await ann.begins_to_pay(message)
    row = (await told())["wire"]["rows"][-1]
    assert (row["name"], row["state"]) == ("pre_checkout_query", "not_allowed")


async def test_the_wire_forgets_the_oldest_rows_and_their_turns(telegram, ann):
    kept = Wire(telegram._world)  # noqa: SLF001 - nobody else has the world
    for number in range(1_200):
        await ann.says(f"{number}", to=telegram.bot("shop_bot"))
        kept.listen()
        kept.catch_up()
    assert len(kept.rows) == 1_000
    assert set(kept.turns) == {row.turn.number for row in kept.rows}


async def test_bots_and_people_have_pictures_by_file_and_by_the_id_of_a_photo(http, telegram, shop, bot, ann):
    await ann.says("/start", to=shop)
    photo = await bot.send_photo(ann.id, BufferedInputFile(PIXEL, "x.png"))
    telegram.picture(shop, PIXEL)
    telegram.picture(ann, photo.photo[-1].file_id)
    for account in (shop, ann):
        async with http.get(f"{telegram.base_url}/page/faces/{account.id}") as response:
            assert (response.status, response.content_type, await response.read()) == (200, "image/png", PIXEL)
    telegram.picture(ann, None)
    async with http.get(f"{telegram.base_url}/page/faces/{ann.id}") as response:
        assert response.status == 404
    with pytest.raises(SimulatorError, match="PNG"):
        telegram.picture(ann, b"words")


@pytest.mark.parametrize("allowed", [True, False])
async def test_the_picture_of_an_invoice_is_fetched_when_the_owner_allows_it(http, allowed):
    asked = []

    async def serve(request):
        asked.append(request.path)
        return web.Response(body=PIXEL)

    application = web.Application()
    application.router.add_get("/tea.png", serve)
    async with TestServer(application) as server, Simulator(fetch_pictures=allowed) as telegram:
        shop, ann = telegram.bot("shop_bot"), telegram.user("Ann")
        await ann.says("/start", to=shop)
        async with telegram.aiogram_bot(shop) as bot:
            invoice = await bot.send_invoice(
                ann.id, "Tea", "A cup", "tea", "XTR", [LabeledPrice(label="x", amount=1)],
                photo_url=str(server.make_url("/tea.png")),
            )  # fmt: skip
        async with http.get(f"{telegram.base_url}/page/invoices/{invoice.message_id}") as response:
            assert response.status == (200 if allowed else 404)
    assert asked == (["/tea.png"] if allowed else [])
