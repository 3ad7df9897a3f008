"""In the process of a bot, whoever is not signed in waits for no page of an owner, and no owner waits for them."""

from __future__ import annotations

import asyncio
import secrets
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from neonpay.web import create_dashboard_app, pace, serving
from neonpay.web.beside import Beside
from tests.integration.web.test_turns import Slow
from tests.integration.web.visiting import PASSWORD, admit, browser, form_token, send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientResponse, ClientSession

    from tests.integration.conftest import Shop

READERS, REPORTERS = 4, 2
STRANGERS = 5


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the engine."""
    return sqlite_url


@pytest.fixture
async def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """Whoever has a turn keeps it for as long as the page takes."""
    monkeypatch.setattr(pace, "HELD_MOST_S", 1000.0)
    return Slow()


@asynccontextmanager
async def serves(shop: Shop, slow: Slow) -> AsyncIterator[str]:
    """Pages that everybody has to sign in for; where they are."""
    beside = [Beside([], [("slow", slow.part())])]
    app = create_dashboard_app(shop.neonpay, specs=[], patience_s=60.0, open_here=False, beside=beside)
    async with serving(app, port=0) as url:
        yield url


@pytest.fixture
async def address(shop: Shop, slow: Slow) -> AsyncIterator[str]:
    async with shop.polling(), serves(shop, slow) as url:
        await admit(shop)
        yield url


@asynccontextmanager
async def signed_in(url: str) -> AsyncIterator[ClientSession]:
    async with browser(url) as http:
        assert (await send(http, "/login", name="ann", password=PASSWORD)).status == 303
        yield http


@asynccontextmanager
async def browser_with(url: str, session: str) -> AsyncIterator[ClientSession]:
    """A browser that has this for the id of its session."""
    async with browser(url) as http:
        http.cookie_jar.update_cookies({f"neonpay-{URL(url).port}": session})
        yield http


def session_of(http: ClientSession) -> str:
    (cookie,) = http.cookie_jar
    return cookie.value


def where_to(answer: ClientResponse) -> str | None:
    return answer.headers.get("Location")


@asynccontextmanager
async def readers_at_work(shop: Shop) -> AsyncIterator[None]:
    """Inside the block, what the page to sign in on asks of the ledger is not answered."""
    go_on, ledger = threading.Event(), shop.neonpay.program.pipeline.ledger
    reading = [asyncio.ensure_future(ledger.read(lambda _: go_on.wait())) for _ in range(READERS)]
    try:
        await asyncio.sleep(0)
        yield
    finally:
        go_on.set()
        await asyncio.gather(*reading)


def asks(http: ClientSession, path: str = "/login") -> list[asyncio.Future[ClientResponse]]:
    return [asyncio.ensure_future(http.get(path)) for _ in range(STRANGERS)]


async def test_a_stranger_waits_for_no_page_of_an_owner(address: str, slow: Slow) -> None:
    made_up = secrets.token_urlsafe(32)
    async with signed_in(address) as owner, browser(address) as stranger, browser_with(address, made_up) as liar:
        looking = asyncio.ensure_future(owner.get("/slow/"))
        await slow.has_begun.wait()
        assert (await stranger.get("/login")).status == 200
        for http in (stranger, liar):
            assert where_to(await http.get("/payments", allow_redirects=False)) == "/login"
        assert not looking.done()
        slow.go_on.set()
        assert (await looking).status == 200


async def test_no_owner_waits_for_strangers(shop: Shop, address: str, slow: Slow) -> None:
    slow.go_on.set()
    made_up = secrets.token_urlsafe(32)
    async with signed_in(address) as owner, browser(address) as stranger, browser_with(address, made_up) as liar:
        async with readers_at_work(shop):
            asking = asks(stranger) + asks(liar, "/payments")
            for _ in range(STRANGERS):
                assert (await owner.get("/slow/")).status == 200
            assert not any(each.done() for each in asking)
        assert {answer.status for answer in await asyncio.gather(*asking)} == {200}


async def test_an_owner_who_comes_in_meanwhile_waits_for_no_stranger(shop: Shop, address: str, slow: Slow) -> None:
    slow.go_on.set()
    async with browser(address) as owner, browser(address) as stranger:
        form = {"form_token": await form_token(owner, "/login"), "name": "ann", "password": PASSWORD}
        async with readers_at_work(shop):
            asking = asks(stranger)
            assert (await owner.post("/login", data=form, allow_redirects=False)).status == 303
            assert (await owner.get("/slow/")).status == 200
            assert not any(each.done() for each in asking)
        await asyncio.gather(*asking)


async def test_an_owner_who_came_in_before_a_restart_waits_for_no_stranger(
    shop: Shop, address: str, slow: Slow
) -> None:
    slow.go_on.set()
    async with (
        signed_in(address) as before,
        serves(shop, slow) as again,
        browser_with(again, session_of(before)) as owner,
        browser(again) as stranger,
    ):
        async with readers_at_work(shop):
            asking = asks(stranger)
            assert (await owner.get("/slow/")).status == 200
            assert not any(each.done() for each in asking)
        await asyncio.gather(*asking)


async def test_whoever_went_out_waits_among_strangers(shop: Shop, address: str, slow: Slow) -> None:
    slow.go_on.set()
    async with signed_in(address) as owner, signed_in(address) as former:
        session = session_of(former)
        assert (await former.get("/slow/")).status == 200
        assert where_to(await send(former, "/logout", "/")) == "/login"
        async with browser_with(address, session) as outside:
            async with readers_at_work(shop):
                asking = asks(outside)
                assert (await owner.get("/slow/")).status == 200
                assert not any(each.done() for each in asking)
            await asyncio.gather(*asking)


async def test_whoever_has_no_session_is_led_to_the_door_without_the_ledger(shop: Shop, address: str) -> None:
    go_on, ledger = threading.Event(), shop.neonpay.program.pipeline.ledger
    reporting = [asyncio.ensure_future(ledger.report(60.0, lambda _: go_on.wait())) for _ in range(REPORTERS)]
    async with browser(address) as stranger:
        for path in ("/", "/payments"):
            assert where_to(await stranger.get(path, allow_redirects=False)) == "/login"
    go_on.set()
    await asyncio.gather(*reporting)
