"""Whoever was taken away is out: nothing that they have left open, and nothing that they began before, lets them in again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import sqlalchemy as sa

from neonpay.ledger.tables_access import accounts
from neonpay.web.access.accounts import remove_account
from neonpay.web.access.roles import Role
from tests.integration.web.test_signing_in import admit, is_in, sign_in
from tests.integration.web.visiting import form_token

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

    Query = Callable[[sa.Select[tuple[object, ...]]], Awaitable[list[tuple[object, ...]]]]


async def test_an_account_that_comes_back_does_not_bring_its_old_sessions(shop: Shop, served: Served) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        await admit(shop, "bob")
        await admit(shop)
        await sign_in(http)
        assert await is_in(http)
        await shop.neonpay.program.pipeline.ledger.run(remove_account, "ann")
        await admit(shop)
        assert not await is_in(http)


async def test_a_form_that_was_begun_before_an_account_was_removed_makes_nobody_an_owner(
    shop: Shop, served: Served, query: Query
) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        await admit(shop)
        await admit(shop, "bob", Role.VIEWER)
        await sign_in(http, "bob")
        body = urlencode({"form_token": await form_token(http, "/settings"), "language": "en"}).encode()
        reader, writer = await _begins(http, "/settings", body)
        await shop.neonpay.program.pipeline.ledger.run(remove_account, "bob")
        writer.write(body[1:])
        assert b" 403 " in await reader.readline()
        writer.close()
        assert not await is_in(http)
    assert await query(sa.select(accounts.c.name)) == [("ann",)]


async def _begins(
    http: aiohttp.ClientSession, path: str, body: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send the head of a form and the first byte of it, and have the dashboard wait for the rest."""
    answer = await http.get("/login", allow_redirects=False)
    host, port = answer.url.host, answer.url.port
    assert host is not None
    cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in http.cookie_jar)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookies}\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(head.encode() + body[:1])
    await writer.drain()
    for _ in range(3):  # whoever asks is looked up when the head has come; these answers come after that
        assert await is_in(http)
    return reader, writer
