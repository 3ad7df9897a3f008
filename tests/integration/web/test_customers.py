"""People who buy: found by name, shown with everything about them, and decided about once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from neonpay import PaymentStage
from neonpay.core.limits import SUBSCRIPTION_PERIOD_S
from neonpay.ledger.tables_access import audit
from tests.integration.web.test_payment import EVIL
from tests.integration.web.visiting import send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

    from neonpay.simulator import Buyer
    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

    Query = Callable[[sa.Select[tuple[object, ...]]], Awaitable[list[tuple[object, ...]]]]

ACTS = sa.select(audit.c.act).order_by(audit.c.audit_id)


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


def names(text: str) -> list[str]:
    return re.findall(r'class="go" href="[^"]+"><bdi>([^<]+)</bdi>', text)


def path_of(shop: Shop, buyer: Buyer) -> str:
    return f"/customers/{shop.neonpay.program.adapter.bot_id}/{buyer.id}"


async def test_customers_are_listed_by_their_last_payment_or_by_what_they_paid(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        assert "Nobody has paid yet." in await see(http, "/customers")
        ann, ben = await shop.visitor("Ann"), await shop.visitor("Ben")
        await shop.sells(ann)
        await shop.sells(ann)
        await shop.telegram.advance(60)
        await shop.sells(ben)
        await shop.neonpay.program.pipeline.people.write()
        newest, most = await see(http, "/customers"), await see(http, "/customers?order=most")
        assert (names(newest), names(most)) == (["Ben", "Ann"], ["Ann", "Ben"])
        assert "Ben paid last." in newest
        assert "Последняя оплата: Ben." in await see(http, "/customers", language="ru")
        for words in ("Ann", "ann", str(ann.id)):
            assert names(await see(http, f"/customers?q={words}")) == ["Ann"], words
        assert "Nothing found for “nobody”." in await see(http, "/customers?q=nobody")
        for odd in ("?after=x", "?after=1.0.%00", "?order=most&after=1.0.x", "?q=%00", "?q=%25", "?order=%00"):
            await see(http, f"/customers{odd}")


@pytest.mark.parametrize("order", ["newest", "most"])
async def test_a_long_list_of_customers_has_each_of_them_once(shop: Shop, served: Served, order: str) -> None:
    async with shop.polling(), served() as http:
        for number in range(53):
            await shop.sells(await shop.visitor(f"Buyer {number}"))
        seen: list[str] = []
        path = f"/customers?order={order}"
        while path:
            text = await see(http, path)
            seen += re.findall(r'class="go" href="([^"?]+)', text)
            more = re.search(r'rel="next" href="([^"]+)"', text)
            path = more[1].replace("&amp;", "&") if more else ""
    assert len(seen) == len(set(seen)) == 53


async def test_the_page_of_a_person_tells_what_they_did_and_never_runs_it(shop: Shop, served: Served) -> None:
    shop.neonpay.create_payment_stage("evil", PaymentStage(title=EVIL[:32], description="x", price=5))
    async with shop.polling(), served() as http:
        eve = await shop.visitor(EVIL)
        sold = await shop.sells(eve)
        await shop.sells(eve, "evil")
        await shop.neonpay.refund(sold.charge_id, reason=EVIL)
        await shop.neonpay.security.report_suspicious_activity(eve.id, "odd", "low", EVIL)
        await shop.neonpay.program.pipeline.people.write()
        text = await see(http, path_of(shop, eve))
        assert "has paid 5 Stars with 2 orders." in text
        assert "Checkout approved" in text
        assert "Stars returned" in text
        assert "<script>" not in text
        for odd in ("?before=%00", "?before=ffff", "?before=x", "?done=%3Cscript%3E"):
            assert "<script>" not in await see(http, path_of(shop, eve) + odd)


async def test_a_person_is_blocked_once_and_let_in_again(shop: Shop, served: Served, query: Query) -> None:
    async with shop.polling(), served() as http:
        ann = await shop.visitor("Ann")
        await shop.sells(ann)
        path = path_of(shop, ann)
        assert (await send(http, f"{path}/block", path, lasting="century")).status == 400
        for _ in range(2):
            told = await send(http, f"{path}/block", path, lasting="ever", reason=EVIL)
            assert told.headers["Location"] == f"{path}?done=block"
        text = await see(http, f"{path}?done=block")
        assert "This person is blocked." in text
        assert "<script>" not in text
        assert await shop.neonpay.security.get_security_stats()
        await send(http, f"{path}/unblock", path)
        await send(http, f"{path}/trust", path)
        assert "Trusted: no limit applies to them." in await see(http, path)
    assert [act for (act,) in await query(ACTS)] == ["person.block", "person.unblock", "person.trust"]


async def test_a_subscription_is_cancelled_once(shop: Shop, served: Served, query: Query) -> None:
    async with shop.polling(), served() as http:
        ann = await shop.visitor("Ann")
        monthly = {"subscription_period": SUBSCRIPTION_PERIOD_S}
        invoice = await shop.neonpay.create_payment_link("vip", options=monthly)
        await ann.pays(invoice.link or "")
        await shop.settles()
        path = path_of(shop, ann)
        assert "renews on" in await see(http, path)
        for _ in range(2):
            assert (await send(http, f"{path}/cancel", path)).status == 303
        assert "ends on" in await see(http, path)
    assert [act for (act,) in await query(ACTS)] == ["subscription.cancel"]


async def test_whoever_only_looks_decides_nothing_and_strangers_are_not_found(
    shop: Shop, served: Served, query: Query
) -> None:
    async with shop.polling():
        ann = await shop.visitor("Ann")
        await shop.sells(ann)
        path = path_of(shop, ann)
        async with served(only_looks=True) as http:
            assert "<form" not in (await see(http, path)).partition("<main")[2].partition("</main>")[0]
            for act in ("block", "trust", "unblock", "cancel"):
                assert (await http.post(f"{path}/{act}", data={"lasting": "ever"})).status == 403
        async with served() as http:
            bot_id = shop.neonpay.program.adapter.bot_id
            for wrong in (f"/customers/{bot_id}/12345", "/customers/1/1", f"/customers/{bot_id}/x",
                          f"/customers/{bot_id}/{'9' * 19}", f"/customers/{bot_id}/{quote(EVIL)}"):  # fmt: skip
                assert (await http.get(wrong)).status == 404, wrong
    assert await query(ACTS) == []
