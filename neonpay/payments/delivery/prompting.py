"""Subscribers are told soon after a fact of their kind, and not only when it is time for the next sweep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from neonpay.core.events import Event
from neonpay.payments.delivery.soon import Soon
from neonpay.payments.extensions_used import Extensions


class Prompter:
    """Has the sweep run when something was announced that a subscriber of this program waits for.

    Args:
        sweep: gives subscribers their jobs; it makes a seal and moves every consumer on, so that there is a pause between two.
        wake: called when there may be new ones.
    """

    def __init__(self, extensions: Extensions, sweep: Callable[[], Awaitable[int]], wake: Callable[[], None]) -> None:
        self._extensions = extensions
        self._sweep = sweep
        self._wake = wake
        self._awaited: frozenset[str] = frozenset()
        self.waits = False
        """Whether some kind of event is waited for."""
        self._soon = Soon(self._prompt)

    def look(self) -> None:
        """Read which kinds of events are waited for."""
        subscribers = self._extensions.subscribers().values()
        self._awaited = frozenset(name for subscriber in subscribers for name in subscriber.events)
        self.waits = bool(self._awaited)

    def announced(self, event: Event) -> None:
        """An event is durable; must be called on the event loop of the shop."""
        if event.name in self._awaited:
            self._soon.ask()

    async def close(self) -> None:
        """Prompt nothing more; what was not told yet is told by the next sweep."""
        self._awaited, self.waits = frozenset(), False
        await self._soon.stop()

    async def _prompt(self) -> None:
        if await self._sweep():
            self._wake()
