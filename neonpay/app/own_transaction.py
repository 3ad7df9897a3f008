"""``neonpay.transaction``: one transaction of the ledger for the program's own tables, used from the event loop.

The transaction is a unit of work in a thread, which does what the block asks of it and waits for it in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import sqlalchemy as sa

from neonpay.core.clock import stopwatch_s
from neonpay.errors import LedgerLockedError, TransactionEndedError
from neonpay.ledger import Ledger, Transaction

T = TypeVar("T")

_Step = tuple[Callable[[sa.Connection], Any], "Future[Any]"]


class _Undo(Exception):  # noqa: N818  # no fault of the transaction: its block has raised
    pass


class OwnTransaction:
    """The transaction of one ``async with neonpay.transaction()`` block.

    The connection is lent, as in a handler with ``connection``: it refuses to commit, to roll back and to close.
    """

    def __init__(self, steps: SimpleQueue[_Step | bool], running: asyncio.Task[None]) -> None:
        self._steps = steps
        self._running = running

    async def execute(self, statement: sa.Executable, parameters: Mapping[str, object] | None = None) -> sa.Result[Any]:
        """Execute a statement; its rows are read already.

        Raises:
            sqlalchemy.exc.SQLAlchemyError, LedgerError: the statement failed, or the transaction is over.
        """
        return await self.run_sync(_execute, statement, parameters)

    async def run_sync(self, function: Callable[..., T], *args: object) -> T:
        """What a plain function returns that is given the connection; it runs in another thread and must not wait."""
        outcome: Future[T] = Future()
        self._steps.put((lambda connection: function(connection, *args), outcome))
        answer = asyncio.wrap_future(outcome)
        waited_for: set[asyncio.Future[Any]] = {answer, self._running}
        try:
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            outcome.cancel()  # it is not begun any more, if it has not begun
            raise
        if not answer.done():
            answer.cancel()
            await self._running
            msg = "the transaction is over; what comes after the block needs a block of its own"
            raise TransactionEndedError(msg)
        return answer.result()


@asynccontextmanager
async def own_transaction(ledger: Ledger, *, limit_s: float) -> AsyncIterator[OwnTransaction]:
    """See ``NeonPayCore.transaction``."""
    steps: SimpleQueue[_Step | bool] = SimpleQueue()
    running = asyncio.get_running_loop().create_task(ledger.apart.run(_Unit(steps, limit_s)))
    try:
        yield OwnTransaction(steps, running)
    except GeneratorExit:
        steps.put(False)
        running.add_done_callback(_forget)
        raise  # the event loop is gone, and nothing can be awaited any more
    except BaseException:
        steps.put(False)
        await asyncio.wait({running})
        running.exception()  # the block's own error is the one to tell
        raise
    steps.put(True)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        # Too late to undo it: whoever is cancelled now goes on when it is known what has become of the transaction.
        await asyncio.wait({running})
        raise


def _forget(running: asyncio.Task[None]) -> None:
    if not running.cancelled():
        running.exception()


class _Unit:
    """What runs in the thread of the transaction."""

    def __init__(self, steps: SimpleQueue[_Step | bool], limit_s: float) -> None:
        self._steps = steps
        self._limit_s = limit_s
        self._has_run = False

    def __call__(self, transaction: Transaction) -> None:
        if self._has_run:
            msg = "the database has undone the transaction, or lost the answer to its COMMIT; look, and run the block again"
            raise TransactionEndedError(msg)
        self._has_run = True
        transaction.lend(self._serve)

    def _serve(self, connection: sa.Connection) -> None:
        until_s = stopwatch_s() + self._limit_s
        while True:
            step = self._next(until_s - stopwatch_s())
            if step is True:
                return
            if isinstance(step, bool):
                raise _Undo
            function, outcome = step
            if not outcome.set_running_or_notify_cancel():
                continue
            try:
                outcome.set_result(function(connection))
            except Exception as exc:  # noqa: BLE001  # it is the block's, which may go on after it
                outcome.set_exception(exc)

    def _next(self, left_s: float) -> _Step | bool:
        with suppress(Empty):
            if left_s > 0:
                return self._steps.get(timeout=left_s)
        msg = (
            f"the block of neonpay.transaction() took longer than {self._limit_s:g} s; nothing of it was kept. Await "
            "nothing in it but its connection: what else writes to the ledger waits for the block itself"
        )
        raise LedgerLockedError(msg)


def _execute(
    connection: sa.Connection, statement: sa.Executable, parameters: Mapping[str, object] | None
) -> sa.Result[Any]:
    result = connection.execute(statement, parameters)
    return result.freeze()() if result.returns_rows else result
