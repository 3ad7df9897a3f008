"""In-process listeners: told of events once they are durable, and unable to change a payment."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import defaultdict
from collections.abc import Callable

from neonpay.core.events import Event, event_type
from neonpay.payments.foreign_code import call, held, refuse_generator, refuse_unrun
from neonpay.payments.threads import Threads

logger = logging.getLogger("neonpay.events")

Listener = Callable[[Event], object]

_MOST_THREADS = 8
_LAST_S = 1.0


Announce = Callable[[Event], None]
"""Tells whoever listens of an event that is durable."""


class Listeners:
    """Who wants to be told of what. What must survive a restart belongs into a payment handler instead."""

    def __init__(self) -> None:
        self._by_type: defaultdict[type[Event], list[Listener]] = defaultdict(list)
        self.are_there = False
        self._running: set[asyncio.Task[None]] = set()
        self._threads = Threads(name="neonpay-listener", most=_MOST_THREADS)

    def add(self, event: str | type[Event], listener: Listener) -> None:
        """Tell ``listener`` of every event of a kind; ``Event`` itself stands for all kinds.

        Raises:
            HandlerError: none of its lines would run.
        """
        refuse_generator(listener, "a listener")
        self._by_type[event_type(event)].append(listener)
        self.are_there = True

    def announce(self, event: Event) -> None:
        """Tell the listeners of an event, each in a task of its own; what they raise is logged and goes no further."""
        for listener in (*self._by_type.get(type(event), ()), *self._by_type.get(Event, ())):
            task = asyncio.get_running_loop().create_task(self._tell(listener, event))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        """Wait until every listener that was told has returned."""
        while self._running:
            await asyncio.wait(self._running)

    def forget(self) -> None:
        """What runs belongs to an event loop or a process that is not ours any more."""
        self._running = set()

    async def stop(self, *, grace_s: float) -> None:
        """Wait for the listeners for ``grace_s`` seconds; those that are not done by then are cancelled, and left behind."""
        for wait_s in (grace_s, _LAST_S):
            if self._running:
                await asyncio.wait(self._running, timeout=wait_s)
            for task in self._running:
                task.cancel()
        if self._running:
            logger.warning("%d listeners go on beyond the stop", len(self._running))
        self._threads.close()

    async def _tell(self, listener: Listener, event: Event) -> None:
        try:
            if inspect.iscoroutinefunction(listener):
                outcome: object = call(lambda: listener(event))
            else:
                outcome = await self._threads.run(listener, listener, event)
            if inspect.isawaitable(outcome):
                outcome = await held(outcome)
            refuse_unrun(outcome, "a listener")
        except Exception:  # a listener's bug must not change a payment
            logger.exception("a listener raised for %s %s", event.name, event.event_id)

    def __len__(self) -> int:
        return sum(len(listeners) for listeners in self._by_type.values())
