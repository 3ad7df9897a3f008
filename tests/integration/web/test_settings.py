"""Everybody sets how pages look to them; an owner says who comes in, and reads what was done. Tampering leads nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.ledger.tables_access import accounts, audit
from neonpay.web.access.accounts import keep_account
from neonpay.web.access.audit import write_act
from neonpay.web.access.roles import Role
from neonpay.web.access.visit import Viewer
from tests.integration.web.visiting import PASSWORD, admit, browser, form_token, send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

    Query = Callable[[sa.Select[tuple[object, ...]]], Awaitable[list[tuple[object, ...]]]]


async def test_language_zone_and_keys_are_kept_with_whoever_chose_them(shop: Shop, served: Served) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        kept = await send(http, "/settings", language="ru", zone="Asia/Kathmandu")
        assert (kept.status, kept.headers["Location"]) == (303, "/settings?done=kept")
        text = await (await http.get("/settings?done=kept", headers={"Accept-Language": "en"})).text()
        assert "<option selected>Asia/Kathmandu</option>" in text
        assert '<html lang="ru">' in text
        assert "Сохранено." in text
        assert '<body data-keys="off">' in text
        refused = await send(http, "/settings", zone="../../etc/passwd")
        assert (refused.status, "Такого часового пояса нет" in await refused.text()) == (400, True)
        await send(http, "/settings", zone="UTC", single_keys="yes")
        assert '<body data-keys="on">' in await (await http.get("/settings")).text()


async def test_a_viewer_changes_nothing_but_how_pages_look(shop: Shop, served: Served, query: Query) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        await admit(shop, "ann", Role.OWNER)
        await admit(shop, "vic", Role.VIEWER)
        async with browser(str((await http.get("/login")).url.origin())) as owner:
            await send(owner, "/login", name="ann", password=PASSWORD)
            await send(http, "/login", name="vic", password=PASSWORD)
            text = await (await http.get("/settings")).text()
            assert "New account" not in text
            assert ">ann<" not in text
            for path, fields in (
                ("/settings/accounts", {"name": "eve", "password": PASSWORD, "role": "owner"}),
                ("/settings/accounts", {"name": "vic", "password": PASSWORD, "role": "owner"}),
                ("/settings/accounts/remove", {"name": "ann"}),
            ):
                assert (await send(http, path, "/settings", **fields)).status == 403, path
            assert (await http.get("/audit")).status == 403
            # Their own session alone: another's cannot be named.
            theirs = (await (await owner.get("/settings")).text()).partition("This browser")[2]
            starts = theirs.partition('name="session" value="')[2][:16]
            assert (await send(http, "/settings/sessions", "/settings", session=starts)).status == 404
            for session in ("", "%", "_" * 16, "z" * 16, starts[:15], starts + "0"):
                assert (await send(http, "/settings/sessions", "/settings", session=session)).status == 400
            assert (await owner.get("/", allow_redirects=False)).status == 200
            # The owner may.
            of_vic = (await (await owner.get("/settings")).text()).partition("<bdi>vic</bdi>")[2]
            starts = of_vic.partition('name="session" value="')[2][:16]
            assert (await send(owner, "/settings/sessions", "/settings", session=starts)).status == 303
            assert (await http.get("/", allow_redirects=False)).status == 303
    assert sorted(await query(sa.select(accounts.c.name, accounts.c.role))) == [("ann", "owner"), ("vic", "viewer")]


async def test_a_role_that_is_taken_away_is_gone_with_the_next_page(shop: Shop, served: Served) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        await admit(shop, "ann", Role.OWNER)
        await send(http, "/login", name="ann", password=PASSWORD)
        assert (await http.get("/audit")).status == 200
        await shop.neonpay.program.pipeline.ledger.run(keep_account, "ann", Role.VIEWER, 2)
        assert (await http.get("/audit")).status == 403


async def test_an_owner_admits_and_removes_people_and_it_is_written_down(
    shop: Shop, served: Served, query: Query
) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        await send(http, "/settings/accounts", "/settings", name="ann", password=PASSWORD, role="owner")
        assert (await http.get("/settings", allow_redirects=False)).headers["Location"] == "/login"
        await send(http, "/login", name="ann", password=PASSWORD)
        for fields, status in (
            ({"name": "Bob", "password": PASSWORD, "role": "viewer"}, 400),
            ({"name": "local", "password": PASSWORD, "role": "viewer"}, 400),
            ({"name": "123", "password": PASSWORD, "role": "viewer"}, 400),
            ({"name": "bob", "password": "short", "role": "viewer"}, 400),
            ({"name": "bob", "password": PASSWORD, "role": "god"}, 400),
            ({"name": "bob", "password": PASSWORD, "role": "operator"}, 303),
        ):
            assert (await send(http, "/settings/accounts", "/settings", **fields)).status == status, fields
        assert (await send(http, "/settings/accounts/remove", "/settings", name="ann")).status == 400
        assert (await send(http, "/settings/accounts/remove", "/settings", name="bob")).status == 303
        assert (await send(http, "/settings/accounts/remove", "/settings", name="bob")).status == 404
        text = await (await http.get("/audit")).text()
        assert "Removed an account" in text
        assert PASSWORD not in text
    acts = await query(sa.select(audit.c.who, audit.c.act, audit.c.subject).order_by(audit.c.audit_id))
    assert acts == [
        ("local", "account.kept", "ann"),
        ("ann", "login.password", None),
        ("ann", "account.kept", "bob"),
        ("ann", "account.removed", "bob"),
    ]


async def test_a_new_password_ends_all_other_sessions(shop: Shop, served: Served) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        await admit(shop, "ann", Role.OPERATOR)
        await send(http, "/login", name="ann", password=PASSWORD)
        async with browser(str((await http.get("/")).url.origin())) as phone:
            await send(phone, "/login", name="ann", password=PASSWORD)
            other = "eight geese in a row"
            wrong = await send(http, "/settings/password", "/settings", old="no", password=other)
            assert (wrong.status, "not the password" in await wrong.text()) == (403, True)
            assert (await send(http, "/settings/password", "/settings", old=PASSWORD, password=other)).status == 303
            assert (await http.get("/", allow_redirects=False)).status == 200
            assert (await phone.get("/", allow_redirects=False)).status == 303


async def test_the_password_until_now_is_guessed_no_more_often_than_at_the_door(shop: Shop, served: Served) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        await admit(shop, "ann", Role.OPERATOR)
        await send(http, "/login", name="ann", password=PASSWORD)
        other = "eight geese in a row"
        guesses = [await send(http, "/settings/password", "/settings", old="no", password=other) for _ in range(6)]
        assert [guess.status for guess in guesses] == [403, 403, 403, 403, 429, 429]
        known = await send(http, "/settings/password", "/settings", old=PASSWORD, password=other)
        assert known.status == 429
        shop.clock.advance(61)
        assert (await send(http, "/settings/password", "/settings", old=PASSWORD, password=other)).status == 303


async def test_the_book_of_acts_is_filtered_and_has_pages_of_fifty(shop: Shop, served: Served) -> None:
    bot_id = shop.neonpay.program.adapter.bot_id
    async with shop.polling(), served(clock=shop.clock) as http:
        ledger = shop.neonpay.program.pipeline.ledger
        for number in range(60):
            who = Viewer("<i>ann</i>" if number % 2 else "bob", Role.OPERATOR)
            detail = {"reason": "<script>alert(1)</script>"}
            await ledger.run(write_act, who, "10.0.0.7", number, "payment.refund", bot_id, f"charge_{number}", detail)
        first = await (await http.get("/audit")).text()
        assert "60 acts are written down." in first
        assert "charge_59" in first
        assert "charge_9<" not in first
        assert "<script>alert" not in first
        assert "<i>ann" not in first
        second = await (await http.get("/audit?page=2")).text()
        assert "charge_9<" in second
        assert "Page 2 of 2" in second
        of_bob = await (await http.get("/audit?who=bob&act=payment.refund")).text()
        assert "30 acts are written down." in of_bob
        assert "1 act is written down." in await (await http.get("/audit?subject=charge_59")).text()
        for path in (
            "?page=0",
            "?page=-1",
            "?page=999999",
            "?page=x",
            "?who=%00",
            "?act=%ED%A0%80",
            "?subject=%25",
            "?bot=1",
        ):
            assert (await http.get(f"/audit{path}")).status in {200, 404}, path


@pytest.mark.parametrize(
    "path",
    [
        "/%2e%2e/settings",
        "/settings/",
        "/settings/../audit",
        "/enter/",
        "/enter/a/b",
        "/_/..%2fwords%2flogin.py",
    ],
)
async def test_no_path_leads_past_the_door(shop: Shop, served: Served, path: str) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        await admit(shop, "ann", Role.OWNER)
        answer = await http.get(path, allow_redirects=False)
        assert answer.status in {303, 403, 404}, path
        text = await answer.text()
        for told in ("New account", "Overview", str(shop.neonpay.program.adapter.bot_id)):
            assert told not in text


async def test_nothing_that_is_sent_becomes_a_header(shop: Shop, served: Served) -> None:
    async with shop.polling(), served(clock=shop.clock) as http:
        token = await form_token(http, "/settings")
        for language in ("ru\r\nX-Evil: 1", "de", "ru; Path=/"):
            data = {"form_token": token, "language": language, "zone": "UTC"}
            answer = await http.post("/settings", data=data, allow_redirects=False)
            assert answer.status == 303
            assert "X-Evil" not in answer.headers
            assert "Evil" not in str(answer.headers.getall("Set-Cookie", []))
        for charset in ("utf-7", "nonsense", "utf-16"):
            kind = {"Content-Type": f"application/x-www-form-urlencoded; charset={charset}"}
            answer = await http.post("/settings", data=b"form_token=\xff", headers=kind, allow_redirects=False)
            assert answer.status in {400, 403}, charset
