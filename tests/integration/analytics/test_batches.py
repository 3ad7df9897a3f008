"""Rolling up keeps nobody who writes waiting: how much is done at once follows from how long it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from neonpay.analytics import rollups
from neonpay.analytics.marks import ROLLUP
from neonpay.analytics.rollups import catch_up
from tests.integration.web.looked_at import stocked

if TYPE_CHECKING:
    from collections.abc import Callable

    from neonpay.analytics.new_events import New
    from neonpay.ledger import Transaction
    from tests.integration.conftest import Shop


class Watch:
    """Tells, each time it is looked at, that so many seconds have gone by."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._now_s = 0.0

    def __call__(self) -> float:
        self._now_s += self._every_s
        return self._now_s


@pytest.fixture(params=[10.0, 0.0001])
def every_s(request: pytest.FixtureRequest) -> float:
    return float(request.param)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups, "BATCH", 4)
    monkeypatch.setattr(rollups, "_BATCHES", (1, 1_000))


async def test_batches_are_as_large_as_they_may_be(shop: Shop, every_s: float) -> None:
    stocked(shop)
    sizes: list[int] = []

    def noted(renew: Callable[[Transaction, New], None]) -> Callable[[Transaction, New], None]:
        def note(transaction: Transaction, new: New) -> None:
            sizes.append(new.last - new.after)
            renew(transaction, new)

        return note

    async with shop.polling():
        for _ in range(4):
            await shop.delivers(await shop.sells(await shop.visitor()))
        await shop.neonpay.books.seal()
        store, ledger = shop.neonpay.program.pipeline.periodic_store, shop.neonpay.program.pipeline.ledger
        async with store.turn(ROLLUP, patience_s=60.0, next_in_s=60.0) as turn:
            count = await catch_up(ledger, turn, renew=noted(rollups.renew_rollups), watch_s=Watch(every_s))
    assert sum(sizes) == count >= 16
    expected = [4, 2, 1, 1] if every_s > 1 else [4, 8]
    assert sizes[: len(expected) - 1] == expected[:-1]
    assert sizes[-1] == 1 if every_s > 1 else len(sizes) <= 3
