"""Whatever somebody sends to the dashboard is answered: with a page, or with a refusal, and never by breaking."""

from __future__ import annotations

import logging
import random
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from neonpay.web import create_dashboard_app, serving
from tests.integration.web.looked_at import lively, stocked
from tests.integration.web.visiting import browser, form_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.conftest import Shop

WORDS = (
    "", "0", "-1", "1e9", "99999999999999999999999999", "NaN", "None", "null", "true", "[]", "{}", "'", '"', "\\", "%", "%00",
    "%zz", "\0", "\x7f", "\r\nSet-Cookie: a=b", "../../etc/passwd", "..%2f..", "' OR 1=1 --", "1); DROP TABLE neonpay_jobs; --",
    "<script>alert(1)</script>", "{{7*7}}", "${7*7}", "\uff45\uff56", "\U0001f980", "\u202e", "\ud7ff", "a" * 3_000, "%%s%n",
    "9" * 18, "9" * 19, "-" * 20, "1795892589040000.0.x", "1.1.1", "1." * 40, "…", "abcd…wxyz", "*_%*", "2026-02-30", "365d",
    "all",
)  # fmt: skip
NAMES = (
    "period", "bot", "by", "split", "tab", "q", "stage", "order", "after", "before", "days", "done", "on", "page", "lasting",
    "reason", "words", "id", "answer", "token", "everywhere", "name", "password", "role", "from", "until", "format", "zone",
    "language", "theme", "what", "session", "unknown",
)  # fmt: skip
HEADERS = (
    {"Accept-Language": "x" * 2_000}, {"Accept-Language": "ru;q=NaN,en;q=-1,*;q=9e999"}, {"Accept": "\xff/\xfe;q=x"},
    {"Cookie": "neonpay=" + "%" * 500}, {"Cookie": "=;;=; neonpay_zone=Mars/Olympus; neonpay_language=xx"},
    {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Last-Event-ID": "'"}, {"Last-Event-ID": "9" * 30},
    {"Range": "bytes=9-1,-"}, {"If-None-Match": "\xe4" * 300}, {"X-Forwarded-For": "1, ,:::"}, {"Forwarded": "for=\"["},
)  # fmt: skip
TIMES = 4
"""How often each route is asked; seeded, so that what is found is found again."""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Half of the cases are about the engine, and what SQLite takes PostgreSQL is asked by the other tests."""
    return sqlite_url


def filled(chance: random.Random, template: str, known: dict[str, str]) -> str:
    """A path of a route, with something in the place of each of its names."""

    def something(found: re.Match[str]) -> str:
        name = found[1]
        return (
            known[name]
            if name in known and chance.random() < 0.6
            else quote(chance.choice(WORDS)[:300] or "x", safe="")
        )

    return re.sub(r"\{(\w+)[^}]*\}", something, template)


def paths(template: str, known: dict[str, str]) -> Iterator[str]:
    chance = random.Random(template)  # noqa: S311  # no secret depends on it
    for _ in range(TIMES):
        given = [f"{chance.choice(NAMES)}={quote(chance.choice(WORDS), safe='')}" for _ in range(chance.randint(1, 5))]
        yield f"{filled(chance, template, known)}?{'&'.join(given)}"


async def test_no_request_breaks_a_page(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    stocked(shop)
    app = create_dashboard_app(shop.neonpay, patience_s=60.0)
    async with shop.polling():
        await lively(shop)
        async with serving(app, port=0) as url, browser(url) as http:
            listed = await (await http.get("/payments")).text()
            charge = re.findall(r'href="/payments/\d+/([^"?]+)', listed)[0]
            known = {"bot": str(shop.neonpay.program.adapter.bot_id), "charge": charge, "user": "1", "token": "x"}
            token = await form_token(http)
            routes = sorted(
                {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
            )
            asked = 0
            for method, template in routes:
                if method == "HEAD" or template.startswith("/_/"):
                    continue
                chance = random.Random(f"{method} {template}")  # noqa: S311  # no secret depends on it
                for path in paths(template, known):
                    fields = {chance.choice(NAMES): chance.choice(WORDS) for _ in range(4)} | {"form_token": token}
                    if template in {"/logout", "/login"}:
                        fields.pop("form_token")  # whoever is out asks for nothing more
                    status = await ask(http, method, path, fields, chance.choice(HEADERS))
                    asked += 1
                    assert status < 500, (method, path, fields)
            assert asked > 100
    of_pages = [record for record in caplog.records if record.name.startswith(("neonpay.web", "aiohttp"))]
    assert [record.getMessage() for record in of_pages if record.levelno >= logging.ERROR] == []


async def ask(
    http: aiohttp.ClientSession, method: str, path: str, fields: dict[str, str], headers: dict[str, str]
) -> int:
    body = fields if method == "POST" else None
    async with http.request(
        method, URL(path, encoded=True), data=body, headers=headers, allow_redirects=False
    ) as answer:
        if answer.content_type != "text/event-stream":
            await answer.read()
        return answer.status
