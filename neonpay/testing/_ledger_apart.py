"""Units that run somebody else's code, which may block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from neonpay.errors import LedgerClosedError
from neonpay.ledger import Ledger, Transaction
from neonpay.testing._ledger_base import LedgerFixtures
from neonpay.testing._ledger_rows import Refused, add, create, everything, put, put_then_raise

_PATIENCE_S = 20


class ApartRules(LedgerFixtures):
    """``apart`` is the same database, and a unit that blocks there keeps nobody waiting who does not need its rows."""

    async def test_a_unit_apart_works_on_the_same_rows(self, ledger: Ledger) -> None:
        assert await ledger.apart.run(put, "apart") == 1
        await ledger.run(put, "here")
        assert await ledger.read(everything) == await ledger.apart.read(everything) == {"apart": 1, "here": 1}
        assert await asyncio.to_thread(ledger.apart.run_sync, add, "apart") == 1
        assert await asyncio.to_thread(ledger.apart.read_sync, everything) == {"apart": 2, "here": 1}

    async def test_a_unit_apart_that_raises_leaves_nothing_and_its_error_comes_out_as_it_is(
        self, ledger: Ledger
    ) -> None:
        error = Refused("changed my mind")
        with pytest.raises(Refused) as raised:
            await ledger.apart.run(put_then_raise, "a", error)
        assert raised.value is error
        assert await ledger.read(everything) == {}

    async def test_items_that_are_given_apart_get_their_own_results(self, ledger: Ledger) -> None:
        def unit(transaction: Transaction, items: object) -> list[int]:
            assert isinstance(items, list | tuple)
            return [put(transaction, f"{n}", n) and n for n in items]

        results = await asyncio.gather(*[ledger.apart.run_each(unit, n) for n in range(1, 30)])
        assert results == list(range(1, 30))
        assert len(await ledger.read(everything)) == 29

    async def test_the_first_unit_of_a_new_database_may_be_one_apart(self, another: Callable[[], Ledger]) -> None:
        ledger = another()
        await ledger.apart.run(create)
        assert await ledger.read(everything) == {}

    async def test_the_event_loop_answers_while_a_unit_apart_blocks(self, ledger: Ledger) -> None:
        begun, may_end = threading.Event(), threading.Event()
        blocked = asyncio.create_task(ledger.apart.run(_block, begun, may_end))
        await asyncio.to_thread(begun.wait, _PATIENCE_S)
        async with asyncio.timeout(_PATIENCE_S):
            assert await ledger.read(everything) == {}
        assert not blocked.done()
        may_end.set()
        await blocked
        assert await ledger.read(everything) == {"blocked": 1}

    async def test_a_closed_ledger_is_closed_apart_too(self, ledger: Ledger) -> None:
        await ledger.apart.run(put, "a")
        await ledger.close()
        with pytest.raises(LedgerClosedError, match="closed"):
            await ledger.apart.run(put, "b")

    async def test_closing_finishes_what_was_handed_in_apart(
        self, ledger: Ledger, another: Callable[[], Ledger]
    ) -> None:
        units = [asyncio.create_task(ledger.apart.run(put, f"{n}")) for n in range(20)]
        await asyncio.sleep(0)  # each has handed its unit in
        await ledger.close()
        assert await asyncio.gather(*units) == [1] * 20
        assert len(await another().read(everything)) == 20


def _block(transaction: Transaction, begun: threading.Event, may_end: threading.Event) -> None:
    put(transaction, "blocked")
    begun.set()
    assert may_end.wait(_PATIENCE_S)
