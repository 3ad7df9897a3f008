"""The shop is killed at each point between the buyer's press of Pay and the last word on the payment, and started again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.failure.conftest import MortalShop

AFTER_THE_STARS_MOVED = [
    "after answerPreCheckoutQuery",
    "payment received",
    "inside the recording transaction",
    "payment recorded",
    "before the handler",
    "between steps",
    "before the done marker",
    "enlisted statement executed",
    "payment delivered",
]


async def buys(shop: MortalShop) -> tuple[object, str]:
    ann = await shop.visitor()
    await ann.says("/buy", to=shop.account)
    outcome = await ann.pays(await ann.hears(shop.account))
    assert outcome.status == "paid"
    return ann, outcome.charge_id or ""


@pytest.mark.parametrize("point", AFTER_THE_STARS_MOVED)
async def test_a_shop_killed_after_the_stars_moved_delivers_once_when_it_is_back(shop: MortalShop, point: str) -> None:
    await shop.starts(crash_at=point)
    ann, charge_id = await buys(shop)
    await shop.dies()

    await shop.starts()
    await shop.settles()

    remains = await shop.remains()
    assert remains.payments == {charge_id: 1}
    assert remains.effects == {("credited", charge_id): 1, ("delivered", charge_id): 1}
    assert shop.told(ann, "reserved") == {charge_id: 1}
    assert shop.told(ann, "shipped") == {charge_id: 1}
    assert remains.job_states == {"done": 3}
    assert remains.stars == shop.telegram.balance(shop.account) == 5
    assert remains.unbalanced == []
