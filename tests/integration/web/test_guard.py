"""No foreign page reads or changes anything, nothing in a page runs that is not a file of ours, and errors tell nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from neonpay.errors import ConfigurationError
from neonpay.extensions import ExtensionSpec
from neonpay.web import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.web.conftest import Served


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the engine."""
    return sqlite_url


@pytest.mark.parametrize("path", ["/", "/healthz", "/_/frame.css", "/nothing"])
async def test_a_foreign_name_is_refused_everywhere(served: Served, path: str) -> None:
    async with served() as http:
        for host in ("evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "localhost.evil.example:80"):
            answer = await http.get(path, headers={"Host": host})
            assert answer.status == 403, host
            assert "neonpay dashboard --name NAME" in await answer.text()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost:9", "LOCALHOST.", "[::1]:8080", "192.168.1.7:8080", "shop.test"]
)
async def test_addresses_and_the_names_that_were_given_are_let_through(served: Served, host: str) -> None:
    async with served(names=["Shop.Test"]) as http:
        assert (await http.get("/healthz", headers={"Host": host})).status in {200, 503}


@pytest.mark.parametrize("path", ["/", "/healthz", "/_/tokens.css", "/nothing", "/_/../words.py", "/_/words.py"])
async def test_every_answer_has_the_headers_that_keep_a_browser_safe(served: Served, path: str) -> None:
    async with served() as http:
        for method in ("GET", "HEAD", "PUT"):
            answer = await http.request(method, path)
            headers = answer.headers
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "same-origin"
            assert headers["Server"] == "neonpay"
            assert headers["Cache-Control"] in {"no-store", "no-cache"}


async def test_a_page_asks_for_nothing_from_elsewhere_and_holds_no_script_and_no_style(served: Served) -> None:
    async with served() as http:
        text = await (await http.get("/")).text()
        for name in ("tokens.css", "parts.css", "frame.css", "icon.svg"):
            assert f"/_/{name}" in text
            file = await http.get(f"/_/{name}")
            assert file.status == 200
            assert "http" not in (await file.text()).replace("http://www.w3.org/2000/svg", "")
    assert "http" not in text
    scripts = re.findall("<script([^>]*)>(.*?)</script>", text)
    assert scripts
    assert all("src=" in where and not code for where, code in scripts)
    for word in ("<style", "style=", " onclick"):
        assert word not in text


async def test_errors_are_pages_in_the_readers_language(served: Served) -> None:
    async with served() as http:
        absent = await http.get("/nothing", headers={"Accept-Language": "ru"})
        assert (absent.status, "<h1>Такой страницы нет.</h1>" in await absent.text()) == (404, True)
        refused = await http.post("/")
        assert (refused.status, refused.headers["Allow"]) == (405, "GET,HEAD")
        assert "<h1>This page cannot be used in that way.</h1>" in await refused.text()


async def test_a_page_of_another_place_changes_nothing(served: Served, place: Path) -> None:
    (place / "forms.py").write_text(_FORMS)
    spec = ExtensionSpec(name="forms", factory="json:loads", pages="forms:pages")
    async with served(specs=[spec]) as http:
        own = str((await http.get("/healthz")).url.origin())
        token = await (await http.get("/forms/")).text()
        for headers, status in (
            ({}, 200),
            ({"Origin": own, "Sec-Fetch-Site": "same-origin"}, 200),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Origin": "http://evil.example"}, 403),
            ({"Origin": "null"}, 403),
        ):
            data = {"form_token": token}
            assert (await http.post("/forms/", data=data, headers=headers)).status == status, headers
        assert (await http.get("/", headers={"Sec-Fetch-Site": "cross-site"})).status == 200


async def test_an_address_that_is_taken_is_told(served: Served) -> None:
    async with serving(web.Application(), port=0) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1 port {port}"):
            async with serving(web.Application(), port=port):
                pass


_FORMS = """
from aiohttp import web

from neonpay.web import Part, form_token


def pages(neonpay):
    async def change(request):
        return web.Response(text="changed")

    async def token(request):
        return web.Response(text=form_token(request))

    app = web.Application()
    app.router.add_get("/", token)
    app.router.add_post("/", change)
    return Part(app, {"en": "Forms"})
"""
