"""The guide to limited stock, run as its page prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from neonpay.errors import SaleRefused
from neonpay.ledger import open_ledger
from tests.unit.docs.blocks import programs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop

(PAGE,) = programs("docs/howto/limited-stock.md")


@pytest.fixture
async def stock(shop: Shop, database_url: str) -> sa.Table:
    """The table, with two on the shelf, and the page's functions in the shop."""
    there: dict[str, Any] = {"bot": shop.bot, "dispatcher": shop.dispatcher, "neonpay": shop.neonpay}
    exec(PAGE.source, there)  # noqa: S102 - the page's own code
    table: sa.Table = there["stock"]
    ledger = open_ledger(database_url)

    def fill(transaction: Any) -> None:
        transaction.connection.execute(sa.schema.CreateTable(table))
        transaction.connection.execute(sa.insert(table).values(stage_id="vinyl", left=2))

    await ledger.run(fill)
    await ledger.close()
    return table


async def test_what_is_on_the_shelf_is_sold_and_no_more(shop: Shop, stock: sa.Table, query: Callable[..., Any]) -> None:
    async with shop.polling():
        ann, bob, cat = [await shop.visitor(name) for name in ("Ann", "Bob", "Cat")]
        await shop.neonpay.send_payment(cat.id, "vinyl")
        late = await cat.hears(shop.account, predicate=lambda message: message.invoice is not None)
        first = await shop.sells(ann, "vinyl")
        assert (await shop.sells(bob, "vinyl")).status == "paid"
        assert await query(sa.select(stock.c.left)) == [(0,)]
        declined = await cat.pays(late)
        assert (declined.status, declined.reason) == ("declined", "The last one has just been sold.")
        with pytest.raises(SaleRefused) as refused:
            await shop.neonpay.send_payment(cat.id, "vinyl")
        assert refused.value.reason == "sold_out"

        await shop.neonpay.refund(first.charge_id or "")
        await shop.settles()
        assert await query(sa.select(stock.c.left)) == [(1,)]


async def test_of_two_that_pay_for_the_last_one_the_later_gets_the_stars_back_and_a_word(
    shop: Shop, stock: sa.Table, query: Callable[..., Any]
) -> None:
    async with shop.polling():
        ann, bob, cat = [await shop.visitor(name) for name in ("Ann", "Bob", "Cat")]
        await shop.sells(cat, "vinyl")
        invoices = []
        for buyer in (ann, bob):
            await shop.neonpay.send_payment(buyer.id, "vinyl")
            invoices.append(await buyer.hears(shop.account, predicate=lambda message: message.invoice is not None))
        checkouts = [await buyer.begins_to_pay(invoice) for buyer, invoice in zip((ann, bob), invoices, strict=True)]
        assert [(await checkout.outcome()).status for checkout in checkouts] == ["paid", "paid"]
        await shop.settles()
        assert sorted((ann.stars, bob.stars)) == [600, 1000]
        loser = ann if ann.stars == 1000 else bob
        assert await loser.hears(shop.account, containing="Somebody was faster")
        assert await query(sa.select(stock.c.left)) == [(0,)]
