"""Every way in which bot libraries put a call into HTTP means the same call."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from aiogram.types import BufferedInputFile
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from neonpay.simulator.wire.encoding import MalformedBodyError, read_params
from neonpay.simulator.wire.params import Params

PRICES = '[{"label": "Book", "amount": 5}]'
FIELDS = {"title": "A book", "description": "ÄÖ ⭐", "payload": "order-1", "currency": "XTR", "prices": PRICES}
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x02\x00\x00\x00\x03\x08\x06\x00\x00\x00"
    b"\r\n--not-a-boundary\r\n\x00\xff"
)

PIECES = [
    b"--x\r\n", b"--x--", b"\r\n", b"\r\n\r\n", b'Content-Disposition: form-data; name="a"', b"value", b"\xff\xfe",
    b'Content-Disposition: form-data; name="a"; filename="f"', b"Content-Disposition: ;;=", b"Content-Length: 5",
    b"Content-Disposition: form-data; name*=utf-8''%ff", b"Content-Type: multipart/mixed; boundary=y", b": ",
    b"Content-Transfer-Encoding: base64",
]  # fmt: skip


def multipart(fields, **files):
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, value)
    for name, content in files.items():
        form.add_field(name, content, filename=f"{name}.png", content_type="image/png")
    return form


ENCODINGS = {
    "GET with a query string": ("GET", lambda fields: {"params": fields}),
    "GET with a form body": ("GET", lambda fields: {"data": fields}),
    "POST with a query string": ("POST", lambda fields: {"params": fields}),
    "POST with a form body": ("POST", lambda fields: {"data": fields}),
    "POST with multipart": ("POST", lambda fields: {"data": multipart(fields)}),
    "GET with multipart": ("GET", lambda fields: {"data": multipart(fields)}),
    "POST with JSON": ("POST", lambda fields: {"json": fields}),
    "POST with nested JSON": ("POST", lambda fields: {"json": fields | {"prices": json.loads(fields["prices"])}}),
    "PUT with a form body": ("PUT", lambda fields: {"data": fields}),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_every_encoding_carries_the_same_invoice(telegram, ann, wire, encoding):
    verb, options = ENCODINGS[encoding]
    reply = await wire.send(verb, "/sendInvoice", **options({"chat_id": str(ann.id), **FIELDS}))
    assert reply.result["invoice"]["total_amount"] == 5
    assert reply.result["invoice"]["description"] == "ÄÖ ⭐"
    call = telegram.calls("sendInvoice")[0]
    assert (call.params["chat_id"], call.params["prices"]) == (ann.id, [{"label": "Book", "amount": 5}])


@pytest.mark.parametrize("yes", ["True", "true", "1", "yes"])
@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_every_spelling_of_yes_approves(telegram, ann, wire, verb, yes):
    checkout = await ann.begins_to_pay((await wire("createInvoiceLink", **FIELDS)).result)
    query = {"pre_checkout_query_id": checkout.query_id, "ok": yes}
    assert (await wire.send(verb, "/answerPreCheckoutQuery", data=query)).result is True
    assert (await checkout.outcome()).status == "paid"


@pytest.mark.parametrize("no", ["False", "false", "0", ""])
async def test_every_spelling_of_no_declines(ann, wire, no):
    checkout = await ann.begins_to_pay((await wire("createInvoiceLink", **FIELDS)).result)
    answer = {"pre_checkout_query_id": checkout.query_id, "ok": no, "error_message": "No"}
    assert (await wire.send("GET", "/answerPreCheckoutQuery", params=answer)).result is True
    assert (await checkout.outcome()).status == "declined"


@pytest.mark.parametrize("path", ["/getMe", "/getme", "/GETME", "/test/getMe", "/getMe/"])
@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_a_method_has_any_case_and_may_be_in_the_test_environment(shop, wire, path, verb):
    assert (await wire.send(verb, path)).result["username"] == shop.username


async def test_an_empty_form_body_is_no_parameters(wire):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await wire.send("POST", "/getMe", headers=headers)).status == 200


@pytest.mark.parametrize("body", ["{", "[1]", '{"a":' * 100 + "1" + "}" * 100, "nonsense", '{"a": NaN}', "[" * 100_000])
async def test_a_malformed_json_body_is_400_with_nothing_in_it(wire, body):
    reply = await wire.send("POST", "/getMe", data=body, headers={"Content-Type": "application/json"})
    assert (reply.status, reply.text) == (400, "")


@pytest.mark.parametrize(
    "body",
    [
        b"no boundary here",
        b"--x\r\nnonsense\r\n--x--",
        b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y--\r\n--x--",
    ],
)
async def test_a_malformed_multipart_body_is_400(wire, body):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    reply = await wire.send("POST", "/getMe", data=body, headers=headers)
    assert (reply.status, reply.text) == (400, "")


async def test_multipart_without_a_boundary_is_400(wire):
    reply = await wire.send("POST", "/getMe", data=b"x", headers={"Content-Type": "multipart/form-data"})
    assert reply.status == 400


@given(
    content_type=st.sampled_from(["", "; boundary=x", "; boundary=", "; boundary=ä"]).map(
        "multipart/form-data{}".format
    ),
    body=st.lists(st.sampled_from(PIECES), max_size=9).map(b"".join) | st.binary(max_size=40),
)
def test_whatever_is_called_multipart_is_read_or_malformed(content_type, body):
    async def read():
        stream = aiohttp.StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16)
        stream.feed_data(body)
        stream.feed_eof()
        headers = CIMultiDictProxy(CIMultiDict({"Content-Type": content_type}))
        try:
            return await read_params("", headers, stream)
        except MalformedBodyError as malformed:
            return malformed

    assert isinstance(asyncio.run(read()), Params | MalformedBodyError)


async def test_a_json_null_becomes_a_word_and_is_refused_as_markup(ann, wire):
    reply = await wire.send("POST", "/sendMessage", json={"chat_id": ann.id, "text": "hi", "reply_markup": None})
    assert (reply.status, reply.description) == (400, "Bad Request: object expected as reply markup")


async def test_the_query_string_comes_before_the_body(ann, wire):
    reply = await wire.send(
        "POST", "/sendMessage", params={"text": "query"}, data={"chat_id": str(ann.id), "text": "body"}
    )
    assert reply.result["text"] == "query"


async def test_bytes_that_are_no_utf8_are_refused(ann, wire):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f"chat_id={ann.id}&text=%ff%fe".encode()
    reply = await wire.send("POST", "/sendMessage", data=body, headers=headers)
    assert reply.description == "Bad Request: strings must be encoded in UTF-8"
    body = b"title=t&description=d&currency=XTR&payload=%ff&prices=%5B%5D"
    reply = await wire.send("POST", "/createInvoiceLink", data=body, headers=headers)
    assert reply.description == "Bad Request: the payload must be encoded in UTF-8"


@pytest.mark.parametrize(
    ("token", "status", "description"),
    [
        ("123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 401, "Unauthorized"),
        ("nonsense", 404, "Not Found"),
        ("", 404, "Not Found"),
        ("0:x", 404, "Not Found"),
    ],
)
async def test_a_token_of_nobody_opens_nothing(telegram, wire, token, status, description):
    wire.root = f"{telegram.base_url}/bot{token}"
    reply = await wire.send("POST", "/getMe")
    assert (reply.status, reply.json) == (
        status,
        {"ok": False, "error_code": status, "description": description},
    )


async def test_other_paths_are_not_found(http, telegram):
    async with http.get(f"{telegram.base_url}/nothing/here") as response:
        assert response.status == 404


@pytest.mark.parametrize("encoding", ["photo", "attach"])
async def test_an_uploaded_photo_can_be_downloaded(ann, http, telegram, shop, wire, encoding):
    fields = {"chat_id": str(ann.id), "caption": "Look"}
    form = multipart(fields, photo=PNG) if encoding == "photo" else multipart(fields | {"photo": "attach://f"}, f=PNG)
    reply = await wire.send("POST", "/sendPhoto", data=form)
    (size,) = reply.result["photo"]
    assert (size["width"], size["height"], size["file_size"]) == (2, 3, len(PNG))
    path = (await wire("getFile", file_id=size["file_id"])).result["file_path"]
    for prefix in ("", "test/"):
        async with http.get(f"{telegram.base_url}/file/bot{shop.token}/{prefix}{path}") as response:
            assert await response.read() == PNG
    async with http.get(f"{telegram.base_url}/file/bot123:abc/{path}") as response:
        assert response.status == 401


async def test_aiogram_uploads_and_downloads(ann, bot):
    message = await bot.send_photo(ann.id, BufferedInputFile(PNG, "book.png"), caption="Look")
    assert message.caption == "Look"
    assert (await bot.download(message.photo[-1])).read() == PNG
    again = await bot.send_photo(ann.id, message.photo[-1].file_id)
    assert again.photo[-1].file_id == message.photo[-1].file_id
