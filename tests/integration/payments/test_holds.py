"""Holds as their units keep them: whatever runs twice, as after a commit whose answer was lost, changes nothing again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.ledger import open_ledger
from neonpay.ledger.tables import holds as table
from neonpay.payments.checkout import holds
from neonpay.payments.checkout.holds import HOLD_US, Hold

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from neonpay.ledger import Ledger, Transaction
    from tests.integration.conftest import MovableClock

BOT = 7
FIRST = Hold("stock:poster", "query 1", "invoice", 1, "delivery a", quantity=3)
AGAIN = FIRST._replace(delivery="delivery b")


@pytest.fixture
async def ledger(database_url: str, clock: MovableClock) -> AsyncIterator[Ledger]:
    ledger = open_ledger(database_url, clock=clock)
    yield ledger
    await ledger.close()


def tries(transaction: Transaction) -> list[int]:
    return list(transaction.connection.scalars(sa.select(table.c.tries)))


async def test_a_hold_that_is_written_again_by_the_same_unit_was_tried_once(ledger: Ledger) -> None:
    for _ in range(2):
        await ledger.run(holds.hold, BOT, [FIRST])
    assert await ledger.read(tries) == [1]
    for _ in range(2):
        await ledger.run(holds.hold, BOT, [AGAIN])
    assert await ledger.read(tries) == [2]


async def test_a_hold_that_two_deliveries_of_one_batch_ask_for_was_tried_twice(ledger: Ledger) -> None:
    await ledger.run(holds.hold, BOT, [FIRST, AGAIN])
    assert await ledger.read(tries) == [2]


async def test_only_the_one_delivery_that_was_answered_releases_its_hold(ledger: Ledger) -> None:
    await ledger.run(holds.hold, BOT, [FIRST])
    assert not await ledger.run(holds.release, BOT, AGAIN)
    await ledger.run(holds.hold, BOT, [AGAIN])
    assert not await ledger.run(holds.release, BOT, FIRST)
    assert not await ledger.run(holds.release, BOT, AGAIN)
    other = FIRST._replace(hold_id="query 2")
    await ledger.run(holds.hold, BOT, [other])
    assert await ledger.run(holds.release, BOT, other)
    assert not await ledger.run(holds.release, BOT, other)


async def test_what_is_held_is_a_quantity_until_its_time_is_over(ledger: Ledger, clock: MovableClock) -> None:
    await ledger.run(holds.hold, BOT, [FIRST, FIRST._replace(hold_id="query 2", quantity=2)])
    await ledger.run(holds.hold, BOT + 1, [FIRST])
    assert await ledger.run(holds.held, BOT, ["stock:poster", "stock:mug"]) == {"stock:poster": 5}
    clock.advance(HOLD_US / 1_000_000)
    assert await ledger.run(holds.held, BOT, ["stock:poster"]) == {}
    clock.advance(-1)
    assert await ledger.run(holds.held, BOT, ["stock:poster"]) == {}
    assert await ledger.run(holds.held, BOT + 1, ["stock:poster"]) == {"stock:poster": 3}


async def test_the_holds_of_a_buyer_come_in_the_order_in_which_they_end(ledger: Ledger, clock: MovableClock) -> None:
    late = FIRST._replace(hold_id="query 0", quantity=1)
    await ledger.run(holds.hold, BOT, [FIRST])
    clock.advance(1)
    await ledger.run(holds.hold, BOT, [late, FIRST._replace(hold_id="query 3", user_id=2)])
    mine = await ledger.read(holds.of_buyers, BOT, [("stock:poster", 1), ("stock:poster", 9)])
    assert mine == {("stock:poster", 1): [("query 1", 3), ("query 0", 1)], ("stock:poster", 9): []}
    await ledger.run(holds.use_up, BOT, [("stock:poster", "query 1")])
    assert await ledger.run(holds.held, BOT, ["stock:poster"]) == {"stock:poster": 4}
