"""Somebody else's code blocks inside a transaction on PostgreSQL, and nobody waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from neonpay.ledger import Ledger, Transaction

OpenLedger = Callable[..., Ledger]
PATIENCE_S = 20


async def test_other_units_finish_while_units_apart_block(postgres_url: str, opened: OpenLedger, notes: Any) -> None:
    ledger = opened(postgres_url)
    await ledger.run(notes.start)
    may_end = threading.Event()
    begun = [threading.Event() for _ in range(3)]

    def block(transaction: Transaction, number: int) -> None:
        notes.write(transaction, f"blocked {number}")
        begun[number].set()
        assert may_end.wait(PATIENCE_S)

    blocked = [asyncio.create_task(ledger.apart.run(block, number)) for number in range(3)]
    for event in begun:
        assert await asyncio.to_thread(event.wait, PATIENCE_S)
    async with asyncio.timeout(PATIENCE_S):
        assert await ledger.run(notes.write, "here") == 1
        assert await asyncio.to_thread(ledger.run_sync, notes.write, "from a thread") == 1
        assert await ledger.apart.run(notes.write, "apart") == 1
    assert not any(task.done() for task in blocked)
    may_end.set()
    await asyncio.gather(*blocked)
    names = await ledger.read(notes.names)
    assert names >= {"here", "from a thread", "apart", "blocked 0", "blocked 1", "blocked 2"}


async def test_a_caller_that_goes_away_leaves_its_lane_taken(postgres_url: str, opened: OpenLedger, notes: Any) -> None:
    ledger = opened(postgres_url)
    await ledger.run(notes.start)
    begun, may_end = threading.Event(), threading.Event()

    def block(transaction: Transaction) -> None:
        notes.write(transaction, "blocked")
        begun.set()
        assert may_end.wait(PATIENCE_S)

    gone = asyncio.create_task(ledger.apart.run(block))
    assert await asyncio.to_thread(begun.wait, PATIENCE_S)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    async with asyncio.timeout(PATIENCE_S):
        assert await ledger.apart.run(notes.write, "apart") == 1
    may_end.set()
    await ledger.close()
