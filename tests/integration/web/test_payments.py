"""The list of payments: what was sold is found there, by whatever one knows of it, and nothing foreign runs in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from neonpay import PaymentStage
from neonpay.ledger import open_ledger
from neonpay.ledger.tables import payments

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

EVIL = "<script>alert(1)</script>\"'\N{RIGHT-TO-LEFT OVERRIDE}"


async def rows(http: ClientSession, query: str = "", *, language: str = "en") -> list[str]:
    """The words of each line of the list."""
    answer = await http.get(f"/payments{query}", headers={"Accept-Language": language})
    text = await answer.text()
    assert answer.status == 200, text
    body = text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.sub(r"<[^>]+>", " ", row) for row in body.split("</tr>")[:-1]]


async def heading(http: ClientSession, query: str = "", *, language: str = "en") -> str:
    answer = await http.get(f"/payments{query}", headers={"Accept-Language": language})
    found = re.search(r"<h1>(.*?)</h1>", await answer.text())
    assert found is not None
    return found[1]


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.neonpay.create_payment_stage("book", PaymentStage(title="Phrasebook", description="Words", price=75))

    @shop.neonpay.on_payment(stage="vip", name="deliver")
    async def deliver() -> None:
        pass

    @shop.neonpay.on_payment(stage="book", name="print", max_attempts=1)
    async def fail() -> None:
        raise RuntimeError("no paper")

    return shop


async def test_a_shop_that_has_sold_nothing_says_what_to_do(shop: Shop, served: Served) -> None:
    await shop.neonpay.setup()
    async with served() as http:
        assert await heading(http) == "No payments yet."
        assert await heading(http, language="ru") == "Платежей пока нет."
        assert await rows(http) == []


async def test_every_payment_is_a_line_with_its_life_and_stands_under_its_tab(shop: Shop, served: Served) -> None:
    async with shop.polling():
        ann, ben = await shop.visitor("Ann"), await shop.visitor("Борис")
        kept = await shop.sells(ann)
        await shop.delivers(kept)
        await shop.sells(ben, "book")
        await shop.fact("fulfilment_abandoned")
        back = await shop.sells(ben)
        await shop.neonpay.refund(back.charge_id)

        @shop.neonpay.on_pre_checkout
        async def refuse() -> str:
            return "Sold out"

        await shop.sells(ann)
        await shop.neonpay.program.pipeline.people.write()
        async with served() as http:
            lines = await rows(http)
            tabs = {tab: await rows(http, f"?tab={tab}") for tab in ("need-you", "delivered", "refunded", "declined")}
            text = await (await http.get("/payments")).text()
            russian = await (await http.get("/payments", headers={"Accept-Language": "ru"})).text()
    assert len(lines) == 4
    assert {name: len(found) for name, found in tabs.items()} == dict.fromkeys(tabs, 1)
    assert "Phrasebook" in tabs["need-you"][0]
    assert "Борис" in tabs["need-you"][0]
    assert "Delivery failed" in tabs["need-you"][0]
    assert "Ann" in tabs["delivered"][0]
    assert "Refunded" in tabs["refunded"][0]
    assert "refused" in tabs["declined"][0]
    assert "<h1>1 payment needs you.</h1>" in text
    assert "<h1>1 платёж ждёт вас.</h1>" in russian
    assert 'aria-label="Paid, delivery failed"' in text
    assert f'href="/payments/{shop.neonpay.program.adapter.bot_id}/{quote(kept.charge_id or "", safe="")}"' in text
    counts = re.findall(r'<a href="/payments[^"]*"(?: aria-current="true")?>([^<]+) <span class="n">(\d+)</span>', text)
    assert dict(counts) == {"All": "4", "Need you": "1", "Delivered": "1", "Refunded": "1", "Declined": "1"}


async def test_a_payment_is_found_by_whatever_one_knows_of_it(shop: Shop, served: Served) -> None:
    async with shop.polling():
        ann = await shop.visitor("Анна")
        ben = await shop.visitor("Ben")
        first = await shop.sells(ann)
        await shop.sells(ben, "book")
        await shop.neonpay.program.pipeline.people.write()
        charge = first.charge_id or ""
        paid = await shop.neonpay.payments.get(charge)
        known = [
            charge, charge[:12] + "…", f"{charge[:8]}…{charge[-4:]}", str(ann.id), "анна", "анна".upper(), "Анн", "VIP", "vip",
            paid.invoice_id, (paid.invoice_id or "")[:9],
        ]  # fmt: skip
        async with served() as http:
            for words in known:
                found = await rows(http, f"?q={quote(words or '')}")
                assert len(found) == 1, words
                assert "Анна" in found[0], words
            assert await rows(http, "?q=nothing-like-this") == []
            assert await heading(http, "?q=nothing-like-this") == "Nothing found for “nothing-like-this”."
            assert len(await rows(http, "?product=book")) == 1
            assert len(await rows(http, f"?product=book&q={ann.id}")) == 0
            assert (await http.get("/payments?bot=1")).status == 404


async def test_a_number_that_is_a_buyers_is_the_beginning_of_nothing_else(
    shop: Shop, served: Served, database_url: str
) -> None:
    async with shop.polling():
        ann, ben = [await shop.visitor(name) for name in ("Ann", "Ben")]
        for buyer in (ann, ben):
            await shop.delivers(await shop.sells(buyer))
        await shop.neonpay.program.pipeline.people.write()
        like_hers = sa.update(payments).where(payments.c.user_id == ben.id).values(charge_id=f"{ann.id}_by_card")
        ledger = open_ledger(database_url)
        await ledger.run(lambda transaction: transaction.connection.execute(like_hers).rowcount)
        await ledger.close()
        async with served() as http:
            for words, name in ((f"{ann.id}", "Ann"), (f"{ann.id}"[:-1], "Ben"), (f"{ann.id}_by", "Ben")):
                (found,) = await rows(http, f"?q={words}")
                assert name in found, words


async def test_what_people_call_themselves_is_shown_and_never_run(shop: Shop, served: Served) -> None:
    shop.neonpay.create_payment_stage("evil", PaymentStage(title=EVIL[:32], description="x", price=5))

    @shop.neonpay.on_payment(stage="evil", name="evil", max_attempts=1)
    async def fail() -> None:
        raise RuntimeError(EVIL)

    async with shop.polling():
        eve = await shop.visitor(EVIL)
        await shop.sells(eve, "evil")
        await shop.neonpay.program.pipeline.people.write()
        async with served() as http:
            for path in ("/payments", f"/payments?q={quote(EVIL)}", f"/payments?product={quote(EVIL)}"):
                text = await (await http.get(path)).text()
                assert "<script>" not in text
                assert "&lt;script&gt;" in text
                assert "\"'\N{RIGHT-TO-LEFT OVERRIDE}" not in text


NONSENSE = (
    "?after=x", "?after=1.2", "?after=1.0.%00", "?after=9999999999999999999999.0.a", "?after=1.99.a",
    "?after=-5.0.%ED%A0%80", "?order=%00", "?tab=../..", "?q=%00", "?q=%25%5F", "?q=%ED%A0%80", "?product=%00",
    "?q=" + "9" * 180, "?period=forever", "?bot=-1", "?q=" + "a" * 5000, "?q=....", "?q=…", "?after=",
)  # fmt: skip


async def test_an_address_that_makes_no_sense_finds_nothing_and_breaks_nothing(shop: Shop, served: Served) -> None:
    async with shop.polling():
        await shop.sells(await shop.visitor())
        async with served() as http:
            for query in NONSENSE:
                assert (await http.get(f"/payments{query}")).status == 200, query


async def test_a_long_list_is_read_page_by_page_and_each_line_stands_in_it_once(shop: Shop, served: Served) -> None:
    async with shop.polling():
        buyers = [await shop.visitor(f"Buyer {number}") for number in range(8)]
        for number in range(56):
            await shop.sells(buyers[number % 8])
        async with served() as http:
            for order in ("", "&order=oldest"):
                seen: list[str] = []
                path = f"/payments?tab=all{order}"
                while path:
                    text = await (await http.get(path)).text()
                    seen += re.findall(r'class="go" href="([^"]+)"', text)
                    more = re.search(r'rel="next" href="([^"]+)"', text)
                    path = more[1].replace("&amp;", "&") if more else ""
                assert len(seen) == len(set(seen)) == 56
            assert 'aria-sort="ascending"' in text
