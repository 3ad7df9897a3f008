"""Many buyers, and a shop that is killed at random points again and again."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from neonpay.simulator import Buyer
    from tests.failure.conftest import MortalShop

KILLS = 40
BUYERS = 20
_PATIENCE_S = 50.0


async def _keeps_buying(shop: MortalShop, buyer: Buyer, closing: asyncio.Event) -> None:
    while not closing.is_set():
        await buyer.says("/buy", to=shop.account)
        invoice = await buyer.hears(shop.account, predicate=lambda m: m.invoice is not None, timeout_s=_PATIENCE_S)
        outcome = await buyer.pays(invoice, timeout_s=_PATIENCE_S)
        assert outcome.status == "paid"


@pytest.mark.timeout(120)
async def test_nothing_is_lost_or_doubled_by_random_kills(shop: MortalShop) -> None:
    # A unit of work passes more points on PostgreSQL, which is asked for every clock and statement over a wire.
    longest = 800 if shop.database_url.startswith("sqlite") else 900
    random = Random(2026)  # noqa: S311 - the same kills in every run
    buyers = [await shop.visitor(f"Buyer {number}") for number in range(BUYERS)]
    closing = asyncio.Event()
    shopping = asyncio.gather(*(_keeps_buying(shop, buyer, closing) for buyer in buyers))

    for _ in range(KILLS):
        await shop.starts(fuse=random.randint(20, longest))
        await shop.dies()
    closing.set()
    await shop.starts()
    await shopping
    await shop.settles()

    remains = await shop.remains()
    taken = {payment.charge_id for payment in shop.telegram.payments(shop.account)}
    doubled = [effect for effect, times in remains.effects.items() if times > 1]
    told = sum((shop.told(buyer, "reserved") + shop.told(buyer, "shipped") for buyer in buyers), start=Counter[str]())
    repeated = told.total() - 2 * len(taken)
    print(  # noqa: T201 - pytest -rP shows it
        f"{len(taken)} payments, {KILLS} kills: {len(taken - remains.payments.keys())} lost, {len(doubled)} doubled, "
        f"{repeated} of {told.total()} calls repeated"
    )
    assert remains.payments == dict.fromkeys(taken, 1)
    assert remains.effects == {(what, charge): 1 for what in ("credited", "delivered") for charge in taken}
    assert told.keys() == taken
    assert remains.job_states == {"done": 3 * len(taken)}
    assert remains.stars == shop.telegram.balance(shop.account) == 5 * len(taken)
    assert remains.unbalanced == []
