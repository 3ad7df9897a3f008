"""What takes up work goes on, whatever happens to it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa

from neonpay import PaymentResult
from neonpay.app import house
from neonpay.core.clock import SystemClock
from neonpay.errors import LedgerUnavailableError
from neonpay.ledger import Transaction, open_ledger
from neonpay.store.loops import Loop
from tests.integration.conftest import Shop
from tests.integration.payments.faulty_ledger import Faults, FaultyLedger

PATIENCE_S = 30


class WordlessError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


KINDS: dict[str, Callable[[], BaseException]] = {
    "runtime error": lambda: RuntimeError("nobody expected this"),
    "key error": lambda: KeyError("nor this"),
    "pool is empty": lambda: sa.exc.TimeoutError("QueuePool limit reached"),
    "operation in progress": lambda: sa.exc.InterfaceError("", None, Exception("another operation is in progress")),
    "os error": lambda: OSError("no more file descriptors"),
    "timeout": TimeoutError,
    "cancelled": asyncio.CancelledError,
    "no memory": MemoryError,
    "no words": WordlessError,
    "away": lambda: LedgerUnavailableError("cannot be reached"),
}


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Faults of every ledger that a shop of this test opens."""
    faults = Faults()
    monkeypatch.setattr(
        house, "open_ledger", lambda *args, **kwargs: FaultyLedger(open_ledger(*args, **kwargs), faults)
    )
    return faults


@asynccontextmanager
async def selling(open_shop: Callable[..., Shop], **options: Any) -> AsyncIterator[tuple[Shop, list[str]]]:
    shop = open_shop(lease_s=0.3, reconcile_every_s=0.05, clock=SystemClock(), **options)
    delivered: list[str] = []

    @shop.neonpay.on_payment
    async def deliver(result: PaymentResult) -> None:
        delivered.append(result.transaction_id)

    async with shop.polling():
        yield shop, delivered


async def healthy(shop: Shop) -> None:
    """Wait until the last turn of every loop was well."""
    await _until(lambda: all(loop.is_alive and not loop.failures for loop in shop.neonpay.program.loops))


async def until_failing(shop: Shop, names: set[str]) -> None:
    await _until(lambda: names <= {loop.name for loop in shop.neonpay.program.loops if loop.failures})


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.to_thread(time.sleep, 0.01)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_loop_survives_any_exception_of_the_ledger(
    open_shop: Callable[..., Shop], faults: Faults, kind: str
) -> None:
    async with selling(open_shop) as (shop, delivered):
        ann = await shop.visitor()
        before = shop.neonpay.get_stats()["loops_alive"]
        faults.make = KINDS[kind]
        await until_failing(shop, {"jobs", "periodic"})
        assert shop.neonpay.get_stats()["loops_failing"] != 0
        faults.make = None
        await healthy(shop)
        outcome = await shop.sells(ann)
        await shop.delivers(outcome)
        assert delivered == [outcome.charge_id]
        assert shop.neonpay.get_stats()["loops_alive"] == before == len(shop.neonpay.program.loops)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_purchase_is_delivered_when_answers_of_the_ledger_were_lost(
    open_shop: Callable[..., Shop], faults: Faults, kind: str
) -> None:
    faults.is_after = True
    async with selling(open_shop) as (shop, _):
        await healthy(shop)
        faults.make = KINDS[kind]
        await until_failing(shop, {"jobs"})
        faults.make = None
        outcome = await shop.sells(await shop.visitor())
        await shop.delivers(outcome)
        await healthy(shop)


async def test_a_unit_that_raises_a_cancellation_does_not_cancel_who_waits_for_it(
    open_shop: Callable[..., Shop],
) -> None:
    def unit(transaction: Transaction) -> None:
        raise asyncio.CancelledError

    shop = open_shop()
    async with shop.neonpay:
        for attempt in (shop.neonpay.program.pipeline.ledger.run, shop.neonpay.program.pipeline.ledger.apart.run):
            with pytest.raises(RuntimeError, match="raised CancelledError"):
                await attempt(unit)
        with pytest.raises(RuntimeError, match="raised SystemExit"):
            await shop.neonpay.program.pipeline.ledger.run(_leave)
        await healthy(shop)


def _leave(transaction: Transaction) -> None:
    raise SystemExit(1)


async def test_a_loop_that_fails_pauses_longer_each_time_and_tells_of_each_kind_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    turns: list[float] = []
    recovered = asyncio.Event()

    async def turn() -> float:
        turns.append(asyncio.get_running_loop().time())
        if len(turns) < 6:
            raise (KeyError if len(turns) % 2 else ValueError)(f"turn {len(turns)}")
        recovered.set()
        return 1000.0

    loop = Loop("counting", turn, first_s=0.01)
    with caplog.at_level(logging.ERROR, logger="neonpay"):
        loop.start()
        async with asyncio.timeout(PATIENCE_S):
            await recovered.wait()
        await loop.stop()
    pauses = [later - earlier for earlier, later in pairwise(turns)]
    assert all(pause >= 0.009 * 2**n for n, pause in enumerate(pauses))
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [KeyError, ValueError]
    assert not loop.health.is_alive


async def test_a_loop_whose_task_is_cancelled_by_somebody_else_begins_again() -> None:
    turns = asyncio.Semaphore(0)

    async def turn() -> float:
        turns.release()
        return 1000.0

    loop = Loop("counting", turn, first_s=0.01)
    loop.start()
    await turns.acquire()
    for task in asyncio.all_tasks():
        if task.get_name() == "neonpay counting":
            task.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await turns.acquire()
    assert loop.health.is_alive
    await loop.stop()
