"""What changes something is done by a form of ours, by whoever may do it, and is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from aiohttp import web

from neonpay.extensions import ExtensionSpec
from neonpay.ledger.tables_access import audit
from neonpay.web import create_dashboard_app, serving
from neonpay.web.access.accounts import keep_account
from neonpay.web.access.passwords import hashed
from neonpay.web.access.roles import Role
from tests.integration.web.visiting import browser, form_token, send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

    Query = Callable[[sa.Select[tuple[object, ...]]], Awaitable[list[tuple[object, ...]]]]

ACTS = ExtensionSpec(name="acts", factory="json:loads", pages="acts:pages")
PAGES = """
from aiohttp import web

from neonpay.web import Html, Part, form_token, page
from neonpay.web.access import Role, record_act, require


def pages(neonpay):
    async def show(request):
        token = f'<input type="hidden" name="form_token" value="{form_token(request)}">'
        return page(request, title="Acts", body=Html(token))

    async def act(request):
        require(request, Role.OPERATOR)
        bot_id = neonpay.program.adapter.bot_id
        await record_act(request, act="thing.made", bot_id=bot_id, subject="<b>one</b>", detail={"n": 1})
        return web.Response(text="done")

    app = web.Application()
    app.router.add_get("/", show)
    app.router.add_post("/", act)
    return Part(app, {"en": "Acts"})
"""


@pytest.fixture
def acts(place: Path) -> ExtensionSpec:
    (place / "acts.py").write_text(PAGES)
    return ACTS


async def test_an_act_is_written_down_with_who_and_from_where(
    shop: Shop, served: Served, acts: ExtensionSpec, query: Query
) -> None:
    async with shop.polling(), served(specs=[acts]) as http:
        assert (await send(http, "/acts/")).status == 200
    rows = await query(
        sa.select(*(audit.c[name] for name in ("bot_id", "who", "role", "act", "subject", "detail", "address")))
    )
    bot_id = shop.neonpay.program.adapter.bot_id
    assert rows == [(bot_id, "local", "owner", "thing.made", "<b>one</b>", '{"n":1}', "127.0.0.1")]


async def test_a_form_without_the_token_of_its_browser_changes_nothing(
    shop: Shop, served: Served, acts: ExtensionSpec, query: Query
) -> None:
    async with shop.polling(), served(specs=[acts]) as http:
        token = await form_token(http, "/acts/")
        for data in ({}, {"form_token": ""}, {"form_token": token[:-1] + "\u00e9"}, {"form_token": token[::-1]}):
            assert (await http.post("/acts/", data=data)).status == 403
        assert (await http.post("/acts/", json={"form_token": token})).status == 403
        async with browser(str((await http.get("/")).url)) as foreign:
            await form_token(foreign, "/acts/")
            assert (await foreign.post("/acts/", data={"form_token": token})).status == 403
        assert (await http.post("/acts/", json={}, headers={"X-Form-Token": token})).status == 200
    assert len(await query(sa.select(audit.c.act))) == 1


async def test_where_nobody_changes_anything_an_act_is_refused(
    shop: Shop, served: Served, acts: ExtensionSpec, query: Query
) -> None:
    async with shop.polling(), served(specs=[acts], only_looks=True) as http:
        assert (await send(http, "/acts/")).status == 403
    assert await query(sa.select(audit.c.act)) == []


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_what_a_proxy_of_this_machine_brings_does_not_sit_here(served: Served, header: str) -> None:
    async with served() as http:
        assert (await http.get("/", headers={header: "127.0.0.1"}, allow_redirects=False)).status in {303, 403}


async def test_a_mounted_dashboard_has_its_prefix_in_every_address(shop: Shop) -> None:
    host = web.Application()
    host.add_subapp("/shop/", create_dashboard_app(shop.neonpay, patience_s=60.0))
    async with shop.polling(), serving(host, port=0) as url, browser(url) as http:
        answer = await http.get("/shop/")
        text = await answer.text()
        assert (answer.status, answer.headers["Content-Security-Policy"][:18]) == (200, "default-src 'none'")
        assert (await http.get("/shop/_/frame.css")).status == 200
        assert (await http.get("/shop/healthz")).status == 200
        assert (await http.get("/")).status == 404
    links = [part.split('"')[0] for part in text.replace('action="', 'href="').split('href="')[1:]]
    assert [link for link in links if not link.startswith(("/shop/", "#"))] == []
    cookie = answer.cookies["neonpay-" + url.rstrip("/").rpartition(":")[2]]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["secure"]) == ("/shop/", True, "Lax", "")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded; charset=utf-7", b"name=ann&password=+2AA-"),
        ("application/x-www-form-urlencoded; charset=none-such", b"name=ann&password=x"),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: none-such\r\n\r\n1\r\n--x--\r\n",
        ),
    ],
)
async def test_a_form_in_a_strange_encoding_is_refused_and_nothing_fails(
    shop: Shop, served: Served, kind: str, body: bytes
) -> None:
    async with shop.polling(), served(specs=[], open_here=False) as http:
        await shop.neonpay.program.pipeline.ledger.run(
            keep_account, "ann", Role.OWNER, 1, hashed("seven ducks on a wall")
        )
        headers = {"X-Form-Token": await form_token(http, "/login"), "Content-Type": kind}
        assert (await http.post("/login", data=body, headers=headers)).status in {400, 403}
