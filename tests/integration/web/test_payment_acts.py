"""What is decided on the page of a payment is done once, written down, and told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.ledger.tables import notes, payments, refunds
from neonpay.ledger.tables_access import audit
from neonpay.ledger.tables_backup import restores
from tests.integration.web.test_payment import EVIL, path_of
from tests.integration.web.visiting import send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

    Query = Callable[[sa.Select[tuple[object, ...]]], Awaitable[list[tuple[object, ...]]]]

ACTS = sa.select(audit.c.act, audit.c.who).order_by(audit.c.audit_id)


async def page(http: aiohttp.ClientSession, answer: aiohttp.ClientResponse) -> str:
    """The page that follows an act."""
    assert answer.status == 303, await answer.text()
    return await (await http.get(answer.headers["Location"])).text()


async def test_a_delivery_that_was_given_up_is_retried_and_then_says_that_it_is_done(
    shop: Shop, served: Served, query: Query
) -> None:
    is_repaired: list[bool] = []

    @shop.neonpay.on_payment(stage="vip", name="deliver", max_attempts=1)
    async def deliver() -> None:
        if not is_repaired:
            raise RuntimeError("no paper")

    async with shop.polling(), served() as http:
        sold = await shop.sells(await shop.visitor("Ann"))
        await shop.fact("fulfilment_abandoned")
        path = path_of(shop, sold.charge_id)
        is_repaired.append(True)
        told = await page(http, await send(http, f"{path}/retry", path))
        assert "Delivery is due now" in told
        await shop.delivers(sold)
        assert "Ann paid and has" not in told
        after = await (await http.get(path)).text()
        assert "paid and has “VIP”" in after
        assert f'action="{path}/retry"' not in after
        again = await page(http, await send(http, f"{path}/retry", path))
        assert "Nothing was left to retry." in again
    assert [act for act, _ in await query(ACTS)] == ["payment.retry", "payment.retry"]


async def test_a_refund_is_asked_about_made_once_and_told(shop: Shop, served: Served, query: Query) -> None:
    async with shop.polling(), served() as http:
        ann = await shop.visitor("Ann", stars=100)
        sold = await shop.sells(ann)
        path = path_of(shop, sold.charge_id)
        asked = await (await http.get(f"{path}/refund")).text()
        assert "Refund 50 Stars to" in asked
        assert re.search(r'<a class="btn" href="[^"]+" autofocus>Keep the payment</a>', asked)
        assert ann.stars == 50
        told = await page(http, await send(http, f"{path}/refund", f"{path}/refund", reason=EVIL))
        assert "50 Stars" in told
        assert "Nothing is owed." in told
        assert "<script>" not in told
        assert ann.stars == 100
        again = await page(http, await send(http, f"{path}/refund", path))
        assert "Nothing is owed." in again
        assert (await http.get(f"{path}/refund", allow_redirects=False)).status == 303
    assert [act for act, _ in await query(ACTS)] == ["payment.refund"]
    ((requested_by, reason),) = await query(sa.select(refunds.c.requested_by, refunds.c.reason))
    assert requested_by == "local in the dashboard"
    assert reason == EVIL


async def test_a_payment_that_waits_for_a_decision_is_accepted_once(shop: Shop, served: Served, query: Query) -> None:
    async with shop.polling(), served() as http:
        (sold,) = await shop.sells_in_vain(await shop.visitor("Ann"))
        path = path_of(shop, sold.charge_id)
        before = await (await http.get(path)).text()
        assert "it waits for your decision" in before
        assert "no program of the shop had a handler for this product" in before
        refused = await send(http, f"{path}/accept", path)
        assert refused.status == 409
        assert "no handler of this shop takes payments of stage" in await refused.text()

        @shop.neonpay.on_payment(stage="vip", name="deliver")
        async def deliver() -> None:
            pass

        told = await page(http, await send(http, f"{path}/accept", path))
        assert "The payment is accepted; the bot delivers it." in told
        await page(http, await send(http, f"{path}/accept", path))
    assert [act for act, _ in await query(ACTS)] == ["payment.accept"]
    assert await query(sa.select(payments.c.state)) == [("accepted",)]


async def test_one_that_may_have_been_delivered_before_a_restore_is_accepted_as_delivered(
    shop: Shop, served: Served, query: Query
) -> None:
    ran: list[str] = []
    shop.neonpay.on_payment(stage="vip", name="deliver")(lambda: ran.append("again"))
    async with shop.polling(), served() as http:
        fence = sa.insert(restores).values(
            bot_id=0, backup_id="b", made_at=1, fence_at=4_000_000_000_000_000, parked="{}"
        )
        await shop.neonpay.program.pipeline.ledger.run(lambda t: t.connection.execute(fence).rowcount)
        sold = await shop.sells(await shop.visitor("Ann"))
        path = path_of(shop, sold.charge_id)
        assert "It was delivered already" in await (await http.get(path)).text()
        told = await page(http, await send(http, f"{path}/accept", path, delivered="1"))
        assert "no handler runs" in told
        await shop.settles()
    assert ran == []
    assert await query(sa.select(payments.c.state)) == [("accepted",)]


async def test_a_note_is_written_once_and_never_run(shop: Shop, served: Served, query: Query) -> None:
    async with shop.polling(), served() as http:
        sold = await shop.sells(await shop.visitor("Ann"))
        path = path_of(shop, sold.charge_id)
        text = await (await http.get(path)).text()
        found = re.search(r'name="id" value="([0-9a-f]{32})"', text)
        assert found is not None
        for _ in range(2):
            told = await page(http, await send(http, f"{path}/note", path, id=found[1], words=EVIL))
            assert told.count("&lt;script&gt;alert(1)") == 1
            assert "<script>" not in told
        for fields in ({}, {"id": "x", "words": "y"}, {"id": found[1]}, {"id": found[1], "words": "y" * 3000}):
            assert (await send(http, f"{path}/note", path, **fields)).status == 400
    assert await query(sa.select(notes.c.words, notes.c.written_by)) == [(EVIL, "local in the dashboard")]
    assert [act for act, _ in await query(ACTS)] == ["payment.note"]


async def test_whoever_only_looks_sees_no_act_and_may_do_none(shop: Shop, served: Served, query: Query) -> None:
    async with shop.polling():
        ann = await shop.visitor("Ann", stars=100)
        sold = await shop.sells(ann)
        path = path_of(shop, sold.charge_id)
        async with served(only_looks=True) as http:
            text = await (await http.get(path)).text()
            assert "<form" not in text.partition('<div class="head">')[2].partition("</main>")[0]
            assert (await http.get(f"{path}/refund")).status == 403
            for act in ("retry", "accept", "refund", "note"):
                assert (await http.post(f"{path}/{act}", data={"words": "x"})).status == 403, act
                assert (await http.get(f"{path}/{act}")).status in {403, 404, 405}, act
    assert ann.stars == 50
    assert await query(ACTS) == []


@pytest.mark.parametrize("act", ["retry", "accept", "refund", "note"])
async def test_an_act_on_what_is_no_payment_is_not_found(shop: Shop, served: Served, act: str) -> None:
    async with shop.polling(), served() as http:
        sold = await shop.sells(await shop.visitor("Ann"))
        for charge in ("none", "%00", "..%2F..%2Fx"):
            answer = await send(http, f"{path_of(shop, None)}{charge}/{act}", path_of(shop, sold.charge_id))
            assert answer.status == 404
