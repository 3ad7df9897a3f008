"""The event loop that the connections of a ledger belong to, and the work that is handed to it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar

from neonpay.errors import LedgerClosedError, LedgerError, LedgerUnavailableError
from neonpay.ledger.loop_thread import LoopThread

R = TypeVar("R")


class Home:
    """One event loop for connections that belong to a loop: that of the first caller, or one in a thread of its own.

    Callers on other loops and in threads cross over to it.

    Args:
        name: of the thread, as debuggers show it.
        in_thread: whether the loop is to be one in a thread of its own, whoever comes first.
        moved: called before the first work on a loop, for what belongs to the loop.
        has_connections: whether connections are open; a loop that is gone cannot be replaced while they are.
    """

    def __init__(
        self, *, name: str, in_thread: bool, moved: Callable[[], None], has_connections: Callable[[], bool]
    ) -> None:
        self._name = name
        self._in_thread = in_thread
        self._moved = moved
        self._has_connections = has_connections
        self._deciding = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: LoopThread | None = None
        self._process = os.getpid()
        self._closing: Future[None] | None = None
        self._handed_in = 0
        self._idle = asyncio.Event()

    @property
    def handed_in(self) -> int:
        """How much work was taken and is not done."""
        return self._handed_in

    async def run(self, work: Callable[[], Awaitable[R]]) -> R:
        """What the work gives; it runs at home, wherever it is awaited.

        Raises:
            LedgerClosedError: nothing was done.
        """
        home = self._hand_in(asyncio.get_running_loop())
        return await _cross(lambda: self._done(work), home)

    def wait(self, work: Callable[[], Awaitable[R]]) -> R:
        """``run`` for a thread without an event loop."""
        if self._loop is not None and self._loop is _running_loop():
            msg = "run_sync() would wait for the event loop that it blocks; await run() here"
            raise LedgerError(msg)
        return _submit(lambda: self._done(work), self._hand_in(None)).result()

    def hold(self, more: int) -> None:
        """There is so much more work that closing waits for."""
        with self._deciding:
            self._handed_in += more
        self._idle.set()

    async def idle(self) -> None:
        """Wait, at home, until everything that was handed in is done."""
        while self._handed_in:
            self._idle.clear()
            await self._idle.wait()

    async def close(self, dispose: Callable[[], Awaitable[None]]) -> None:
        """Take no more work, run ``dispose`` at home, and end the thread if there is one."""
        closing, is_first = self._begin_closing()
        if not is_first:
            await asyncio.shield(asyncio.wrap_future(closing))
            return
        try:
            if self._is_there:
                assert self._loop is not None, "a home that is there has a loop"
                await _cross(dispose, self._loop)
            if self._thread is not None:
                await asyncio.to_thread(self._thread.close)
        finally:
            closing.set_result(None)

    def close_sync(self, dispose: Callable[[], Awaitable[None]]) -> None:
        """``close`` for a thread without an event loop."""
        closing, is_first = self._begin_closing()
        if not is_first:
            closing.result()
            return
        try:
            if self._is_there:
                assert self._loop is not None, "a home that is there has a loop"
                _submit(dispose, self._loop).result()
            if self._thread is not None:
                self._thread.close()
        finally:
            closing.set_result(None)

    @property
    def _is_there(self) -> bool:
        return self._loop is not None and not self._loop.is_closed() and self._process == os.getpid()

    def _begin_closing(self) -> tuple[Future[None], bool]:
        with self._deciding:
            is_first = self._closing is None
            if self._closing is None:
                self._closing = Future()
            return self._closing, is_first

    async def _done(self, work: Callable[[], Awaitable[R]]) -> R:
        try:
            return await work()
        finally:
            self.hold(-1)

    def _hand_in(self, here: asyncio.AbstractEventLoop | None) -> asyncio.AbstractEventLoop:
        """The home loop, which has one more thing to do."""
        if self._process != os.getpid() and self._loop is not None:
            msg = "the ledger was opened before this process was forked; open another one here"
            raise LedgerUnavailableError(msg)
        with self._deciding:
            if self._closing is not None:
                msg = "the ledger is closed; nothing was written"
                raise LedgerClosedError(msg)
            if self._loop is None or (self._loop.is_closed() and not self._has_connections()):
                if here is None or self._in_thread:
                    self._thread = LoopThread(name=self._name)
                    here = self._thread.loop
                self._loop, self._handed_in, self._process = here, 0, os.getpid()
                self._idle = asyncio.Event()
                self._moved()
            if self._loop.is_closed():
                msg = "the event loop that the ledger was opened on is gone; close the ledger and open another"
                raise LedgerUnavailableError(msg)
            self._handed_in += 1
            return self._loop


async def _cross(work: Callable[[], Awaitable[R]], home: asyncio.AbstractEventLoop) -> R:
    # asyncpg belongs to the loop that opened it; a caller on another loop crosses over.
    if home is asyncio.get_running_loop():
        return await work()
    # A caller that goes away leaves its work to be done: cancelled before it begins, it would never be counted as done.
    return await asyncio.shield(asyncio.wrap_future(_submit(work, home)))


def _submit(work: Callable[[], Awaitable[R]], home: asyncio.AbstractEventLoop) -> Future[R]:
    return asyncio.run_coroutine_threadsafe(_awaited(work), home)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _awaited(work: Callable[[], Awaitable[R]]) -> R:
    return await work()
