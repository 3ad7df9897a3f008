"""Requests of buyers are decided on a page as by the bot's own buttons: once, written down, and the buyer is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.ledger.tables import refund_requests
from neonpay.ledger.tables_access import audit
from tests.integration.web.test_payment import EVIL, path_of
from tests.integration.web.visiting import send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

    Query = Callable[[sa.Select[tuple[object, ...]]], Awaitable[list[tuple[object, ...]]]]

ACTS = sa.select(audit.c.act).order_by(audit.c.audit_id)
STATES = sa.select(refund_requests.c.state, refund_requests.c.answer, refund_requests.c.decided_by)


@pytest.fixture
def shop(shop: Shop) -> Shop:
    @shop.neonpay.on_payment(stage="vip", name="deliver")
    async def deliver() -> None:
        pass

    return shop


async def see(http: aiohttp.ClientSession, path: str, *, language: str = "en") -> str:
    answer = await http.get(path, headers={"Accept-Language": language})
    assert answer.status == 200, await answer.text()
    return await answer.text()


async def test_a_request_waits_with_the_words_of_its_buyer_and_is_granted_once(
    shop: Shop, served: Served, query: Query
) -> None:
    async with shop.polling(), served() as http:
        assert "<h1>Nobody waits for an answer.</h1>" in await see(http, "/refunds")
        ann = await shop.visitor("Ann", stars=100)
        sold = await shop.sells(ann)
        asked = await shop.neonpay.refunds.request(sold.charge_id, user_id=ann.id, words=EVIL)
        text = await see(http, "/refunds")
        assert "<h1>1 person waits for an answer.</h1>" in text
        assert "<h1>1 человек ждёт ответа.</h1>" in await see(http, "/refunds", language="ru")
        assert "&lt;script&gt;" in text
        assert "<script>" not in text
        (path,) = re.findall(r'<a class="btn" href="(/refunds/\d+/[^"]+)"', text)
        assert path.endswith(asked.request_id)
        assert "<script>" not in await see(http, path)
        told = await send(http, f"{path}/grant", path)
        assert (told.status, told.headers["Location"]) == (303, "/refunds?done=granted")
        assert ann.stars == 100
        after = await see(http, "/refunds?done=granted")
        assert "The request is granted." in after
        assert "Granted by local in the dashboard." in after
        again = await http.post(f"{path}/grant", data={"form_token": "x"})
        assert again.status == 403
        assert 'action="' not in (await see(http, path)).partition('<div class="confirm">')[2].partition("</main>")[0]
    assert [act for (act,) in await query(ACTS)] == ["request.approve"]
    assert await query(STATES) == [("approved", None, "local in the dashboard")]


async def test_a_refusal_reaches_the_buyer_with_its_answer_and_a_second_press_changes_nothing(
    shop: Shop, served: Served, query: Query
) -> None:
    async with shop.polling(), served() as http:
        ann, ben = await shop.visitor("Ann", stars=100), await shop.visitor("Ben")
        sold, other = await shop.sells(ann), await shop.sells(ben)
        asked = await shop.neonpay.refunds.request(sold.charge_id, user_id=ann.id, words="Too late")
        waits = await shop.neonpay.refunds.request(other.charge_id, user_id=ben.id)
        bot_id = shop.neonpay.program.adapter.bot_id
        path, form = f"/refunds/{bot_id}/{asked.request_id}", f"/refunds/{bot_id}/{waits.request_id}"
        assert (await send(http, f"{path}/refuse", form, answer="x" * 1001)).status == 400
        assert (await send(http, f"{path}/refuse", form, answer="It was on time.")).status == 303
        second = await send(http, f"{path}/grant", form)
        assert second.headers["Location"] == "/refunds?done=already"
        assert "nothing was changed" in await see(http, "/refunds?done=already")
        assert "It was on time." in await see(http, path)
        assert ann.stars == 50
    assert [act for (act,) in await query(ACTS)] == ["request.refuse"]
    assert ("refused", "It was on time.", "local in the dashboard") in await query(STATES)


async def test_refunds_are_listed_by_how_far_they_are(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        ann, ben = await shop.visitor("Ann"), await shop.visitor("Ben")
        back, kept = await shop.sells(ann), await shop.sells(ben)
        await shop.neonpay.refund(back.charge_id, reason="Bought twice")
        shop.telegram.faults.fail("refundStarPayment", error_code=400, description="Bad Request: CHARGE_NOT_FOUND")
        path = path_of(shop, kept.charge_id)
        assert (await send(http, f"{path}/refund", path)).status == 409
        text = await see(http, "/refunds")
        counts = re.findall(
            r'<a href="/refunds[^"]*"(?: aria-current="true")?>([^<]+) <span class="n">(\d+)</span>', text
        )
        assert dict(counts) == {"All": "2", "Under way": "0", "Refused by Telegram": "1", "Returned": "1"}
        assert "Nobody waits for an answer, but Telegram refused a refund." in text
        assert "CHARGE_NOT_FOUND" in await see(http, "/refunds?tab=failed")
        assert "Bought twice" in await see(http, "/refunds?tab=done")
        need = await see(http, "/payments?tab=need-you")
        assert "Refund refused" in need


async def test_whoever_only_looks_decides_nothing_and_nonsense_is_not_found(
    shop: Shop, served: Served, query: Query
) -> None:
    async with shop.polling():
        ann = await shop.visitor("Ann")
        sold = await shop.sells(ann)
        asked = await shop.neonpay.refunds.request(sold.charge_id, user_id=ann.id)
        bot_id = shop.neonpay.program.adapter.bot_id
        path = f"/refunds/{bot_id}/{asked.request_id}"
        async with served(only_looks=True) as http:
            assert "<form" not in (await see(http, path)).partition("<main")[2].partition("</main>")[0]
            for act in ("grant", "refuse"):
                assert (await http.post(f"{path}/{act}")).status == 403
        async with served() as http:
            for wrong in (f"/refunds/{bot_id}/none", f"/refunds/{bot_id}/%00", "/refunds/1/x", "/refunds/x/y"):
                assert (await http.get(wrong)).status == 404, wrong
            for odd in ("?after=x", "?tab=%00", "?after=1.0.%00", "?done=%3Cscript%3E"):
                assert "<script>" not in await see(http, f"/refunds{odd}")
    assert [state for state, *_ in await query(STATES)] == ["open"]
