"""What ledgers, threads and event loops that share a database see of each other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from neonpay.ledger import Ledger, Transaction
from neonpay.testing._ledger_base import LedgerFixtures
from neonpay.testing._ledger_rows import ALL, add, create, everything, put

_PATIENCE_S = 20


class SharingRules(LedgerFixtures):
    """Anything that was told as done is there for everybody, and nobody sees anything else."""

    async def test_a_result_comes_after_everybody_can_see_it(
        self, ledger: Ledger, another: Callable[[], Ledger]
    ) -> None:
        other = another()
        for n in range(20):
            await ledger.run(put, f"{n}")
            assert f"{n}" in await other.read(everything)

    async def test_two_ledgers_on_one_database_work_on_the_same_rows(
        self, ledger: Ledger, another: Callable[[], Ledger]
    ) -> None:
        other = another()
        await ledger.run(put, "stock", 0)
        await asyncio.gather(*[one.run(add, "stock") for one in (ledger, other) for _ in range(25)])
        assert await ledger.read(everything) == await other.read(everything) == {"stock": 50}

    async def test_readers_wait_for_no_writer_and_see_no_half_of_it(
        self, ledger: Ledger, another: Callable[[], Ledger]
    ) -> None:
        await ledger.run(put, "a", 1)
        with _writing(another()) as finish:
            # One writer is in the middle, a second one of our own waits for it.
            waiting = asyncio.create_task(ledger.run(add, "a", 100))
            async with asyncio.timeout(_PATIENCE_S):
                assert await asyncio.gather(*[ledger.read(everything) for _ in range(10)]) == [{"a": 1}] * 10
                assert await asyncio.to_thread(ledger.read_sync, everything) == {"a": 1}
            finish.set()
            await waiting
        assert await ledger.read(everything) == {"a": 111, "b": 10}

    async def test_a_reader_sees_one_state_of_the_database_from_beginning_to_end(
        self, ledger: Ledger, another: Callable[[], Ledger]
    ) -> None:
        await ledger.run(put, "a")
        other = another()
        await other.open()
        begun, written = threading.Event(), threading.Event()

        def reader(transaction: Transaction) -> tuple[object, object]:
            before = transaction.rows(ALL)
            begun.set()
            assert written.wait(_PATIENCE_S)
            return before, transaction.rows(ALL)

        # A ledger of its own for the thread: a unit may block the event loop that it runs on.
        blocking = another()
        reading = asyncio.create_task(asyncio.to_thread(blocking.read_sync, reader))
        assert await asyncio.to_thread(begun.wait, _PATIENCE_S)
        await other.run(put, "b")
        written.set()
        before, after = await reading
        assert before == after
        assert set(await ledger.read(everything)) == {"a", "b"}

    async def test_threads_and_an_event_loop_use_one_ledger_at_the_same_time(self, ledger: Ledger) -> None:
        await ledger.run(put, "stock", 0)
        await asyncio.gather(
            *[ledger.run(add, "stock") for _ in range(25)],
            *[asyncio.to_thread(ledger.run_sync, add, "stock") for _ in range(25)],
            *[asyncio.to_thread(ledger.read_sync, everything) for _ in range(5)],
        )
        assert await asyncio.to_thread(ledger.read_sync, everything) == {"stock": 50}

    async def test_an_event_loop_uses_a_ledger_that_a_thread_opened(self, another: Callable[[], Ledger]) -> None:
        ledger = another()
        await asyncio.to_thread(ledger.open_sync)
        await ledger.open()
        await ledger.run(create)
        await ledger.run(put, "loop")
        await asyncio.to_thread(ledger.run_sync, put, "thread")
        assert set(await ledger.read(everything)) == {"loop", "thread"}

    async def test_a_thread_and_an_event_loop_may_open_a_ledger_at_the_same_time(
        self, another: Callable[[], Ledger]
    ) -> None:
        ledger = another()
        async with asyncio.timeout(_PATIENCE_S):
            await asyncio.gather(
                ledger.open(), asyncio.to_thread(ledger.open_sync), ledger.open(), asyncio.to_thread(ledger.open_sync)
            )
        await ledger.run(create)
        assert await ledger.read(everything) == {}

    async def test_two_event_loops_use_one_ledger(self, ledger: Ledger) -> None:
        async def elsewhere() -> None:
            await ledger.open()
            await asyncio.gather(*[ledger.run(put, f"there {n}") for n in range(5)])

        await asyncio.gather(
            asyncio.to_thread(asyncio.run, elsewhere()), *[ledger.run(put, f"here {n}") for n in range(5)]
        )
        assert len(await ledger.read(everything)) == 10

    async def test_ledgers_that_find_a_new_database_together_make_it_once(self, another: Callable[[], Ledger]) -> None:
        ledgers = [another() for _ in range(6)]
        await asyncio.gather(*[ledger.open() for ledger in ledgers])
        found = [await ledger.read(_schema_rows) for ledger in ledgers]
        assert found == [1] * len(ledgers)


def _schema_rows(transaction: Transaction) -> int:
    return int(transaction.connection.scalar(sa.text("SELECT count(*) FROM neonpay_schema")) or 0)


@contextmanager
def _writing(ledger: Ledger) -> Iterator[threading.Event]:
    """A unit of this ledger has written and does not end before the event; it has ended after the block."""
    written, finish = threading.Event(), threading.Event()

    def unit(transaction: Transaction) -> None:
        add(transaction, "a", 10)
        put(transaction, "b", 10)
        written.set()
        assert finish.wait(_PATIENCE_S)

    thread = threading.Thread(target=ledger.run_sync, args=(unit,))
    thread.start()
    try:
        assert written.wait(_PATIENCE_S)
        yield finish
    finally:
        finish.set()
        thread.join()
