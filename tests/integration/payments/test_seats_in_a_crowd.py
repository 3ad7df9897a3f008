"""What it costs when many people press Pay on one link in the same moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest
import sqlalchemy as sa

from tests.integration.payments.test_seats import feed, link_of, payments_arrive, sells_seats, statuses, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Shop


async def writing_transactions(url: str) -> int:
    """A number that grows by one with every transaction that writes, and with each call of this."""
    dsn = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    server = await asyncpg.connect(dsn)
    try:
        return int(await server.fetchval("SELECT pg_current_xact_id()::text"))
    finally:
        await server.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_people_on_one_link_share_transactions(open_shop: Callable[..., Shop], database_url: str) -> None:
    people, seats, batch = 640, 100, 64
    shop = open_shop()
    delivered = sells_seats(shop, seats)
    await shop.neonpay.setup()
    link = await link_of(shop)
    buyers = [shop.telegram.user(f"Buyer {number}", stars=30) for number in range(people)]
    begun = [await buyer.begins_to_pay(link) for buyer in buyers]
    queries = told(shop, "pre_checkout_query")
    before = await writing_transactions(database_url)
    await feed(queries, shop)
    asked = await writing_transactions(database_url) - before
    outcomes = [await checkout.outcome() for checkout in begun]
    before = await writing_transactions(database_url)
    await payments_arrive(shop)
    paid = await writing_transactions(database_url) - before

    assert statuses(outcomes) == ["declined"] * (people - seats) + ["paid"] * seats
    assert len(delivered) == seats
    # Once to decide and once to note the noes; not every batch is full, and the server has work of its own.
    assert asked < 4 * people / batch, "transactions go by batches and not by people"
    assert paid < seats / 2
