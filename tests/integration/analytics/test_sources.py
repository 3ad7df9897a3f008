"""Revenue by source goes by where a buyer came from first, whenever that is heard."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.analytics import Split
from neonpay.analytics.rollups import roll_up
from neonpay.analytics.source_rollup import renew_sources
from neonpay.core.clock import moment
from neonpay.ledger import Transaction, open_ledger
from neonpay.store.first_touches import SOURCES, Touch, write_touches
from neonpay.store.periodic import PeriodicStore
from neonpay.tracking import SoftEvent, SoftKind
from neonpay.tracking.rows import write_soft
from tests.integration.analytics.test_languages import count
from tests.integration.analytics.test_languages import shares as shares_by
from tests.integration.web.looked_at import stocked

if TYPE_CHECKING:
    from neonpay.store.periodic import Turn
    from tests.integration.conftest import Shop

Unit = Callable[[Transaction], object]
_WAITS = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")


shares = partial(shares_by, split=Split.SOURCE)


async def come(shop: Shop, user_id: int, source: str) -> None:
    """Another program tells where somebody has come from."""
    assert shop.clock is not None
    at = moment(shop.clock.now_us())
    told = SoftEvent(
        event_id=f"{user_id} {source}",
        bot_id=shop.neonpay.program.adapter.bot_id,
        kind=SoftKind.USER_STARTED,
        at=at,
        user_id=user_id,
        source=source,
    )
    await shop.neonpay.program.pipeline.ledger.run(write_soft, [told])


async def test_who_is_heard_of_after_their_payment_was_counted_moves_it_to_where_they_came_from(shop: Shop) -> None:
    stocked(shop)
    async with shop.polling():
        ann, bob = [await shop.visitor(name) for name in ("Ann", "Bob")]
        await come(shop, bob.id, "blog")
        kept, back = [await shop.sells(ann) for _ in range(2)]
        for sold in (kept, back, await shop.sells(bob)):
            await shop.delivers(sold)
        await shop.neonpay.refund(back.charge_id or "")
        await shop.fact("payment_refunded")
        assert await shares(shop) == {"": (2, 1), "blog": (1, 0)}
        await count(shop)
        assert await shares(shop) == {"": (2, 1), "blog": (1, 0)}
        await come(shop, ann.id, "ads")
        assert await shares(shop) == {"ads": (2, 1), "blog": (1, 0)}
        await come(shop, ann.id, "blog")  # the first one counts
        await count(shop)
        assert await shares(shop) == {"ads": (2, 1), "blog": (1, 0)}
        erased = await shop.neonpay.people.erase(ann.id)
        assert erased.removed["first_touch"] == 1
        assert await shares(shop) == {"": (2, 1), "blog": (1, 0)}
        await shop.neonpay.refund(kept.charge_id or "")
        await shop.fact("payment_refunded", count=2)
        await count(shop)
        assert await shares(shop) == {"": (2, 2), "blog": (1, 0)}


def crossing(url: str, first: Unit, second: Unit) -> None:
    """Run a unit, and another one before its transaction ends, as far as the two let each other."""
    ledgers, pool, is_done = (open_ledger(url), open_ledger(url)), ThreadPoolExecutor(1), threading.Event()

    def beside() -> None:
        try:
            ledgers[1].run_sync(second)
        finally:
            is_done.set()

    def run(transaction: Transaction) -> None:
        first(transaction)
        under_way.append(pool.submit(beside))
        while not (is_done.wait(0.01) or transaction.connection.execute(_WAITS).scalar()):
            pass

    under_way: list[object] = []
    try:
        for ledger in ledgers:
            ledger.open_sync()
        ledgers[0].run_sync(run)
        pool.shutdown()
    finally:
        for ledger in ledgers:
            ledger.close_sync()


def rolls_up(turn: Turn) -> Unit:
    return lambda transaction: roll_up(transaction, turn, turn.position, 100, renew_sources)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # on SQLite one writes at a time
@pytest.mark.parametrize("is_counted_first", [True, False])
async def test_who_is_heard_of_while_their_payment_is_counted_counts_once_and_by_where_they_came_from(
    shop: Shop, database_url: str, *, is_counted_first: bool
) -> None:
    stocked(shop)
    async with shop.polling():
        ann, bob = [await shop.visitor(name) for name in ("Ann", "Bob")]
        await shop.delivers(await shop.sells(bob))
        await count(shop)  # so that there is a position, as in every shop that has run for a minute
        await shop.delivers(await shop.sells(ann))
        await shop.neonpay.books.seal()
        ledger, bot_id = shop.neonpay.program.pipeline.ledger, shop.neonpay.program.adapter.bot_id
        heard: Unit = partial(
            write_touches, touches=[Touch(bot_id, ann.id, 1, "ads"), Touch(bot_id, bob.id, 1, "blog")]
        )
        async with PeriodicStore(ledger, bot_id, new_token=lambda: 1).turn(SOURCES, patience_s=0, next_in_s=0) as turn:
            units = (rolls_up(turn), heard) if is_counted_first else (heard, rolls_up(turn))
            await asyncio.to_thread(crossing, database_url, *units)
        assert await shares(shop) == {"ads": (1, 0), "blog": (1, 0)}
