"""What extensions show is mounted below their names, and one that fails shows nothing and harms nobody."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from neonpay.extensions import ExtensionSpec
from tests.integration.registry.distributions import install, install_loyalty

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the engine."""
    return sqlite_url


async def test_an_extension_shows_its_pages_in_the_frame(shop: Shop, served: Served, place: Path) -> None:
    install_loyalty(place)
    async with served() as http:
        first = await (await http.get("/bots")).text()
        moved = await http.get("/loyalty", allow_redirects=False)
        page = await http.get("/loyalty/")
        text = await page.text()
        russian = await (await http.get("/loyalty/", headers={"Accept-Language": "ru"})).text()
    assert (
        '<a href="/loyalty/"><svg class="i" aria-hidden="true"><use href="#i-plus"/></svg><span>Points</span></a>'
        in first
    )
    assert "Points for what people buy." in first
    assert (moved.status, moved.headers["Location"]) == (308, "/loyalty/")
    assert page.status == 200
    assert f"<p>Points of bot {shop.neonpay.program.adapter.bot_id}</p>" in text
    assert '<a href="/loyalty/" aria-current="page">' in text
    assert "<span>Bots</span></a>" in text
    assert "<span>Баллы</span></a>" in russian
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


async def test_a_page_that_fails_shows_no_more_than_that(
    served: Served, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install_loyalty(place)
    async with served() as http:
        failed = await http.get("/loyalty/fail")
        text = await failed.text()
        absent = await http.get("/loyalty/nothing")
    assert (failed.status, failed.content_type) == (500, "text/html")
    assert "<h1>This page has failed.</h1>" in text
    assert "secret" not in text
    assert "Traceback" not in text
    assert "frame-ancestors 'none'" in failed.headers["Content-Security-Policy"]
    (record,) = [record for record in caplog.records if record.name == "neonpay.web"]
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "a page has failed: /loyalty/fail")
    assert (absent.status, "<h1>There is no such page.</h1>" in await absent.text()) == (404, True)


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ("import nothing_that_is_there", "run: pip install &quot;neonpay-loyalty[redis]&quot;"),
        ("", "leads nowhere"),
        ("pages = 7", "loyalty_points.pages:pages is no function that makes a neonpay.web.Part"),
        ("def pages(neonpay): return 7", "must return a neonpay.web.Part with an English title"),
        (
            "from aiohttp import web\nfrom neonpay.web import Part\ndef pages(neonpay): return Part(web.Application(), {})",
            "must return a neonpay.web.Part with an English title",
        ),
        (
            "from neonpay.web import Part\ndef pages(neonpay): return Part(7, {'en': 'Points'})",
            "must be a new aiohttp.web.Application",
        ),
        (
            "from aiohttp import web\nfrom neonpay.web import Part\ndef pages(neonpay): return Part(web.Application(), 'x')",
            "must return a neonpay.web.Part with an English title",
        ),
        ("def pages(neonpay): raise RuntimeError('the secret')", "pages failed: RuntimeError; the log says more"),
    ],
)
async def test_pages_that_cannot_be_had_are_told_of_and_the_rest_is_served(
    served: Served, place: Path, pages: str, words: str
) -> None:
    install_loyalty(place)
    (place / "loyalty_points/pages.py").write_text(pages + "\n")
    install(place, "neonpay-odd", {"odd": "nowhere:SPEC"})
    async with served() as http:
        answer = await http.get("/bots")
        text = await answer.text()
        assert (await http.get("/loyalty/")).status == 404
    assert answer.status == 200
    assert words in text
    assert "the secret" not in text
    assert "No module named &#x27;nowhere&#x27;" in text


async def test_only_the_extensions_that_are_named_show_pages(served: Served, place: Path) -> None:
    install_loyalty(place)
    async with served(specs=[]) as http:
        assert (await http.get("/loyalty/")).status == 404
    health = ExtensionSpec(name="healthz", factory="json:loads", pages="loyalty_points.pages:pages")
    async with served(specs=[health]) as http:
        assert "/healthz is neonpay&#x27;s own" in await (await http.get("/bots")).text()
        assert (await http.get("/healthz")).content_type == "application/json"
        assert (await http.get("/readyz")).content_type == "application/json"
        assert "neonpay_payments_total" in await (await http.get("/metrics")).text()


@pytest.mark.parametrize("name", ["login", "enter", "payments", "metrics"])
async def test_an_extension_cannot_stand_where_a_page_of_ours_does(served: Served, name: str) -> None:
    spec = ExtensionSpec(name=name, factory="nowhere:Nothing", pages="nowhere:pages")
    async with served(specs=[spec]) as http:
        text = await (await http.get("/bots")).text()
    assert f"/{name} is neonpay&#39;s own" in text or f"/{name} is neonpay&#x27;s own" in text
