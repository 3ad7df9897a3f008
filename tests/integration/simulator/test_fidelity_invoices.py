"""What the Bot API server and Telegram's library say of invoices, case by case, as their sources have it.

Client.cpp: get_input_message_invoice, get_labeled_price_part, get_suggested_tip_amounts. InputInvoice.cpp,
LabeledPricePart.cpp, JsonBuilder.cpp, HttpUrl.cpp.
"""

from __future__ import annotations

import pytest

NUMBER = 'can\'t parse labeled price: Field "amount" must be'
TIP = "Suggested tip amount must be of type Number or String"


def price(**fields):
    return [{"label": "Book", "amount": 5} | fields]


REFUSED = [
    ({"prices": "null"}, "expected an Array of labeled prices"),
    ({"prices": "5"}, "expected an Array of labeled prices"),
    ({"prices": "[5]"}, "can't parse labeled price: LabeledPrice must be an Object"),
    ({"prices": [{"amount": 5}]}, "can't parse labeled price: Can't find field \"label\""),
    ({"prices": [{"label": "Book"}]}, "can't parse labeled price: Can't find field \"amount\""),
    ({"prices": price(label=None)}, 'can\'t parse labeled price: Field "label" must be of type String'),
    ({"prices": price(label=True)}, 'can\'t parse labeled price: Field "label" must be of type String'),
    ({"prices": price(label=["x"])}, 'can\'t parse labeled price: Field "label" must be of type String'),
    ({"prices": price(amount=None)}, f"{NUMBER} a Number"),
    ({"prices": price(amount=True)}, f"{NUMBER} a Number"),
    ({"prices": price(amount=[5])}, f"{NUMBER} a Number"),
    ({"prices": price(amount=5.0)}, f"{NUMBER} a valid Number"),
    ({"prices": price(amount="")}, f"{NUMBER} a valid Number"),
    ({"prices": price(amount="5 ")}, f"{NUMBER} a valid Number"),
    ({"prices": price(amount="+5")}, f"{NUMBER} a valid Number"),
    ({"prices": price(amount="05")}, f"{NUMBER} a valid Number"),
    ({"prices": price(amount=2**63)}, f"{NUMBER} a valid Number"),
    ({"prices": price(amount="-5")}, "total price must be positive"),
    ({"max_tip_amount": "null"}, 'can\'t parse "max_tip_amount" as Number'),
    ({"max_tip_amount": "abc"}, 'can\'t parse "max_tip_amount" as Number'),
    ({"max_tip_amount": "5.0"}, 'can\'t parse "max_tip_amount" as Number'),
    ({"max_tip_amount": " 5"}, 'can\'t parse "max_tip_amount" as Number'),
    ({"max_tip_amount": -1}, "invalid max_tip_amount of the currency specified"),
    ({"max_tip_amount": 10**12}, "invalid max_tip_amount of the currency specified"),
    ({"suggested_tip_amounts": "null"}, "expected an Array of suggested tip amounts"),
    ({"suggested_tip_amounts": "5"}, "expected an Array of suggested tip amounts"),
    ({"suggested_tip_amounts": "[1"}, "can't parse suggested_tip_amounts JSON object"),
    ({"suggested_tip_amounts": [None]}, "suggested tip amount must be of type Number or String"),
    ({"suggested_tip_amounts": [True]}, "suggested tip amount must be of type Number or String"),
    ({"suggested_tip_amounts": ["x"]}, "can't parse suggested tip amount as Number"),
    ({"suggested_tip_amounts": [1.5]}, "can't parse suggested tip amount as Number"),
    ({"suggested_tip_amounts": [0]}, "suggested tip amount must be positive"),
    ({"suggested_tip_amounts": [1]}, "suggested tip amount can't be bigger than max_tip_amount"),
    ({"max_tip_amount": 9, "suggested_tip_amounts": [1, 2, 3, 4, 5]}, "there can be at most 4 suggested tip amounts"),
    ({"max_tip_amount": 9, "suggested_tip_amounts": ["1"]}, "STARS_INVOICE_INVALID"),
]


@pytest.mark.parametrize("method", ["sendInvoice", "createInvoiceLink"])
@pytest.mark.parametrize(("change", "reason"), REFUSED)
async def test_an_invoice_is_refused_in_the_servers_words(ann, wire, invoice, method, change, reason):
    params = invoice | change | ({"chat_id": ann.id} if method == "sendInvoice" else {})
    reply = await wire(method, **params)
    assert (reply.status, reply.description) == (400, f"Bad Request: {reason}")


