"""A periodic task has one holder among all workers, and goes on where the last one stopped."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from neonpay.errors import BusyError, LeaseLostError, TelegramUnreachableError
from neonpay.ledger import Ledger, Transaction, open_ledger
from neonpay.ledger.tables import duties
from neonpay.store.periodic import PeriodicRunner, PeriodicStore, PeriodicTask, Turn, poke
from tests.integration.conftest import MovableClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LEASE_S = 60
_tokens = count(1)


@pytest.fixture
async def ledger(database_url: str, clock: MovableClock) -> AsyncIterator[Ledger]:
    ledger = open_ledger(database_url, clock=clock)
    await ledger.open()
    yield ledger
    await ledger.close()


@pytest.fixture
def book(ledger: Ledger) -> PeriodicStore:
    return PeriodicStore(ledger, 42, new_token=lambda: next(_tokens))


def save(transaction: Transaction, turn: Turn, position: int, memo: str) -> None:
    turn.save(transaction, position=position, memo=memo)


async def test_a_periodic_task_is_due_at_first_and_then_after_its_time(
    book: PeriodicStore, clock: MovableClock
) -> None:
    first = await book.take("count")
    assert first is not None
    assert (first.position, first.memo) == (0, "")
    await book.end(first, next_in_s=10)
    assert await book.take("count") is None
    clock.advance(10)
    assert await book.take("count") is not None


async def test_a_periodic_task_that_somebody_has_is_nobody_elses(book: PeriodicStore, clock: MovableClock) -> None:
    assert await book.take("count") is not None
    clock.advance(LEASE_S - 1)
    assert await book.take("count") is None
    assert await book.take("count", early=True) is None
    assert await book.take("another one") is not None


async def test_a_periodic_task_may_be_taken_before_it_is_due(book: PeriodicStore) -> None:
    first = await book.take("count")
    assert first is not None
    await book.end(first, next_in_s=1000)
    assert await book.take("count", early=True) is not None


async def test_workers_that_ask_at_the_same_time_get_one_turn(ledger: Ledger) -> None:
    books = [PeriodicStore(ledger, 42, new_token=lambda: next(_tokens)) for _ in range(8)]
    turns = await asyncio.gather(*(book.take("count") for book in books))
    assert len([turn for turn in turns if turn is not None]) == 1


async def test_what_a_turn_saved_is_there_for_the_next_one(book: PeriodicStore, ledger: Ledger) -> None:
    first = await book.take("count")
    assert first is not None
    await ledger.run(save, first, 7, "seven")
    await book.end(first, next_in_s=0)
    second = await book.take("count")
    assert second is not None
    assert (second.position, second.memo) == (7, "seven")


async def test_saving_keeps_the_lease(book: PeriodicStore, ledger: Ledger, clock: MovableClock) -> None:
    turn = await book.take("count")
    assert turn is not None
    clock.advance(LEASE_S - 1)
    await ledger.run(save, turn, 1, "")
    clock.advance(LEASE_S - 1)
    assert await book.take("count") is None


async def test_a_dead_workers_turn_is_taken_over_and_it_can_save_no_more(
    book: PeriodicStore, ledger: Ledger, clock: MovableClock
) -> None:
    lost = await book.take("count")
    assert lost is not None
    await ledger.run(save, lost, 3, "three")
    clock.advance(LEASE_S)
    successor = await book.take("count")
    assert successor is not None

    with pytest.raises(LeaseLostError):
        await ledger.run(save, lost, 99, "stale")
    await book.end(lost, next_in_s=0)

    assert (successor.position, successor.memo) == (3, "three")
    await ledger.run(save, successor, 4, "four")
    assert await book.take("count") is None


async def test_a_position_that_could_not_be_saved_takes_the_work_with_it(
    book: PeriodicStore, ledger: Ledger, clock: MovableClock
) -> None:
    lost = await book.take("count")
    clock.advance(LEASE_S)
    successor = await book.take("count")
    assert lost is not None
    assert successor is not None

    def work(transaction: Transaction, turn: Turn) -> None:
        row = {"bot_id": 42, "name": "result", "run_at": 0, "position": 0, "memo": "written"}
        transaction.connection.execute(sa.insert(duties).values(**row))
        turn.save(transaction, position=1)

    with pytest.raises(LeaseLostError):
        await ledger.run(work, lost)
    result = await book.take("result")
    assert result is not None
    assert result.memo == "", "what the stale worker wrote was not kept"


async def test_a_block_waits_for_its_turn_and_gives_up(book: PeriodicStore) -> None:
    async with book.turn("count", patience_s=0, next_in_s=0):
        with pytest.raises(BusyError) as busy:
            async with book.turn("count", patience_s=0, next_in_s=0):
                pass
    assert busy.value.task == "count"
    async with book.turn("count", patience_s=0, next_in_s=0) as turn:
        assert turn.name == "count"


async def test_a_round_works_at_once_when_it_starts_and_gives_back_when_it_stops(book: PeriodicStore) -> None:
    begun = asyncio.Event()

    async def work(turn: Turn) -> None:
        begun.set()
        await asyncio.Event().wait()

    round_ = PeriodicRunner(book)
    round_.add(PeriodicTask("count", 600, work))
    round_.start()
    await begun.wait()
    assert await book.take("count", early=True) is None
    await round_.stop()
    assert await book.take("count") is not None


@pytest.mark.parametrize(("at_start", "done"), [(True, "count"), (False, "other")])
async def test_a_periodic_task_that_is_not_due_is_done_at_the_start_where_it_says_so(
    book: PeriodicStore, at_start: bool, done: str
) -> None:
    before = await book.take("count")
    assert before is not None
    await book.end(before, next_in_s=1000)
    turns: list[str] = []
    enough = asyncio.Event()

    async def work(turn: Turn) -> None:
        turns.append(turn.name)
        if turns.count(done) == (1 if at_start else 3):
            enough.set()

    round_ = PeriodicRunner(book, poll_s=0.01)
    round_.add(PeriodicTask("count", 600, work, at_start=at_start))
    round_.add(PeriodicTask("other", 0, work))
    round_.start()
    async with asyncio.timeout(100):
        await enough.wait()
    await round_.stop()
    assert ("count" in turns) == at_start


@pytest.mark.parametrize("error", [TelegramUnreachableError("getMe"), RuntimeError("a bug")])
async def test_a_turn_that_fails_is_given_back_and_comes_again(
    book: PeriodicStore, clock: MovableClock, error: Exception
) -> None:
    attempts: asyncio.Queue[int] = asyncio.Queue()

    async def work(turn: Turn) -> None:
        attempts.put_nowait(turn.token)
        raise error

    round_ = PeriodicRunner(book, poll_s=0.01)
    round_.add(PeriodicTask("count", 600, work))
    round_.start()
    async with asyncio.timeout(100):
        first = await attempts.get()
        while attempts.empty():
            clock.advance(600)
            await asyncio.sleep(0)
        assert await attempts.get() != first
    await round_.stop()


async def test_a_round_stops_when_its_database_is_gone(book: PeriodicStore, ledger: Ledger) -> None:
    begun = asyncio.Event()

    async def work(turn: Turn) -> None:
        begun.set()
        await asyncio.Event().wait()

    round_ = PeriodicRunner(book, poll_s=0.01)
    round_.add(PeriodicTask("count", 600, work))
    round_.start()
    await begun.wait()
    await ledger.close()
    async with asyncio.timeout(100):
        await round_.stop()


async def test_what_is_poked_in_this_process_is_done_at_once_and_so_is_what_is_poked_while_it_is_done(
    book: PeriodicStore, ledger: Ledger
) -> None:
    began: asyncio.Queue[int] = asyncio.Queue()
    goes_on = asyncio.Event()

    async def work(turn: Turn) -> None:
        began.put_nowait(turn.token)
        await goes_on.wait()

    round_ = PeriodicRunner(book, poll_s=1_000_000)
    round_.add(PeriodicTask("count", 1_000_000, work))
    round_.start()
    async with asyncio.timeout(100):
        await began.get()
        await ledger.run(poke, 42, ["count"])
        round_.look_soon()
        goes_on.set()
        await began.get()
        while not (await book.waits())["count"] > LEASE_S:
            pass  # the turn has not been given back
        await ledger.run(poke, 42, ["count"])
        round_.look_soon()
        await began.get()
    await round_.stop()
