"""A library that confirms updates before they are handled loses one with the process; the payment is found all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.failure.conftest import MortalShop


@pytest.mark.parametrize("point", ["payment confirmed", "inside the recording transaction"])
async def test_a_payment_whose_update_died_with_the_shop_is_delivered_once_when_it_is_back(
    shop: MortalShop, point: str
) -> None:
    await shop.starts(level="B", crash_at=point)
    ann = await shop.visitor()
    await ann.says("/buy", to=shop.account)
    outcome = await ann.pays(await ann.hears(shop.account))
    await shop.dies()
    comparisons = len(shop.telegram.calls("getMyStarBalance"))

    await shop.starts(level="B")
    await shop.telegram.called("getMyStarBalance", count=comparisons + 1, timeout_s=20)
    await shop.settles()

    charge_id = outcome.charge_id
    remains = await shop.remains()
    assert remains.payments == {charge_id: 1}
    assert remains.effects == {("credited", charge_id): 1, ("delivered", charge_id): 1}
    assert shop.told(ann, "shipped") == {charge_id: 1}
    assert remains.job_states == {"done": 3}
    assert remains.stars == shop.telegram.balance(shop.account) == 5
    assert remains.unbalanced == []
