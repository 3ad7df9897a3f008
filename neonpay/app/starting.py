"""A shop that is created delivers: it opens by itself, without waiting for an update.

A library tells of its start when it polls. Behind a web framework nobody may ever call it before the first update, and a
delivery that a kill has cut off would wait for that long.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import multiprocessing
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, Final

from neonpay.core.ports import OwnLoop
from neonpay.core.retrying import RetryPolicy
from neonpay.errors import LedgerError

logger = logging.getLogger("neonpay.app")

START_AFTER_S: Final = 1.0
"""Longer than a program takes to fork its workers or to print its help, and shorter than anybody waits for a delivery."""
TELL_AFTER_S: Final = 30.0
_OPENING = RetryPolicy(on=LedgerError, attempts=None, first_pause_s=1.0, most_pause_s=30.0, jitter=0.0, total_s=None)
_JOIN_S = 1.0
_TEST_RUNNERS: Final = ("_pytest.config", "django.test.runner")

Open = Callable[[], Coroutine[Any, Any, None]]


def runs_tests() -> bool:
    """Whether this process runs tests, which open a shop when they mean to."""
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    return (main is not None and main.name == "unittest.__main__") or any(name in sys.modules for name in _TEST_RUNNERS)


class Starter:
    """Opens a shop once its program has declared nothing for a moment; a second start does nothing.

    A library without an event loop has one of the adapter's, so a thread waits for the moment there. Otherwise the event loop
    that runs when something is declared, or when the host does something, is the place; where none ever runs, the log says what
    to write.

    A fork hands the start over: threads do not survive one, and a program that forks before it has started is one that leaves
    the work to its children. Only a child of a shop that was not open starts by itself.

    Args:
        open_: opens the shop; may be awaited on any loop.
        is_open: whether it is.
        own_loop: the adapter, when it has a loop.
        after_s: how long nothing may have been declared.
    """

    def __init__(
        self,
        open_: Open,
        is_open: Callable[[], bool],
        own_loop: OwnLoop | None,
        *,
        after_s: float,
        tell_after_s: float = TELL_AFTER_S,
    ) -> None:
        self._open = open_
        self._is_open = is_open
        self._own_loop = own_loop
        self._after_s = after_s
        self._tell_after_s = tell_after_s
        self._task: asyncio.Task[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_loop: asyncio.AbstractEventLoop | None = None
        self._is_stopped = False
        self._hands_over = False
        """Whether what is forked off starts in place of this process, which has not begun to."""
        self._is_inherited = False
        """Whether the program was made before this process was forked off."""
        self._begin_waiting()
        self.declared()
        if hasattr(os, "register_at_fork"):
            reference = weakref.ref(self)
            os.register_at_fork(
                before=functools.partial(_call, reference, "_hand_over"),
                after_in_parent=functools.partial(_call, reference, "_look_again"),
                after_in_child=functools.partial(_call, reference, "_begin_in_child"),
            )

    def declared(self) -> None:
        """The program goes on declaring: wait a moment more."""
        self._due_s = time.monotonic() + self._after_s
        self.host_is_up()

    def host_is_up(self) -> None:
        """The host is at work: where an event loop runs, open on it soon."""
        if self.is_over or self._own_loop is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        # The first loop may have been one that only set something up.
        if self._timer is None or (self._timer_loop is not None and self._timer_loop.is_closed()):
            self._look_later(loop)

    async def stop(self) -> None:
        """Start nothing from now on; what has begun to open is cancelled and has ended."""
        self._is_stopped = True
        self._stop_waiting()
        if self._timer is not None:
            self._timer.cancel()
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task() and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            await asyncio.wait([task])

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer_loop = loop
        self._timer = loop.call_later(max(0.0, self._due_s - time.monotonic()), self._look_here, loop)

    def _look_here(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.is_over:
            return
        if time.monotonic() < self._due_s:
            self._look_later(loop)
            return
        self._stop_waiting()
        self._hands_over = False  # it serves itself
        if not self._is_open() and not self._is_helper:
            self._task = loop.create_task(self._open_patiently())

    async def _open_patiently(self) -> None:
        """Open, again and again while the database is away; what is wrong with the program is logged."""
        self._task = asyncio.current_task()
        try:
            async for attempt in _OPENING:
                if self._is_stopped:
                    return
                with attempt:
                    await self._try_to_open(attempt.number)
        except Exception as error:  # nobody awaits it
            logger.exception("the shop cannot start: %s", error)  # noqa: TRY401  # it says what to write

    async def _try_to_open(self, number: int) -> None:
        try:
            await self._open()
        except LedgerError as error:
            pause_s = _OPENING.pause_s(number, error)
            logger.warning("the shop cannot start yet and tries again in %.0f s: %s", pause_s, error)
            raise

    def _begin_waiting(self) -> None:
        self._changed = threading.Condition()
        self.is_over = False
        self._due_s = time.monotonic() + self._after_s
        self._thread = threading.Thread(target=self._wait, name="neonpay-start", daemon=True)
        self._thread.start()

    def _stop_waiting(self) -> None:
        with self._changed:
            self.is_over = True
            self._changed.notify()
        # So that a process which forks has one thread less, and Python does not warn of it.
        if self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)

    def _hand_over(self) -> None:
        """About to fork. A parent that has handed over goes on to, as when it replaces a worker that died."""
        self._hands_over = not self._is_open() and (self._hands_over or not self.is_over)
        self._stop_waiting()

    def _look_again(self) -> None:
        """Has forked. Where an event loop runs, this process serves; one without is taken for the parent of those that do."""
        if self._hands_over and self._own_loop is None:
            self.is_over = False
            self.host_is_up()

    def _begin_in_child(self) -> None:
        self._timer = self._timer_loop = self._task = None
        if self._hands_over:
            self._is_inherited = True
            self._begin_waiting()

    def _wait(self) -> None:
        end_s = time.monotonic() + self._tell_after_s
        with self._changed:
            while not self.is_over:
                left_s = (end_s if self._own_loop is None else self._due_s) - time.monotonic()
                if left_s <= 0:
                    break
                self._changed.wait(left_s)
            if self.is_over:
                return
            self.is_over = self._own_loop is not None
            self._hands_over = False
        if self._own_loop is None:
            if not self._is_helper:
                self._tell()
        elif not self._is_open() and not self._is_helper:
            self._begin_there(self._own_loop)

    def _begin_there(self, own_loop: OwnLoop) -> None:
        opening = self._open_patiently()
        try:
            own_loop.run_soon(opening)
        except RuntimeError:  # the program ends, and no thread can be started any more
            opening.close()

    @property
    def _is_helper(self) -> bool:
        """Whether this process was forked off to do some work for the program, and is none that serves."""
        return self._is_inherited and multiprocessing.parent_process() is not None

    def _tell(self) -> None:
        if not self._is_open():
            logger.warning(
                "the shop has not started %.0f s after it was made, and what is unfinished waits for the first payment; write "
                "`await neonpay.setup()` where your web server starts, or create_neonpay(..., start_after_s=None) if this "
                "program sells nothing",
                self._tell_after_s,
            )


def _call(reference: weakref.ref[Starter], name: str) -> None:
    starter = reference()
    if starter is not None:
        getattr(starter, name)()
