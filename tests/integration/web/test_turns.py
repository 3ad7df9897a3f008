"""In the process of a bot one page is made at a time, in pieces, and buyers come before readers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from neonpay.web import create_dashboard_app, pace, serving
from neonpay.web.beside import Beside
from neonpay.web.part import Html, Part, page
from tests.integration.web.looked_at import stocked
from tests.integration.web.visiting import browser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientSession

    from tests.integration.conftest import Shop

PIECES = "<p>piece</p>"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the engine."""
    return sqlite_url


class Slow:
    """Pages of an extension that are made for as long as the test says."""

    def __init__(self) -> None:
        self.begun = 0
        self.go_on = asyncio.Event()
        self.has_begun = asyncio.Event()

    async def show(self, request: web.Request) -> web.Response:
        self.begun += 1
        self.has_begun.set()
        await self.go_on.wait()
        return page(request, title="Slow", body=Html(PIECES))

    def part(self) -> Part:
        app = web.Application()
        app.router.add_get("/", self.show)
        return Part(app, {"en": "Slow"})


@pytest.fixture
async def slow() -> Slow:
    return Slow()


@pytest.fixture
async def http(shop: Shop, slow: Slow) -> AsyncIterator[ClientSession]:
    app = create_dashboard_app(
        stocked(shop).neonpay, specs=[], patience_s=60.0, beside=[Beside([], [("slow", slow.part())])]
    )
    async with shop.polling(), serving(app, port=0) as url, browser(url) as http:
        yield http


@pytest.mark.usefixtures("shop")
async def test_pages_are_made_one_after_the_other(
    http: ClientSession, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "HELD_MOST_S", 1000.0)
    reading = [asyncio.ensure_future(http.get("/slow/")) for _ in range(3)]
    await slow.has_begun.wait()
    for _ in range(20):  # whatever needs no turn is answered meanwhile, and nobody else has begun
        assert (await http.get("/healthz")).status == 200
        assert (await http.get("/_/tokens.css")).status == 200
        assert slow.begun == 1
    slow.go_on.set()
    assert [answer.status for answer in await asyncio.gather(*reading)] == [200, 200, 200]
    assert slow.begun == 3


async def test_what_takes_long_costs_nobody_a_turn(
    http: ClientSession, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "HELD_MOST_S", 0.0)
    reading = asyncio.ensure_future(http.get("/slow/"))
    await slow.has_begun.wait()
    assert (await http.get("/payments")).status == 200
    assert not reading.done()
    slow.go_on.set()
    assert PIECES in await (await reading).text()


async def test_whoever_has_gone_while_others_had_their_turns_is_made_no_page(
    http: ClientSession, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "HELD_MOST_S", 1000.0)
    first = asyncio.ensure_future(http.get("/slow/"))
    await slow.has_begun.wait()
    gone = asyncio.ensure_future(http.get("/slow/"))
    for _ in range(20):
        await http.get("/healthz")
    gone.cancel()
    for _ in range(20):
        await http.get("/healthz")
    slow.go_on.set()
    assert (await first).status == 200
    assert (await http.get("/slow/")).status == 200
    assert slow.begun == 2


async def test_a_page_waits_for_those_who_buy_and_is_made_at_last(
    shop: Shop, http: ClientSession, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_PATIENCE_S", 1000.0)
    asked, answer = asyncio.Event(), asyncio.Event()

    @shop.neonpay.on_pre_checkout
    async def think(_query: object) -> None:
        asked.set()
        await answer.wait()

    slow.go_on.set()
    buyer = await shop.visitor("Ann")
    buying = asyncio.ensure_future(shop.sells(buyer))
    await asked.wait()
    reading = asyncio.ensure_future(http.get("/slow/"))
    for _ in range(20):
        assert (await http.get("/healthz")).status == 200
        assert (slow.begun, reading.done()) == (0, False)
    answer.set()
    assert (await reading).status == 200
    assert (await buying).status == "paid"
    assert shop.neonpay.program.pipeline.answering == 0
    assert shop.neonpay.program.pipeline.answered == 1


async def test_a_buyer_who_never_gets_an_answer_keeps_no_page_away_for_ever(shop: Shop, http: ClientSession) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    @shop.neonpay.on_pre_checkout
    async def think(_query: object) -> None:
        asked.set()
        await answer.wait()

    buying = asyncio.ensure_future(shop.sells(await shop.visitor("Ann")))
    await asked.wait()
    assert (await http.get("/")).status == 200
    answer.set()
    await buying


async def test_a_stream_keeps_nobody_waiting(http: ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "HELD_MOST_S", 1000.0)
    async with http.get("/live/events") as stream, asyncio.timeout(100):
        assert stream.status == 200
        assert (await http.get("/payments")).status == 200
