"""From whichever event loop a program awaits on to the one where the ledger was opened."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from neonpay.core.ports import OwnLoop
from neonpay.errors import LedgerClosedError, LedgerError

P = ParamSpec("P")
T = TypeVar("T")

_LOOK_S = 0.1
"""Seconds between two looks whether the loop that a call waits for is still there."""
_ENDED = (
    "the event loop on which this call ran has ended before it, so it may have been done or not; where several threads call "
    "neonpay, keep one event loop running and hand calls to it with asyncio.run_coroutine_threadsafe, instead of asyncio.run "
    "in each of them"
)


CLOSED = "neonpay was closed by another thread before this was done; it may have been done in part"


class Home(Protocol):
    """Where locks and tasks belong to one event loop."""

    def reside(self) -> asyncio.AbstractEventLoop | None:
        """The loop to cross over to from the running one, or None to stay; the home is made here when it is nowhere."""
        ...


def bridged(
    method: Callable[P, Coroutine[Any, Any, T]], home: Home, own_loop: OwnLoop | None
) -> Callable[P, Coroutine[Any, Any, T]]:
    """A coroutine method as one that runs at home, wherever it is awaited.

    Locks and tasks of ours belong to one loop, and a program may have several: one beside a bot that has none, one for each
    thread of a web server, one for each request.

    Args:
        own_loop: an adapter that has a loop; home is always there.
    """

    @functools.wraps(method)
    async def bridge(*args: P.args, **kwargs: P.kwargs) -> T:
        if own_loop is not None and not own_loop.on_loop_thread:
            return await asyncio.wrap_future(own_loop.run_soon(bridge(*args, **kwargs)))
        while (loop := home.reside()) is not None:
            cut_off = LedgerError(_ENDED) if own_loop is None else LedgerClosedError(CLOSED)
            visit = _Visit(functools.partial(method, *args, **kwargs), cut_off)
            if await visit.ended_at(loop):
                return visit.outcome()
        return await method(*args, **kwargs)

    return bridge


class _Visit(Generic[T]):
    """One call on another loop, which may end before the call does: ``asyncio.run`` in another thread has had its answer."""

    def __init__(self, method: Callable[[], Coroutine[Any, Any, T]], cut_off: LedgerError) -> None:
        self._method = method
        self._cut_off = cut_off
        self._has_begun = False
        self._outcome: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._coroutine: Coroutine[Any, Any, T] | None = None

    async def ended_at(self, home: asyncio.AbstractEventLoop) -> bool:
        """Whether the call came to an end there; False when the loop had ended before it began.

        Raises:
            LedgerError: the loop ended in the middle of the call.
        """
        try:
            home.call_soon_threadsafe(self._begin, home)
        except RuntimeError:  # the loop is closed
            return False
        waiting = asyncio.wrap_future(self._outcome)
        try:
            while not waiting.done() and not home.is_closed():
                await asyncio.wait([waiting], timeout=_LOOK_S)
        except asyncio.CancelledError:
            waiting.cancel()
            raise
        if waiting.done() and not waiting.cancelled():
            return True
        if self._has_begun:
            raise self._cut_off
        self._drop()
        await asyncio.sleep(_LOOK_S)  # the loop is about to be closed
        return False

    def outcome(self) -> T:
        """What the call gave; what it raised is raised."""
        return self._outcome.result()

    def _begin(self, home: asyncio.AbstractEventLoop) -> None:
        # The coroutine is made here, so a loop that never comes to it leaves no coroutine behind that nobody awaited.
        if self._outcome.cancelled():
            return
        self._coroutine = self._run()
        task = home.create_task(self._coroutine)
        task.add_done_callback(self._end)
        self._outcome.add_done_callback(functools.partial(self._stop, home, task))

    def _stop(
        self, home: asyncio.AbstractEventLoop, task: asyncio.Task[T], outcome: concurrent.futures.Future[T]
    ) -> None:
        if outcome.cancelled():
            try:
                home.call_soon_threadsafe(task.cancel)
            except RuntimeError:  # the loop is closed
                self._drop()

    def _drop(self) -> None:
        # A loop may end between taking the call up and beginning it: nothing runs it any more, and nobody awaits it.
        if self._coroutine is not None and not self._has_begun:
            self._coroutine.close()

    def _end(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self._outcome.cancel()
        elif not self._outcome.set_running_or_notify_cancel():
            task.exception()  # whoever waited has gone
        elif (error := task.exception()) is not None:
            self._outcome.set_exception(error)
        else:
            self._outcome.set_result(task.result())

    async def _run(self) -> T:
        self._has_begun = True
        try:
            return await self._method()
        except RuntimeError as exc:
            # Thrown away with its loop, and on the way out something has looked for the loop; nobody is left to be told.
            if isinstance(exc.__context__, GeneratorExit):
                raise exc.__context__ from None
            raise