@pytest.mark.parametrize(
    "change",
    [
        {"prices": price(label=5)},
        {"prices": price(label=" ")},
        {"prices": price(label=1.5)},
        {"prices": price(amount="5", something=None)},
        {"prices": '[{"label": "Book", "amount": 5, "amount": "x"}]'},
        {"max_tip_amount": ""},
        {"max_tip_amount": "0", "suggested_tip_amounts": []},
        {"suggested_tip_amounts": ""},
        {"photo_url": "nonsense"},
        {"photo_url": "https://"},
        {"photo_url": "ftp://example.com/a.jpg"},
        {"photo_url": "http://[1]/a.jpg"},
        {"photo_url": "https://example.com:99999/a.jpg"},
        {"need_name": "yes", "is_flexible": " TRUE "},
        {"title": " "},
    ],
)
async def test_an_invoice_that_the_server_lets_pass(wire, invoice, change):
    assert (await wire("createInvoiceLink", **(invoice | change))).status == 200


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Example.com/a b.jpg", "https://example.com/a%20b.jpg"),
        ("example.com/a.jpg", "http://example.com/a.jpg"),
        ("example.com:8080", "http://example.com:8080/"),
        ("HTTPS://example.com?x=1", "https://example.com/?x=1"),
        ("https://[::1]/a.jpg", "https://[::1]/a.jpg"),
        ("ftp://example.com/a.jpg", ""),
        ("https:///a.jpg", ""),
        ("https://exa mple.com/", ""),
        ("https://example.com:0/", ""),
        ("https://exa%zzmple.com/", ""),
        (".", ""),
    ],
)
async def test_a_picture_is_looked_for_where_telegrams_library_reads(ann, wire, invoice, given, kept):
    link = (await wire("createInvoiceLink", **invoice, photo_url=given)).result
    assert (await ann.opens(link)).photo_url == kept


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("title", "invoice title"),
        ("description", "invoice description"),
        ("photo_url", "invoice photo URL"),
        ("start_parameter", "invoice bot start parameter"),
        ("provider_data", "invoice provider data"),
    ],
)
async def test_what_is_no_utf8_is_named(wire, invoice, field, words):
    fields = {name: value for name, value in invoice.items() if name != "prices"} | {field: "\udcff"}
    body = "&".join(f"{name}={value}" for name, value in fields.items()).encode("utf-8", "surrogateescape")
    body += b"&prices=%5B%7B%22label%22%3A%22Book%22%2C%22amount%22%3A5%7D%5D"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = await wire.send("POST", "/createInvoiceLink", data=body, headers=headers)
    assert reply.description == f"Bad Request: {words} must be encoded in UTF-8"


async def test_the_server_looks_at_tips_before_the_chat_and_telegram_after_it(wire, invoice):
    reply = await wire("sendInvoice", chat_id=424242, **invoice, max_tip_amount="x")
    assert reply.description == 'Bad Request: can\'t parse "max_tip_amount" as Number'
    reply = await wire("sendInvoice", chat_id=424242, **invoice, max_tip_amount=-1)
    assert reply.description == "Bad Request: chat not found"


async def test_paid_media_in_an_invoice_are_not_simulated(ann, wire, invoice):
    media = {"type": "photo", "media": "https://example.com/a.jpg"}
    assert (await wire("sendInvoice", chat_id=ann.id, **invoice, paid_media=media)).status == 501


def inline(**content):
    base = {"title": "Tea", "description": "A cup", "payload": "tea", "currency": "XTR", "prices": price()}
    wanted = {name: value for name, value in (base | content).items() if value is not ...}
    return [{"type": "article", "id": "1", "title": "Tea", "input_message_content": wanted}]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"title": ...}, 'Can\'t find field "title"'),
        ({"title": None}, 'Field "title" must be of type String'),
        ({"description": []}, 'Field "description" must be of type String'),
        ({"currency": ...}, 'Can\'t find field "currency"'),
        ({"prices": ...}, 'Can\'t find field "prices"'),
        ({"prices": "[]"}, 'Field "prices" must be of type Array'),
        ({"prices": []}, "There must be at least one price"),
        ({"prices": price(label="")}, "Can't parse labeled price: LabeledPrice label must be non-empty"),
        ({"max_tip_amount": None}, 'Field "max_tip_amount" must be a Number'),
        ({"max_tip_amount": "x"}, 'Field "max_tip_amount" must be a valid Number'),
        ({"suggested_tip_amounts": None}, 'Field "suggested_tip_amounts" must be of type Array'),
        ({"suggested_tip_amounts": [{}]}, TIP),
        ({"photo_width": "wide"}, 'Field "photo_width" must be a valid Number'),
        ({"photo_size": 2**31}, 'Field "photo_size" must be a valid Number'),
        ({"need_name": "true"}, 'Field "need_name" must be of type Boolean'),
        ({"is_flexible": 1}, 'Field "is_flexible" must be of type Boolean'),
        ({"payload": ..., "message_text": ""}, "Input message content is not specified"),
    ],
)
async def test_fields_of_an_inline_invoice_have_types(wire, content, reason):
    reply = await wire("answerInlineQuery", inline_query_id="1", results=inline(**content))
    assert (reply.status, reply.description) == (400, f"Bad Request: can't parse inline query result: {reason}")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"prices": price(amount=0)}, "total price must be positive"),
        ({"currency": "USD"}, "PAYMENT_PROVIDER_INVALID"),
        ({"max_tip_amount": 5}, "STARS_INVOICE_INVALID"),
    ],
)
async def test_what_telegram_says_of_an_inline_invoice_stands_alone(wire, content, reason):
    reply = await wire("answerInlineQuery", inline_query_id="1", results=inline(**content))
    assert reply.description == f"Bad Request: {reason}"
