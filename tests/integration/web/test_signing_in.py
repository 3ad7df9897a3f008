"""Nobody comes in but by a password or a link, each as often as is meant, and whoever went out is out."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.ledger.tables_access import accounts, audit, login_links, sessions
from neonpay.web import create_dashboard_app, serving
from tests.integration.conftest import MovableClock
from tests.integration.web.visiting import PASSWORD, admit, browser, form_token, send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

    from neonpay.simulator import Simulator
    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

    Query = Callable[[sa.Select[tuple[object, ...]]], Awaitable[list[tuple[object, ...]]]]


def shop_clock(shop: Shop) -> MovableClock:
    assert shop.clock is not None
    return shop.clock


async def sign_in(http: aiohttp.ClientSession, name: str = "ann", password: str = PASSWORD) -> aiohttp.ClientResponse:
    return await send(http, "/login", name=name, password=password)


async def is_in(http: aiohttp.ClientSession) -> bool:
    answer = await http.get("/", allow_redirects=False)
    assert (answer.status, answer.headers.get("Location", "")) in {(200, ""), (303, "/login")}
    return answer.status == 200


async def test_this_machine_needs_no_password_until_there_is_one(shop: Shop, served: Served) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        assert await is_in(http)
        await admit(shop)
        assert not await is_in(http)
        assert (await http.post("/", allow_redirects=False)).status in {403, 405}
        answer = await sign_in(http)
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        assert await is_in(http)


async def test_a_browser_that_signs_in_gets_an_id_that_nobody_knew(shop: Shop, served: Served, query: Query) -> None:
    """Session fixation: an id that somebody planted before is no session afterwards."""
    async with shop.polling(), served(clock=shop.clock) as http:
        await admit(shop)
        await form_token(http, "/login")
        before = {cookie.key: cookie.value for cookie in http.cookie_jar}
        answer = await sign_in(http)
        after = {cookie.key: cookie.value for cookie in http.cookie_jar}
        ((name, old),) = before.items()
        assert after[name] != old
        said = answer.headers["Set-Cookie"]
        assert "HttpOnly" in said
        assert "SameSite=Lax" in said
        async with browser(str((await http.get("/login")).url.origin())) as thief:
            thief.cookie_jar.update_cookies(before)
            assert not await is_in(thief)
        kept = str(await query(sa.select(sessions)))
        assert after[name] not in kept


async def test_wrong_passwords_are_counted_by_account_and_by_address(
    shop: Shop, served: Served, open_shop: Callable[..., Shop]
) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        await admit(shop)
        await admit(shop, "bob")
        for left in (4, 3, 2):
            answer = await sign_in(http, password="a guess")
            assert (answer.status, f"{left} tries left" in await answer.text()) == (403, True)
        # Another process of the same shop goes on counting.
        app = create_dashboard_app(open_shop().neonpay, clock=shop.clock, patience_s=60.0)
        async with serving(app, port=0) as url, browser(url) as other:
            assert "1 try left" in await (await sign_in(other, password="a guess")).text()
            assert (await sign_in(other, password="a guess")).status in {403, 429}
            refused = await sign_in(other)
            assert (refused.status, refused.headers["Retry-After"]) == (429, "60")
        assert (await sign_in(http, "bob")).status == 303
        shop_clock(shop).advance(61)
        assert (await sign_in(http)).status == 303


async def test_one_address_tries_no_more_than_twenty_names_a_minute(shop: Shop, served: Served) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        await admit(shop)
        token = await form_token(http, "/login")
        data = {"password": "a guess", "form_token": token}
        statuses = [(await http.post("/login", data={**data, "name": f"n{n}"})).status for n in range(22)]
        assert statuses[:19] == [403] * 19
        assert statuses[20:] == [429, 429]


async def test_a_name_that_is_nobodys_is_refused_like_a_wrong_password(
    shop: Shop, served: Served, query: Query
) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        await admit(shop)
        for name in ("nobody", "local", "", "a\0b", "x" * 5000, "'; DROP TABLE neonpay_accounts; --", "\ud800"):
            answer = await sign_in(http, name.encode("utf-8", "replace").decode())
            assert answer.status in {403, 429}, name
            assert "Wrong password" in await answer.text() or answer.status == 429
    assert await query(sa.select(accounts.c.name)) == [("ann",)]


async def test_a_session_ends_when_it_is_told_to_and_by_itself(shop: Shop, served: Served) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        await admit(shop)
        await sign_in(http)
        async with browser(str((await http.get("/")).url.origin())) as phone:
            await sign_in(phone)
            assert (await send(http, "/logout", "/")).headers["Location"] == "/login"
            assert (await is_in(http), await is_in(phone)) == (False, True)
            await sign_in(http)
            await send(phone, "/logout", "/", everywhere="yes")
            assert (await is_in(http), await is_in(phone)) == (False, False)
            await sign_in(phone)
            for _ in range(4):
                shop_clock(shop).advance(6 * 86_400)
                assert await is_in(phone)
            shop_clock(shop).advance(6 * 86_400 + 1)
            assert not await is_in(phone)
            await sign_in(phone)
            shop_clock(shop).advance(8 * 86_400)
            assert not await is_in(phone)


async def test_an_owner_comes_in_by_a_link_that_the_bot_sends_once(
    telegram: Simulator, open_shop: Callable[..., Shop], query: Query
) -> None:
    owner = telegram.user("Olga", language_code="ru")
    shop = open_shop(admins=[owner.id])
    async with shop.polling():
        await owner.says("/start", to=shop.account)
        await admit(shop)
        app = create_dashboard_app(shop.neonpay, clock=shop.clock, patience_s=60.0)
        async with serving(app, port=0) as url, browser(url) as http:
            told = await send(http, "/login/send", "/login")
            assert (told.status, "has sent the owners a link" in await told.text()) == (200, True)
            message = await owner.hears(shop.account, predicate=lambda m: "/enter/" in (m.text or ""))
            link = re.search(r"http://\S+", message.text or "")
            assert link is not None
            assert link[0].startswith(url)
            path = "/" + link[0].removeprefix(url)

            # A preview looks at it, and uses nothing up.
            assert (await http.get(path)).status == 200
            assert not await is_in(http)
            token = path.rpartition("/")[2]
            answer = await send(http, "/enter", path, token=token)
            assert (answer.status, answer.headers["Location"]) == (303, "/")
            assert await is_in(http)
            async with browser(url) as thief:
                again = await send(thief, "/enter", path, token=token)
                assert (again.status, await is_in(thief)) == (403, False)
            kept = await query(sa.select(login_links.c.link_hash))
            assert token not in str(kept)

            # Where they do not own the shop any more they are out.
            (session_id,) = (cookie.value for cookie in http.cookie_jar)
            for admins, comes_in in (([owner.id], True), ([], False)):
                app = create_dashboard_app(open_shop(admins=admins).neonpay, clock=shop.clock, patience_s=60.0)
                async with serving(app, port=0) as other_url, browser(other_url) as other:
                    port = other_url.rstrip("/").rpartition(":")[2]
                    other.cookie_jar.update_cookies({f"neonpay-{port}": session_id})
                    assert await is_in(other) is comes_in
    acts = await query(sa.select(audit.c.who, audit.c.act))
    assert acts == [(str(owner.id), "login.link")]


async def test_a_link_is_good_for_ten_minutes_and_three_may_be_asked_for(
    telegram: Simulator, open_shop: Callable[..., Shop]
) -> None:
    owner = telegram.user("Olga")
    shop = open_shop(admins=[owner.id])
    async with shop.polling():
        await owner.says("/start", to=shop.account)
        app = create_dashboard_app(shop.neonpay, clock=shop.clock, open_here=False, patience_s=60.0)
        async with serving(app, port=0) as url, browser(url) as http:
            assert [(await send(http, "/login/send", "/login")).status for _ in range(4)] == [200, 200, 200, 429]
            message = await owner.hears(shop.account, predicate=lambda m: "/enter/" in (m.text or ""))
            token = re.findall(r"/enter/(\S+)", message.text or "")[0]
            shop_clock(shop).advance(601)
            assert (await send(http, "/enter", f"/enter/{token}", token=token)).status == 403
            assert not await is_in(http)


@pytest.mark.parametrize("host", ["6.6.6.6", "127.0.0.1:80@evil.example", "[::1", "127.0.0.1:x"])
async def test_no_link_is_sent_under_an_address_that_somebody_made_up(
    telegram: Simulator, open_shop: Callable[..., Shop], host: str
) -> None:
    owner = telegram.user("Olga")
    shop = open_shop(admins=[owner.id])
    async with shop.polling():
        await owner.says("/start", to=shop.account)
        app = create_dashboard_app(shop.neonpay, clock=shop.clock, open_here=False, patience_s=60.0)
        async with serving(app, port=0) as url, browser(url) as http:
            token = await form_token(http, "/login")
            sent = await http.post("/login/send", data={"form_token": token}, headers={"Host": host})
            assert sent.status == 403 or "could not send" in await sent.text()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await owner.hears(shop.account, predicate=lambda m: "/enter/" in (m.text or ""))


async def test_an_owner_who_has_blocked_the_bot_gets_no_link_and_the_log_says_why(
    telegram: Simulator, open_shop: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    owner, other = telegram.user("Olga"), telegram.user("Ben")
    shop = open_shop(admins=[owner.id, other.id])
    async with shop.polling():
        for one in (owner, other):
            await one.says("/start", to=shop.account)
        app = create_dashboard_app(shop.neonpay, clock=shop.clock, open_here=False, patience_s=60.0)
        async with serving(app, port=0) as url, browser(url) as http:
            await owner.blocks(shop.account)
            assert "has sent the owners a link" in await (await send(http, "/login/send", "/login")).text()
            await other.blocks(shop.account)
            assert "could not send a link" in await (await send(http, "/login/send", "/login")).text()
    told = [record.getMessage() for record in caplog.records if record.name == "neonpay.web"]
    assert len(told) == 3
    assert all("blocked" in line for line in told), told
    assert shop.account.token not in "".join(told)
