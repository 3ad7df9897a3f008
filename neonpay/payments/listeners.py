"""In-process listeners: told of events once they are durable, and unable to change a payment."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import defaultdict
from collections.abc import Callable

from neonpay.core.events import Event, event_type

logger = logging.getLogger("neonpay.events")

Listener = Callable[[Event], object]


class Listeners:
    """Who wants to be told of what. What must survive a restart belongs into a payment handler instead."""

    def __init__(self) -> None:
        self._by_type: defaultdict[type[Event], list[Listener]] = defaultdict(list)
        self._running: set[asyncio.Task[None]] = set()

    def add(self, event: str | type[Event], listener: Listener) -> None:
        """Tell ``listener`` of every event of a kind; ``Event`` itself stands for all kinds."""
        self._by_type[event_type(event)].append(listener)

    def announce(self, event: Event) -> None:
        """Tell the listeners of an event, each in a task of its own; what they raise is logged and goes no further."""
        for listener in (*self._by_type.get(type(event), ()), *self._by_type.get(Event, ())):
            task = asyncio.get_running_loop().create_task(_tell(listener, event))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        """Wait until every listener that was told has returned."""
        while self._running:
            await asyncio.wait(self._running)

    def forget(self) -> None:
        """What runs belongs to an event loop or a process that is not ours any more."""
        self._running = set()

    def __len__(self) -> int:
        return sum(len(listeners) for listeners in self._by_type.values())


async def _tell(listener: Listener, event: Event) -> None:
    try:
        if inspect.iscoroutinefunction(listener):
            await listener(event)
        else:
            outcome = await asyncio.to_thread(listener, event)
            if inspect.isawaitable(outcome):
                await outcome
    except Exception:  # a listener's bug must not change a payment
        logger.exception("a listener raised for %s %s", event.name, event.event_id)
