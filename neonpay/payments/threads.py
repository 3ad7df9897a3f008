"""Threads for code that may block: a number of them for each purpose, so that one purpose cannot starve another."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar, cast

from neonpay.payments.foreign_code import contained

P = ParamSpec("P")
T = TypeVar("T")

MOST_HANDLERS = 32
"""Plain handlers that run at the same time; a further one waits for a thread, with its lease."""
MOST_HOOKS = 32
"""Plain checkout hooks that are asked at the same time; they share no thread with handlers, which may be slow."""
_IDLE_S = 10.0
"""How long a thread waits for another call before it ends."""


class _Call(NamedTuple):
    function: Callable[[], object]
    future: asyncio.Future[object]
    owner: object


class Threads:
    """Runs calls in at most ``most`` threads, which start when they are needed.

    A thread cannot be stopped. The interpreter waits for none of them when it ends.

    Args:
        name: what debuggers show.
    """

    def __init__(self, *, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._waiting: deque[_Call] = deque()
        self._running: list[object] = []
        self._count = 0
        self._idle = 0
        self._closed = False

    async def run(self, owner: object, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returned; what it raises is ``contained``.

        A caller that is cancelled takes back a call that has not begun. One that has begun goes on; ``is_running`` tells.

        Args:
            owner: whose call it is.
        """
        context = contextvars.copy_context()
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._hand_in(_Call(functools.partial(context.run, function, *args, **kwargs), future, owner))
        return cast("T", await future)

    def is_running(self, owner: object) -> bool:
        """Whether a call of this owner has begun and has not ended."""
        with self._changed:
            return any(running is owner for running in self._running)

    def close(self) -> None:
        """Have the threads end as soon as nothing is left to do; does not wait. Later calls start threads again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _hand_in(self, call: _Call) -> None:
        if self._process != os.getpid():
            self._reset()  # a forked child has none of its parent's threads
        with self._changed:
            self._closed = False
            self._waiting.append(call)
            if len(self._waiting) > self._idle and self._count < self._most:
                self._count += 1
                threading.Thread(target=self._serve, name=f"{self._name}-{self._count}", daemon=True).start()
            else:
                self._changed.notify()

    def _serve(self) -> None:
        while (call := self._next()) is not None:
            result, error = None, None
            try:
                result = call.function()
            except BaseException as exc:  # noqa: BLE001  # somebody else's code may raise whatever it likes
                error = contained(exc)
            with self._changed:
                self._running.remove(call.owner)
            try:
                call.future.get_loop().call_soon_threadsafe(_resolve, call.future, result, error)
            except RuntimeError:
                continue  # the loop is gone, and with it whoever waited
            finally:
                del call, result, error  # an idle thread must not keep what it was given

    def _next(self) -> _Call | None:
        with self._changed:
            while True:
                while self._waiting:
                    call = self._waiting.popleft()
                    if not call.future.done():
                        self._running.append(call.owner)
                        return call
                if self._closed:
                    break
                self._idle += 1
                was_called = self._changed.wait(_IDLE_S)
                self._idle -= 1
                if not was_called and not self._waiting:
                    break
            self._count -= 1
            return None


def _resolve(future: asyncio.Future[object], result: object, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
