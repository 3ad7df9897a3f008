"""A page of somebody else's in a browser on this machine can neither drive the simulator nor have it talk to others."""

from __future__ import annotations

import asyncio
from itertools import product

import pytest

from neonpay.simulator import Simulator

EVIL = "https://evil.example"


async def answers(telegram, request: str) -> int:
    """The status of a raw request; ``\\n`` ends its lines."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(telegram.base_url.rpartition(":")[2]))
    writer.write(request.replace("\n", "\r\n").encode("latin-1"))
    status = int((await reader.readline()).split()[1])
    writer.close()
    return status


@pytest.fixture
def doors(shop):
    """Everything that answers."""
    set_webhook = f"/bot{shop.token}/setWebhook?url=http://127.0.0.1:1/"
    return [
        set_webhook,
        f"/bot{shop.token}/getMe",
        f"/file/bot{shop.token}/photos/1.jpg",
        "/_sim/",
        "/page/page.js",
        "/",
    ]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "simulator",
        "evil.internal",
        "10.0.0.1",
        "",
        "\xff",
        "[",
        ":",
    ],
)
async def test_nothing_answers_to_another_name(telegram, doors, host):
    for door in doors:
        assert await answers(telegram, f"GET {door} HTTP/1.1\nHost: {host}\n\n") in {400, 403}, door
    assert telegram.calls() == []


async def test_nothing_answers_without_a_name_or_to_two(telegram, doors):
    port = telegram.base_url.rpartition(":")[2]
    own = f"Host: 127.0.0.1:{port}\n"
    for door in doors:
        assert await answers(telegram, f"GET {door} HTTP/1.0\n\n") in {400, 403}
        assert await answers(telegram, f"GET {door} HTTP/1.1\n{own}Host: evil.example\n\n") in {400, 403}
    assert telegram.calls() == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST.", "127.1.2.3", "[::1]"])
async def test_programs_on_this_machine_are_answered(telegram, shop, host):
    port = telegram.base_url.rpartition(":")[2]
    assert await answers(telegram, f"GET /bot{shop.token}/getMe HTTP/1.1\nHost: {host}:{port}\n\n") == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
async def test_a_page_of_another_place_gets_nothing_and_changes_nothing(http, telegram, doors, headers):
    for door, verb in product(doors, ["GET", "POST", "OPTIONS"]):
        if door == "/" and headers.get("Sec-Fetch-Mode") == "navigate":
            continue
        form = {"data": {"url": "http://127.0.0.1:1/"}} if verb == "POST" else {}
        async with http.request(verb, telegram.base_url + door, headers=headers, **form) as response:
            assert response.status in {403, 405}, (verb, door)
            assert "Access-Control-Allow-Origin" not in response.headers
    assert telegram.calls() == []


async def test_a_link_to_the_page_can_be_followed(http, telegram):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with http.get(telegram.base_url + "/", headers=headers) as response:
        assert response.status == 200


async def test_the_page_itself_may_give_orders(http, telegram):
    headers = {"Origin": telegram.base_url, "Sec-Fetch-Site": "same-origin"}
    async with http.post(f"{telegram.base_url}/_sim/users", json={"name": "Ann"}, headers=headers) as response:
        assert response.status == 200


async def test_on_a_network_it_goes_by_addresses_and_names_of_that_network(shop):
    async with Simulator(host="0.0.0.0") as telegram:  # noqa: S104  # what is tested
        path = f"/bot{telegram.bot('shop_bot').token}/getMe"
        for host, status in [
            ("10.0.0.7:8081", 200),
            ("[fe80::1]:8081", 200),
            ("simulator:8081", 200),
            ("host.docker.internal:8081", 200),
            ("evil.example:8081", 403),
            ("local.evil.example", 403),
        ]:
            assert await answers(telegram, f"GET {path} HTTP/1.1\nHost: {host}\n\n") == status, host


async def test_a_file_that_was_uploaded_is_no_page_of_the_simulators(http, telegram, shop, ann, wire):
    from aiohttp import FormData

    form = FormData({"chat_id": str(ann.id)})
    form.add_field("document", b"<script>fetch('/_sim/users')</script>", filename="a.html", content_type="text/html")
    await ann.says("/start", to=shop)
    async with http.post(f"{telegram.base_url}/bot{shop.token}/sendDocument", data=form) as response:
        file_id = (await response.json())["result"]["document"]["file_id"]
    path = (await wire("getFile", file_id=file_id)).result["file_path"]
    async with http.get(f"{telegram.base_url}/file/bot{shop.token}/{path}") as response:
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_odd_bytes_in_an_address_are_an_unknown_one(telegram, shop):
    port = telegram.base_url.rpartition(":")[2]
    for path in ("/bot\xff/getMe", "/bot%ff/getMe", f"/bot{shop.token}/%ff", f"/file/bot{shop.token}/%ff%00"):
        status = await answers(telegram, f"GET {path} HTTP/1.1\nHost: 127.0.0.1:{port}\n\n")
        assert status in {400, 401, 404}, path
