"""Every page names a sale as its buyer knows it, and not as its stage is called."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.core.clock import moment
from neonpay.ledger.tables import unexplained
from tests.integration.web.test_exports import order
from tests.integration.web.test_payment import path_of

if TYPE_CHECKING:
    from tests.integration.conftest import Shop
    from tests.integration.web.conftest import Served

ORDER = "Order 17: two pizzas"


@pytest.fixture
def shop(shop: Shop) -> Shop:
    @shop.neonpay.on_payment(name="deliver")
    async def deliver() -> None: ...

    return shop


async def test_each_page_that_names_a_sale_names_it_as_its_buyer_does(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        ann = await shop.visitor("Ann")
        bot_id = shop.neonpay.program.adapter.bot_id
        sold = await shop.sells(ann, title=ORDER)
        for path in ("/payments", "/live", f"/customers/{bot_id}/{ann.id}", path_of(shop, sold.charge_id)):
            text = await (await http.get(path)).text()
            assert ORDER in text, path
            if path != f"/customers/{bot_id}/{ann.id}":  # which sums up by stage as well
                assert "VIP" not in text.replace('value="vip"', "").replace("VIP</option>", ""), path


async def test_what_is_asked_back_goes_back_or_was_declined_is_named_so_too(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        ann = await shop.visitor("Ann")
        sold = await shop.sells(ann, title=ORDER)
        asked = await shop.neonpay.refunds.request(sold.charge_id, user_id=ann.id, words="cold")
        bot_id = shop.neonpay.program.adapter.bot_id
        for path in ("/refunds", f"/refunds/{bot_id}/{asked.request_id}"):
            assert ORDER in await (await http.get(path)).text(), path
        await shop.neonpay.refund(sold.charge_id)
        assert ORDER in await (await http.get("/refunds?tab=done")).text()

        shop.neonpay.on_pre_checkout(lambda query: "sold out")
        await shop.neonpay.send_payment(ann.id, "vip", title="Order 18")
        await ann.pays(await ann.hears(shop.account, predicate=lambda m: m.invoice is not None))
        await shop.settles()
        assert "Order 18" in await (await http.get("/payments?tab=declined")).text()


async def test_a_payment_that_telegram_does_not_have_is_named_so_too(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        sold = await shop.sells(await shop.visitor("Ann"), title=ORDER)
        pipeline = shop.neonpay.program.pipeline
        row = {
            "bot_id": shop.neonpay.program.adapter.bot_id,
            "charge_id": sold.charge_id,
            "found_at": moment(1_790_000_000_000_000),
        }
        await pipeline.ledger.run(lambda transaction: transaction.connection.execute(sa.insert(unexplained), row))
        assert ORDER in await (await http.get("/reconciliation")).text()


async def test_the_sheet_of_payments_has_the_title_that_each_was_sold_under(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        ann = await shop.visitor("Ann")
        await shop.sells(ann, title=ORDER)
        await shop.sells(ann)
        answer = await order(http, sheet="payments", format="csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert sorted(row["title"] for row in rows) == [ORDER, "VIP"]


async def test_a_sale_is_found_by_what_its_buyer_calls_it(shop: Shop, served: Served) -> None:
    async with shop.polling(), served() as http:
        ann = await shop.visitor("Ann")
        sold, other = await shop.sells(ann, title=ORDER), await shop.sells(ann, title="Order 18")

        async def found(words: str) -> list[bool]:
            text = await (await http.get("/payments", params={"q": words})).text()
            return [path_of(shop, outcome.charge_id) in text for outcome in (sold, other)]

        assert [await found(words) for words in (ORDER, "order 17", "Order 1", "Order 19", "100%_")] == [
            [True, False], [True, False], [True, True], [False, False], [False, False],
        ]  # fmt: skip
