"""Rolling up keeps nobody who writes waiting: how much is done at once follows from how long it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.analytics import rollups
from neonpay.analytics.cohort_rollup import COHORTS, renew_cohorts
from neonpay.analytics.marks import ROLLUP
from neonpay.analytics.renewed import Renewed
from neonpay.analytics.rollups import catch_up, roll_up
from neonpay.ledger.tables_rollups import rollup_ages, rollup_cohorts
from tests.integration.web.looked_at import stocked

if TYPE_CHECKING:
    from neonpay.analytics.new_events import New
    from neonpay.analytics.rollups import Renew
    from neonpay.ledger import Transaction
    from tests.integration.conftest import Shop

_AGES = sa.select(*[rollup_ages.c[name] for name in ("bot_id", "user_id", "age", "stars")])
_SUMS = sa.select(rollup_cohorts.c.n, rollup_cohorts.c.stars)


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

    def noted(renew: Renew) -> Renew:
        def note(transaction: Transaction, new: New, renewed: Renewed) -> None:
            sizes.append(new.last - new.after)
            renew(transaction, new, renewed)

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


async def test_who_buys_again_while_a_turn_goes_on_is_counted_again(shop: Shop) -> None:
    stocked(shop)
    bot_id = shop.neonpay.program.adapter.bot_id
    store, ledger = shop.neonpay.program.pipeline.periodic_store, shop.neonpay.program.pipeline.ledger
    async with shop.polling():
        buyer = await shop.visitor("Ann")
        async with store.turn(COHORTS, patience_s=60.0, next_in_s=60.0) as turn:
            number, renewed = turn.position, Renewed()
            for times in (1, 2, 3):
                await shop.delivers(await shop.sells(buyer))
                await shop.neonpay.books.seal()
                while reached := await ledger.run(roll_up, turn, number, 1, renew_cohorts, renewed):
                    renewed.keep()
                    number = reached
                kept = await ledger.read(lambda transaction: transaction.connection.execute(_AGES).all())
                assert kept == [(bot_id, buyer.id, 0, times * 50)]
                assert await ledger.read(lambda transaction: transaction.connection.execute(_SUMS).all()) == [
                    (1, times * 50)
                ]
