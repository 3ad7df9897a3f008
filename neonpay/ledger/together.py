"""Items that wait for the same unit share one transaction, as many at a time as have gathered meanwhile."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from neonpay.errors import LedgerUnavailableError
from neonpay.ledger.unit import A, T, Transaction, one_result_each

R = TypeVar("R")

_MOST_ITEMS = 64
"""Most items of one transaction: enough to hide the round trips, few enough that the first does not wait long for the last,
and no more than one locking statement takes, so that two transactions lock their rows in the same order."""
_AT_ONCE = 2
"""Transactions of one unit at the same time: while one waits for the server, the next one is made."""


class Runner(Protocol):
    """Runs a call in a transaction of its own."""

    def __call__(self, call: Callable[[Transaction], R], /) -> Awaitable[R]:
        """What the call returned, once its transaction is committed."""
        ...


class _Waiting(NamedTuple):
    item: Any
    future: asyncio.Future[Any]


class _Queue:
    __slots__ = ("running", "unit", "waiting")

    def __init__(self, unit: Callable[[Transaction, Sequence[Any]], Sequence[Any]]) -> None:
        self.unit = unit
        self.waiting: deque[_Waiting] = deque()
        self.running = 0


class Together:
    """Gathers the items of one event loop.

    Args:
        run: runs a transaction.
        held: told of 1 before a transaction that may outlive its callers begins, and of -1 when it is over.
    """

    def __init__(self, run: Runner, *, held: Callable[[int], None]) -> None:
        self._run = run
        self._held = held
        self._queues: dict[object, _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, unit: Callable[[Transaction, Sequence[A]], Sequence[T]], item: A) -> T:
        """What the unit returned for this item, once that is durable."""
        queue = self._queues.get(unit)
        if queue is None:
            queue = self._queues[unit] = _Queue(unit)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        queue.waiting.append(_Waiting(item, future))
        if queue.running < _AT_ONCE:
            queue.running += 1
            self._held(1)
            task = loop.create_task(self._drain(queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _drain(self, queue: _Queue) -> None:
        try:
            while queue.waiting:
                count = min(len(queue.waiting), _MOST_ITEMS)
                taken = [queue.waiting.popleft() for _ in range(count)]
                await self._commit(queue, [waiting for waiting in taken if not waiting.future.done()])
        finally:
            queue.running -= 1
            if not queue.running:
                self._queues.pop(queue.unit, None)
            self._held(-1)

    async def _commit(self, queue: _Queue, batch: list[_Waiting]) -> None:
        if not batch:
            return
        items = [waiting.item for waiting in batch]
        try:
            results = await self._run(lambda transaction: one_result_each(transaction, queue.unit, items))
        except Exception as exc:  # noqa: BLE001  # a unit is somebody's code; whatever it raises is told to its caller
            if len(batch) > 1 and not isinstance(exc, LedgerUnavailableError):
                # One of the items is at fault; alone, each gets the outcome that is its own.
                await asyncio.gather(*[self._commit(queue, [waiting]) for waiting in batch])
                return
            for waiting in batch:
                if not waiting.future.done():
                    waiting.future.set_exception(exc)
        except BaseException:
            for waiting in batch:
                waiting.future.cancel()
            raise
        else:
            for waiting, result in zip(batch, results, strict=True):
                if not waiting.future.done():
                    waiting.future.set_result(result)
